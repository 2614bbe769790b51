//! What the steps need besides a Rust toolchain and a C compiler, and how it gets here.
//!
//! Versions of the tools that judge the code are pinned, so that a desk and CI agree. They live
//! under `target/tools` and touch nothing outside the repository. Only the browser and the like
//! come from the [`system`], and are installed when that needs no password.

mod system;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use self::system::Package;
use crate::failure::Failure;
use crate::shell;

/// The pins of the one that is many packages of Python.
const SCHEMATHESIS: &str = "xtask/schemathesis/requirements.txt";

/// Something a step cannot do without.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Need {
    /// Formats; a component of the toolchain.
    Rustfmt,
    /// Lints; a component of the toolchain.
    Clippy,
    /// A real browser and its driver, from the system's packages.
    Browser,
    /// What the examples of the book type: curl and jq, from the system's packages.
    Curl,
    /// Runs programs of JavaScript that others wrote, from the system's packages.
    Node,
    /// Calls everything that our document publishes.
    Schemathesis,
    /// Makes pages of the book.
    Mdbook,
    /// Judges dependencies.
    Deny,
    /// Plants mistakes, to see whether a test fails.
    Mutants,
    /// Finds misspelt words.
    Typos,
    /// A database server that nodes share, from the system's packages.
    Postgres,
    /// What stands in front of applications: nginx, Caddy and `HAProxy`, from the system's packages.
    Proxies,
    /// A server that keeps everything in memory and that nodes share, from the system's packages.
    Redis,
    /// Searches text, from the system's packages.
    Ripgrep,
    /// Searches syntax.
    AstGrep,
    /// Says what a program cost, from the system's packages.
    Time,
}

/// A tool of a pinned version: the one on the PATH if it is that, else our own.
#[derive(Debug)]
struct Tool {
    program: &'static str,
    version: &'static str,
    source: Source,
    /// The words by which it is asked for its version.
    asked: &'static [&'static str],
    /// What it says then, before the version.
    says: &'static str,
    /// What it does here.
    reason: &'static str,
}

/// Where a tool comes from, and what it is called there.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Source {
    /// Built from a crate.
    Crate(&'static str),
    /// A program that `PyPI` has as a wheel.
    Wheel(&'static str),
}

const DENY: Tool = Tool {
    program: "cargo-deny",
    version: "0.20.2",
    source: Source::Crate("cargo-deny"),
    asked: &["--version"],
    says: "cargo-deny ",
    reason: "it judges bans, licences and sources of dependencies",
};
const MDBOOK: Tool = Tool {
    program: "mdbook",
    version: "0.5.4",
    source: Source::Crate("mdbook"),
    asked: &["--version"],
    says: "mdbook v",
    reason: "it makes pages of the book",
};
const MUTANTS: Tool = Tool {
    program: "cargo-mutants",
    version: "27.1.0",
    source: Source::Crate("cargo-mutants"),
    // It is made for cargo, which hands it its own name first; alone it knows no `--version`.
    asked: &["mutants", "--version"],
    says: "cargo-mutants ",
    reason: "it plants mistakes for the tests to notice",
};
const TYPOS: Tool = Tool {
    program: "typos",
    version: "1.52.0",
    source: Source::Wheel("typos"),
    asked: &["--version"],
    says: "typos-cli ",
    reason: "it checks spelling",
};
const AST_GREP: Tool = Tool {
    program: "ast-grep",
    version: "0.51.1",
    source: Source::Wheel("ast-grep-cli"),
    asked: &["--version"],
    says: "ast-grep ",
    reason: "the scanner is measured beside it",
};

/// Where what is needed comes from.
#[derive(Clone, Copy, Debug)]
enum Way {
    /// A component of the toolchain, and the word by which cargo knows it.
    Component(&'static str, &'static str),
    /// The system's packages.
    Packages(&'static [Package]),
    /// A tool of our own.
    Tool(&'static Tool),
    /// What the pins of [`SCHEMATHESIS`] name.
    Pins,
}

impl Need {
    const fn way(self) -> Way {
        match self {
            Self::Rustfmt => Way::Component("rustfmt", "fmt"),
            Self::Clippy => Way::Component("clippy", "clippy"),
            Self::Browser => Way::Packages(&[system::CHROMIUM, system::CHROMIUM_DRIVER]),
            Self::Curl => Way::Packages(&[system::CURL, system::JQ]),
            Self::Node => Way::Packages(&[system::NODE, system::NPM]),
            Self::Schemathesis => Way::Pins,
            Self::Mdbook => Way::Tool(&MDBOOK),
            Self::Deny => Way::Tool(&DENY),
            Self::Mutants => Way::Tool(&MUTANTS),
            Self::Typos => Way::Tool(&TYPOS),
            Self::Postgres => Way::Packages(&[system::POSTGRES]),
            Self::Proxies => Way::Packages(&[system::NGINX, system::CADDY, system::HAPROXY]),
            Self::Redis => Way::Packages(&[system::REDIS]),
            Self::Ripgrep => Way::Packages(&[system::RIPGREP]),
            Self::AstGrep => Way::Tool(&AST_GREP),
            Self::Time => Way::Packages(&[system::TIME]),
        }
    }
}

/// Sees to it that everything named is here, installing what it may.
pub(crate) fn ensure(needs: &[Need]) -> Result<(), Failure> {
    system::ensure(needs)?;
    for need in needs {
        match need.way() {
            Way::Tool(tool) if tool.find().is_none() => tool.install()?,
            Way::Pins if !has_schemathesis() => install_schemathesis()?,
            Way::Component(..) | Way::Packages(_) | Way::Tool(_) | Way::Pins => {}
        }
    }
    Ok(())
}

/// The pinned cargo-deny. Call [`ensure`] first.
pub(crate) fn deny() -> Command {
    shell::command(DENY.path())
}

/// The pinned mdbook. Call [`ensure`] first.
pub(crate) fn mdbook() -> Command {
    shell::command(MDBOOK.path())
}

/// The pinned cargo-mutants. Call [`ensure`] first.
pub(crate) fn mutants() -> Command {
    let mut command = shell::command(MUTANTS.path());
    command.arg("mutants");
    command
}

/// Python that finds the pinned schemathesis. Call [`ensure`] first.
pub(crate) fn schemathesis() -> Command {
    let mut python = shell::command("python3");
    python.env("PYTHONPATH", own_schemathesis());
    python
}

/// The pinned typos. Call [`ensure`] first.
pub(crate) fn typos() -> Command {
    shell::command(TYPOS.path())
}

/// The pinned ast-grep. Call [`ensure`] first.
pub(crate) fn ast_grep() -> PathBuf {
    AST_GREP.path()
}

impl Tool {
    /// Whether pip has to fetch it.
    fn wants_pip(&self) -> bool {
        matches!(self.source, Source::Wheel(_)) && self.find().is_none()
    }

    fn find(&self) -> Option<PathBuf> {
        let expected = format!("{}{}", self.says, self.version);
        [PathBuf::from(self.program), self.own()]
            .into_iter()
            .find(|program| {
                let said = shell::answer_of(shell::command(program).args(self.asked));
                said.as_deref() == Some(&*expected)
            })
    }

    fn path(&self) -> PathBuf {
        self.find().unwrap_or_else(|| self.own())
    }

    fn folder(&self) -> PathBuf {
        tools_dir().join(format!("{}-{}", self.program, self.version))
    }

    fn own(&self) -> PathBuf {
        self.folder().join("bin").join(self.program)
    }

    fn install(&self) -> Result<(), Failure> {
        let (program, version, reason) = (self.program, self.version, self.reason);
        let installed = match self.source {
            Source::Crate(name) => {
                eprintln!(
                    "== building {program} {version} under target/tools, once, some minutes: {reason}"
                );
                build(name, version, &self.folder())?
            }
            Source::Wheel(name) => {
                eprintln!("== fetching {program} {version} from PyPI into target/tools: {reason}");
                fetch(&self.folder(), &[&format!("{name}=={version}")])?
            }
        };
        if installed && self.find().is_some() {
            return Ok(());
        }
        Err(Failure::CouldNotRun(format!(
            "could not install {program} {version}; read above why"
        )))
    }
}

/// Builds a tool from its crate into `folder`, and says whether that went well.
fn build(name: &str, version: &str, folder: &Path) -> Result<bool, Failure> {
    let build = tools_dir().join("build");
    let mut install = shell::cargo();
    install
        .args(["install", "--quiet", "--locked", name])
        .args(["--version", version, "--root"])
        .arg(folder)
        .env("CARGO_TARGET_DIR", &build)
        // It runs for a second and is built on every new machine: build it fast rather than well.
        .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1")
        .env("CARGO_PROFILE_RELEASE_LTO", "off")
        .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16");
    let installed = shell::passes(&mut install)?;
    if installed {
        remove(&build)?;
    }
    Ok(installed)
}

/// Fetches what pip is told of into `folder`, and says whether that went well.
fn fetch(folder: &Path, what: &[&str]) -> Result<bool, Failure> {
    // What an interrupted run left behind would keep pip from finishing.
    remove(folder)?;
    let mut install = shell::command("python3");
    install
        .args(["-m", "pip", "install", "--quiet", "--no-input", "--no-deps"])
        .args(["--disable-pip-version-check", "--only-binary", ":all:"])
        .arg("--target")
        .arg(folder)
        .args(what)
        .env("PIP_ROOT_USER_ACTION", "ignore");
    shell::passes(&mut install)
}

fn install_schemathesis() -> Result<(), Failure> {
    eprintln!(
        "== fetching schemathesis from PyPI into target/tools: it calls what our document publishes"
    );
    if !fetch(&own_schemathesis(), &["--requirement", SCHEMATHESIS])? {
        return Err(Failure::CouldNotRun(
            "could not fetch schemathesis; pip says why above".to_owned(),
        ));
    }
    let pins = fs::read_to_string(shell::root().join(SCHEMATHESIS));
    let kept = pins.and_then(|pins| fs::write(own_schemathesis().join("pins"), pins));
    kept.map_err(|error| Failure::CouldNotRun(error.to_string()))
}

fn remove(folder: &Path) -> Result<(), Failure> {
    if !folder.exists() {
        return Ok(());
    }
    fs::remove_dir_all(folder).map_err(|error| {
        Failure::CouldNotRun(format!("could not remove {}: {error}", folder.display()))
    })
}

fn tools_dir() -> PathBuf {
    shell::root().join("target/tools")
}

fn own_schemathesis() -> PathBuf {
    tools_dir().join("schemathesis")
}

/// Whether what is there was fetched by the pins that are in force.
fn has_schemathesis() -> bool {
    let kept = fs::read(own_schemathesis().join("pins"));
    kept.is_ok_and(|kept| fs::read(shell::root().join(SCHEMATHESIS)).is_ok_and(|p| p == kept))
}
