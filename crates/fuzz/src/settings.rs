//! The configuration: a file, and variables of the environment.

use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;

use crate::config::{Config, Doors};
use crate::{Tally, escape};

static FILE: LazyLock<PathBuf> = LazyLock::new(|| {
    let name = format!("innkeeper-fuzz-{}.toml", std::process::id());
    std::env::temp_dir().join(name)
});

/// A configuration file, and behind a NUL what variables say, each as `NAME=value` in a line.
pub fn settings(data: &[u8], tally: &mut Tally) {
    let mut parts = data.splitn(2, |byte| *byte == 0);
    let file = parts.next().unwrap_or_default();
    let variables = parts.next().unwrap_or_default();
    fs::write(&*FILE, file).expect("there is room");
    let environment = String::from_utf8_lossy(variables)
        .lines()
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (OsString::from(name), OsString::from(value)))
        .collect();
    let doors = Doors {
        file: Some(&FILE),
        environment,
        ..Doors::default()
    };
    let loaded = Config::load(doors);
    fs::remove_file(&*FILE).expect("nobody else knows of it");
    match loaded {
        Ok(config) => {
            tally.add("configurations", 1);
            let _ = config.effective_toml();
        }
        Err(refused) => {
            tally.add("configurations", 0);
            // Hostile text is told of, bounded, and acts on nobody who reads it.
            let said = refused.to_string();
            assert!(!said.is_empty());
            let acts = |c: char| c != '\n' && escape::acts_on_a_reader(c);
            assert!(!said.chars().any(acts), "{said:?}");
        }
    }
}
