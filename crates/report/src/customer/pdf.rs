//! HTML on paper: printed by a Chromium that is on the machine.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A browser that prints.
#[derive(Clone, Debug)]
pub struct Printer {
    browser: PathBuf,
    is_root: bool,
}

/// A page was not printed.
#[derive(Debug, thiserror::Error)]
pub enum NotPrinted {
    /// The browser could not be started.
    #[error("{} cannot be started", browser.display())]
    NoBrowser {
        /// Which one.
        browser: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It ended without having printed.
    #[error("{} printed nothing; it said: {said}", browser.display())]
    Nothing {
        /// Which one.
        browser: PathBuf,
        /// Its last words.
        said: String,
    },
    /// The folder for the page could not be made or read.
    #[error("the page cannot be handed to the browser")]
    Folder(#[from] io::Error),
}

impl Printer {
    /// The browser at this path. Chromium refuses its sandbox to root, so root has to say so; the
    /// page has no script, and may load nothing.
    #[must_use]
    pub fn new(browser: &Path, is_root: bool) -> Self {
        Self {
            browser: browser.to_owned(),
            is_root,
        }
    }

    /// Prints a page that is whole in itself.
    pub fn print(&self, html: &str) -> Result<Vec<u8>, NotPrinted> {
        let folder = tempfile::tempdir()?;
        let (page, paper) = (
            folder.path().join("page.html"),
            folder.path().join("page.pdf"),
        );
        std::fs::write(&page, html)?;
        let mut command = Command::new(&self.browser);
        command
            .args([
                "--headless",
                "--disable-gpu",
                "--no-first-run",
                "--disable-sync",
            ])
            .args([
                "--disable-background-networking",
                "--disable-component-update",
            ])
            .args(["--disable-dev-shm-usage", "--no-pdf-header-footer"])
            // Nothing leaves the machine, whatever the page says.
            .arg("--host-resolver-rules=MAP * ~NOTFOUND")
            .arg(format!(
                "--user-data-dir={}",
                folder.path().join("profile").display()
            ))
            .arg(format!("--print-to-pdf={}", paper.display()))
            .arg(format!("file://{}", page.display()))
            .stdin(Stdio::null());
        if self.is_root {
            command.arg("--no-sandbox");
        }
        let ran = command.output().map_err(|source| NotPrinted::NoBrowser {
            browser: self.browser.clone(),
            source,
        })?;
        let printed = std::fs::read(&paper).unwrap_or_default();
        if ran.status.success() && printed.starts_with(b"%PDF-") {
            return Ok(printed);
        }
        let said = String::from_utf8_lossy(&ran.stderr);
        Err(NotPrinted::Nothing {
            browser: self.browser.clone(),
            said: said
                .lines()
                .last()
                .unwrap_or("nothing")
                .chars()
                .take(300)
                .collect(),
        })
    }
}
