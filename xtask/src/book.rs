//! The book as pages to read in a browser.

use crate::failure::Failure;
use crate::no_words;
use crate::shell;
use crate::tools::{self, Need};

pub(crate) const HELP: &str = "\
Usage: cargo xtask book

Makes pages of docs/book in target/book. Its examples are run by `cargo xtask test tests`.";

/// Builds the book.
pub(crate) fn run(words: &[String]) -> Result<(), Failure> {
    no_words(words, HELP)?;
    tools::ensure(&[Need::Mdbook])?;
    let docs = shell::root().join("docs");
    if !shell::passes(tools::mdbook().arg("build").arg(docs))? {
        return Err(Failure::Failed("the book does not build".to_owned()));
    }
    let start = shell::root().join("target/book/start.html");
    eprintln!("== read it from {}", start.display());
    Ok(())
}
