//! Holds each line of standard input, a SARIF log, against the schema of SARIF 2.1.0.
//!
//! The schema is not kept here: it is read from the package of a crate that carries it as it was
//! published, in the version that the lock file names.

use std::error::Error;
use std::io;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use boon::{Compiler, Schemas};
use serde_json::Value;

fn main() -> ExitCode {
    match check() {
        Ok(0) => {
            eprintln!("sarif: nothing came in");
            ExitCode::from(2)
        }
        Ok(count) => {
            println!("{count} logs are SARIF 2.1.0");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("sarif: {error}");
            ExitCode::FAILURE
        }
    }
}

fn check() -> Result<usize, Box<dyn Error>> {
    let mut compiler = Compiler::new();
    compiler.enable_format_assertions();
    compiler.add_resource("sarif.json", schema()?)?;
    let mut schemas = Schemas::new();
    let index = compiler
        .compile("sarif.json", &mut schemas)
        .map_err(|error| format!("the schema: {error:#}"))?;
    let mut count = 0;
    for line in io::stdin().lines() {
        let log: Value = serde_json::from_str(&line?)?;
        count += 1;
        schemas
            .validate(&log, index)
            .map_err(|error| format!("log {count}: {error:#}"))?;
    }
    Ok(count)
}

/// The schema, from the sources that cargo fetched.
fn schema() -> Result<Value, Box<dyn Error>> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args([
            "metadata",
            "--format-version=1",
            "--locked",
            "--manifest-path",
        ])
        .arg(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml"))
        .output()?;
    let metadata: Value = serde_json::from_slice(&output.stdout)?;
    let packages = metadata["packages"].as_array().ok_or("no packages")?;
    let package = packages
        .iter()
        .find(|package| package["name"] == "serde-sarif")
        .and_then(|package| package["manifest_path"].as_str())
        .ok_or("the package with the schema is not there")?;
    let file = PathBuf::from(package)
        .with_file_name("src")
        .join("schema.json");
    Ok(serde_json::from_slice(&std::fs::read(file)?)?)
}
