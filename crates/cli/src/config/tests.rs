//! What the configuration accepts and refuses, as somebody who writes one would see it.

mod bounds;
mod doors;
mod file;
mod keys;
mod preset;
mod provider;
mod reference;
mod rules;
mod together;
mod unavailable;

use std::ffi::OsString;
use std::path::PathBuf;

use tempfile::TempDir;

use super::{Config, Doors, Refused};

/// A file that is read through its door, as `serve --config` would.
struct Given {
    folder: TempDir,
    environment: Vec<(OsString, OsString)>,
}

fn given(text: impl AsRef<[u8]>) -> Given {
    let folder = TempDir::new().expect("there is room for a small file");
    std::fs::write(folder.path().join("c.toml"), text).expect("the folder is ours");
    Given {
        folder,
        environment: Vec::new(),
    }
}

impl Given {
    fn with(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("c.toml")
    }

    fn load(&self) -> Result<Config, Refused> {
        Config::load(Doors {
            file: Some(&self.file()),
            environment: self.environment.clone(),
            ..Doors::default()
        })
    }

    fn accepted(&self) -> Config {
        self.load()
            .unwrap_or_else(|refused| panic!("refused: {refused}"))
    }

    /// The lines of the refusal, without the folder.
    fn refused(&self) -> Vec<String> {
        let refused = self.load().expect_err("this is to be refused");
        let folder = format!("{}/", self.folder.path().display());
        refused
            .to_string()
            .lines()
            .map(|line| line.replace(&folder, ""))
            .collect()
    }

    /// The one line of a refusal that has just one.
    fn refusal(&self) -> String {
        let lines = self.refused();
        let [line] = lines.as_slice() else {
            panic!("not one line: {lines:#?}");
        };
        line.clone()
    }
}

/// What is accepted without any file.
fn nothing() -> Config {
    Config::load(Doors::default()).expect("nothing needs to be set")
}
