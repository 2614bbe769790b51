//! The published document, kept in the repository so that its changes are read in review.

use crate::failure::Failure;
use crate::no_words;
use crate::shell;

pub(crate) const HELP: &str = "\
Usage: cargo xtask openapi

Writes what the routes say of themselves to spec/openapi.json. A test compares the two, so a change
of the API shows in the file that comes with it.";

/// Renews the document.
pub(crate) fn run(words: &[String]) -> Result<(), Failure> {
    no_words(words, HELP)?;
    let mut renew = shell::cargo();
    renew
        .args(["test", "--quiet", "-p", "innkeeper-http", "--lib"])
        .arg("openapi::tests::given_the_routes")
        .env("INNKEEPER_RENEW_OPENAPI", "1");
    if shell::passes(&mut renew)? {
        Ok(())
    } else {
        Err(Failure::Failed(
            "spec/openapi.json was not renewed".to_owned(),
        ))
    }
}
