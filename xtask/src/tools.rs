//! What the steps need besides a Rust toolchain and a C compiler, and how it gets here.
//!
//! Versions of the tools that judge the code are pinned, so that a desk and CI agree. They live
//! under `target/tools` and touch nothing outside the repository. Only the browser comes from the
//! system, and is installed when that needs no password.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::failure::Failure;
use crate::shell;

const AST_GREP_VERSION: &str = "0.51.1";
const DENY_VERSION: &str = "0.20.2";
const MDBOOK_VERSION: &str = "0.5.4";
const MUTANTS_VERSION: &str = "27.1.0";
const SCHEMATHESIS: &str = "xtask/schemathesis/requirements.txt";
const TYPOS_VERSION: &str = "1.52.0";

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

/// Sees to it that everything named is here, installing what it may.
///
/// What only a person may install is asked for before anything else is installed, all of it in
/// one line, so that nobody is sent away twice.
pub(crate) fn ensure(needs: &[Need]) -> Result<(), Failure> {
    let lacking = Lacking::among(needs);
    match plan(&lacking, Authority::here) {
        Plan::Nothing => {}
        Plan::Install { packages, sudo } => install_packages(&packages, sudo)?,
        Plan::Ask(line) => {
            return Err(Failure::Missing(format!(
                "something is missing that must be installed by you. Run this, then the same again:\n\n    {line}\n"
            )));
        }
        Plan::AskOffDebian(programs) => {
            return Err(Failure::Missing(format!(
                "there is no apt-get here, so install these by hand until they are on the PATH: {programs}"
            )));
        }
    }

    if needs.contains(&Need::Deny) && find_deny().is_none() {
        install_deny()?;
    }
    if needs.contains(&Need::Mdbook) && find_mdbook().is_none() {
        install_mdbook()?;
    }
    if needs.contains(&Need::Mutants) && find_mutants().is_none() {
        install_mutants()?;
    }
    if needs.contains(&Need::Schemathesis) && !has_schemathesis() {
        install_schemathesis()?;
    }
    if needs.contains(&Need::Typos) && find_typos().is_none() {
        install_typos()?;
    }
    if needs.contains(&Need::AstGrep) && find_ast_grep().is_none() {
        install_ast_grep()?;
    }
    Ok(())
}

/// The pinned cargo-deny. Call [`ensure`] first.
pub(crate) fn deny() -> Command {
    shell::command(find_deny().unwrap_or_else(own_deny))
}

/// The pinned mdbook. Call [`ensure`] first.
pub(crate) fn mdbook() -> Command {
    shell::command(find_mdbook().unwrap_or_else(own_mdbook))
}

/// The pinned cargo-mutants. Call [`ensure`] first.
pub(crate) fn mutants() -> Command {
    let mut command = shell::command(find_mutants().unwrap_or_else(own_mutants));
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
    shell::command(find_typos().unwrap_or_else(own_typos))
}

/// The pinned ast-grep. Call [`ensure`] first.
pub(crate) fn ast_grep() -> PathBuf {
    find_ast_grep().unwrap_or_else(own_ast_grep)
}

/// What is not here and does not come from under `target/tools`.
#[derive(Debug, Default, Eq, PartialEq)]
struct Lacking {
    components: Vec<&'static str>,
    packages: Vec<Package>,
}

/// A Debian package we need, and the program that shows it is there.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Package {
    name: &'static str,
    program: &'static str,
    reason: &'static str,
}

const CHROMIUM: Package = Package {
    name: "chromium",
    program: "chromium",
    reason: "tests look at our pages in a real browser",
};
const CHROMIUM_DRIVER: Package = Package {
    name: "chromium-driver",
    program: "chromedriver",
    reason: "tests steer that browser by it",
};
const CURL: Package = Package {
    name: "curl",
    program: "curl",
    reason: "the examples of the book call the server with it",
};
const JQ: Package = Package {
    name: "jq",
    program: "jq",
    reason: "the examples of the book read answers with it",
};
const NODE: Package = Package {
    name: "nodejs",
    program: "node",
    reason: "a library of OAuth that others wrote is run by it",
};
const NPM: Package = Package {
    name: "npm",
    program: "npm",
    reason: "that library is fetched by it",
};
const PIP: Package = Package {
    name: "python3-pip",
    program: "pip3",
    reason: "tools that others wrote in Python are fetched by it",
};

const POSTGRES: Package = Package {
    name: "postgresql",
    program: "psql",
    reason: "tests keep sessions in it",
};
const NGINX: Package = Package {
    name: "nginx",
    program: "nginx",
    reason: "tests put it in front of an application, by our recipe",
};
const CADDY: Package = Package {
    name: "caddy",
    program: "caddy",
    reason: "tests put it in front of an application, by our recipe",
};
const HAPROXY: Package = Package {
    name: "haproxy",
    program: "haproxy",
    reason: "tests put it in front of an application, by our recipe",
};
const REDIS: Package = Package {
    name: "redis-server",
    program: "redis-server",
    reason: "tests keep sessions in it",
};
const RIPGREP: Package = Package {
    name: "ripgrep",
    program: "rg",
    reason: "the scanner is measured beside it",
};
const TIME: Package = Package {
    name: "time",
    program: "time",
    reason: "it says what the scanner cost",
};

impl Lacking {
    fn among(needs: &[Need]) -> Self {
        let mut lacking = Self::default();
        for need in needs {
            match need {
                Need::Rustfmt if !has_subcommand("fmt") => lacking.components.push("rustfmt"),
                Need::Clippy if !has_subcommand("clippy") => lacking.components.push("clippy"),
                Need::Browser => lacking.look_for(&[CHROMIUM, CHROMIUM_DRIVER]),
                Need::Curl => lacking.look_for(&[CURL, JQ]),
                Need::Node => lacking.look_for(&[NODE, NPM]),
                Need::Schemathesis if !has_pip() => lacking.packages.push(PIP),
                Need::Typos if find_typos().is_none() && !has_pip() => lacking.packages.push(PIP),
                Need::AstGrep if find_ast_grep().is_none() && !has_pip() => {
                    lacking.packages.push(PIP);
                }
                Need::Postgres if !has_postgres() => lacking.packages.push(POSTGRES),
                Need::Proxies => lacking.look_for(&[NGINX, CADDY, HAPROXY]),
                Need::Redis => lacking.look_for(&[REDIS]),
                Need::Ripgrep => lacking.look_for(&[RIPGREP]),
                Need::Time => lacking.look_for(&[TIME]),
                Need::Rustfmt
                | Need::Clippy
                | Need::Deny
                | Need::Mdbook
                | Need::Mutants
                | Need::Schemathesis
                | Need::Typos
                | Need::Postgres
                | Need::AstGrep => {}
            }
        }
        lacking
    }

    fn look_for(&mut self, packages: &[Package]) {
        let absent = packages.iter().filter(|p| !shell::is_on_path(p.program));
        self.packages.extend(absent.copied());
    }
}

/// What we may do to the system without asking anybody.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Authority {
    Root,
    SudoWithoutPassword,
    None,
    NoApt,
}

impl Authority {
    fn here() -> Self {
        if !shell::is_on_path("apt-get") {
            Self::NoApt
        } else if shell::answer_of(shell::command("id").arg("-u")).as_deref() == Some("0") {
            Self::Root
        } else if shell::answer_of(shell::command("sudo").args(["-n", "true"])).is_some() {
            Self::SudoWithoutPassword
        } else {
            Self::None
        }
    }
}

/// What to do about what is lacking.
#[derive(Debug, Eq, PartialEq)]
enum Plan {
    Nothing,
    Install { packages: Vec<Package>, sudo: bool },
    Ask(String),
    AskOffDebian(String),
}

/// Decides what to install and what to ask for.
///
/// Components of the toolchain are always asked for: the toolchain is the user's, and may not
/// come from rustup at all. `authority` is a question because asking it may run sudo, which
/// there is no reason to do when nothing is lacking.
fn plan(lacking: &Lacking, authority: impl FnOnce() -> Authority) -> Plan {
    let mut parts = Vec::new();
    if !lacking.components.is_empty() {
        parts.push(format!(
            "rustup component add {}",
            lacking.components.join(" ")
        ));
    }
    if !lacking.packages.is_empty() {
        let names = join(&lacking.packages, |package| package.name);
        match authority() {
            Authority::Root if parts.is_empty() => {
                return Plan::Install {
                    packages: lacking.packages.clone(),
                    sudo: false,
                };
            }
            Authority::SudoWithoutPassword if parts.is_empty() => {
                return Plan::Install {
                    packages: lacking.packages.clone(),
                    sudo: true,
                };
            }
            Authority::NoApt if parts.is_empty() => {
                return Plan::AskOffDebian(join(&lacking.packages, |package| package.program));
            }
            // The packages are seen to by the next run, when the components are there.
            Authority::Root | Authority::SudoWithoutPassword | Authority::NoApt => {}
            Authority::None => parts.push(format!(
                "sudo apt-get update && sudo apt-get install -y --no-install-recommends {names}"
            )),
        }
    }
    if parts.is_empty() {
        Plan::Nothing
    } else {
        Plan::Ask(parts.join(" && "))
    }
}

fn join(packages: &[Package], part: fn(&Package) -> &'static str) -> String {
    packages.iter().map(part).collect::<Vec<_>>().join(" ")
}

fn install_packages(packages: &[Package], sudo: bool) -> Result<(), Failure> {
    for package in packages {
        eprintln!("== installing {}: {}", package.name, package.reason);
    }

    // Old lists may still do, so a failed update alone is no reason to stop.
    if !shell::passes(apt_get(sudo).arg("update"))? {
        eprintln!("== apt-get update failed; trying with the package lists that are here");
    }
    let mut install = apt_get(sudo);
    install
        .args(["install", "-y", "--no-install-recommends"])
        .args(["-o", "DPkg::Lock::Timeout=300"])
        .args(packages.iter().map(|package| package.name));
    let installed = shell::passes(&mut install)?
        && packages
            .iter()
            .all(|package| shell::is_on_path(package.program));
    if installed {
        Ok(())
    } else {
        Err(Failure::CouldNotRun(format!(
            "could not install {}; apt-get says why above",
            join(packages, |package| package.name)
        )))
    }
}

fn apt_get(sudo: bool) -> Command {
    let mut command = if sudo {
        // sudo keeps no environment, so the variable goes through env.
        let mut command = shell::command("sudo");
        command.args(["-n", "env", "DEBIAN_FRONTEND=noninteractive", "apt-get"]);
        command
    } else {
        let mut command = shell::command("apt-get");
        command.env("DEBIAN_FRONTEND", "noninteractive");
        command
    };
    command.arg("-q");
    command
}

fn install_deny() -> Result<(), Failure> {
    eprintln!(
        "== building cargo-deny {DENY_VERSION} under target/tools, once, a minute or two: \
         it judges bans, licences and sources of dependencies"
    );
    build_tool("cargo-deny", DENY_VERSION, own_deny_dir(), find_deny)
}

fn install_mdbook() -> Result<(), Failure> {
    eprintln!(
        "== building mdbook {MDBOOK_VERSION} under target/tools, once, some minutes: \
         it makes pages of the book"
    );
    build_tool("mdbook", MDBOOK_VERSION, own_mdbook_dir(), find_mdbook)
}

fn install_mutants() -> Result<(), Failure> {
    eprintln!(
        "== building cargo-mutants {MUTANTS_VERSION} under target/tools, once, some minutes: \
         it plants mistakes for the tests to notice"
    );
    build_tool(
        "cargo-mutants",
        MUTANTS_VERSION,
        own_mutants_dir(),
        find_mutants,
    )
}

/// Builds a tool from its crate into `root`, and asks `find` whether it is there.
fn build_tool(
    name: &str,
    version: &str,
    root: PathBuf,
    find: fn() -> Option<PathBuf>,
) -> Result<(), Failure> {
    let build = tools_dir().join("build");
    let mut install = shell::cargo();
    install
        .args(["install", "--quiet", "--locked", name])
        .args(["--version", version, "--root"])
        .arg(root)
        .env("CARGO_TARGET_DIR", &build)
        // It runs for a second and is built on every new machine: build it fast rather than well.
        .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1")
        .env("CARGO_PROFILE_RELEASE_LTO", "off")
        .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16");
    if !shell::passes(&mut install)? || find().is_none() {
        return Err(Failure::CouldNotRun(format!(
            "could not install {name} {version}; cargo says why above"
        )));
    }
    remove(&build)
}

fn install_schemathesis() -> Result<(), Failure> {
    eprintln!(
        "== fetching schemathesis from PyPI into target/tools: it calls what our document publishes"
    );
    remove(&own_schemathesis())?;
    let mut install = shell::command("python3");
    install
        .args(["-m", "pip", "install", "--quiet", "--no-input", "--no-deps"])
        .args(["--disable-pip-version-check", "--only-binary", ":all:"])
        .arg("--target")
        .arg(own_schemathesis())
        .arg("--requirement")
        .arg(SCHEMATHESIS)
        .env("PIP_ROOT_USER_ACTION", "ignore");
    if !shell::passes(&mut install)? {
        return Err(Failure::CouldNotRun(
            "could not fetch schemathesis; pip says why above".to_owned(),
        ));
    }
    let pins = fs::read_to_string(shell::root().join(SCHEMATHESIS));
    let kept = pins.and_then(|pins| fs::write(own_schemathesis().join("pins"), pins));
    kept.map_err(|error| Failure::CouldNotRun(error.to_string()))
}

fn install_typos() -> Result<(), Failure> {
    eprintln!("== fetching typos {TYPOS_VERSION} from PyPI into target/tools: it checks spelling");
    fetch_wheel("typos", TYPOS_VERSION, &own_typos_dir(), find_typos)
}

fn install_ast_grep() -> Result<(), Failure> {
    eprintln!(
        "== fetching ast-grep {AST_GREP_VERSION} from PyPI into target/tools: \
         the scanner is measured beside it"
    );
    fetch_wheel(
        "ast-grep-cli",
        AST_GREP_VERSION,
        &own_ast_grep_dir(),
        find_ast_grep,
    )
}

/// Fetches a program that `PyPI` has as a wheel into `folder`, and asks `find` whether it is there.
fn fetch_wheel(
    name: &str,
    version: &str,
    folder: &PathBuf,
    find: fn() -> Option<PathBuf>,
) -> Result<(), Failure> {
    // What an interrupted run left behind would keep pip from finishing.
    remove(folder)?;
    let mut install = shell::command("python3");
    install
        .args(["-m", "pip", "install", "--quiet", "--no-input", "--no-deps"])
        .args(["--disable-pip-version-check", "--only-binary", ":all:"])
        .arg("--target")
        .arg(folder)
        .arg(format!("{name}=={version}"))
        .env("PIP_ROOT_USER_ACTION", "ignore");
    if !shell::passes(&mut install)? || find().is_none() {
        return Err(Failure::CouldNotRun(format!(
            "could not fetch {name} {version}; pip says why above"
        )));
    }
    Ok(())
}

fn remove(folder: &PathBuf) -> Result<(), Failure> {
    if !folder.exists() {
        return Ok(());
    }
    fs::remove_dir_all(folder).map_err(|error| {
        Failure::CouldNotRun(format!("could not remove {}: {error}", folder.display()))
    })
}

/// cargo-deny in the pinned version: the one on the PATH if it is that, else our own.
fn find_deny() -> Option<PathBuf> {
    let expected = format!("cargo-deny {DENY_VERSION}");
    [PathBuf::from("cargo-deny"), own_deny()]
        .into_iter()
        .find(|program| has_version(program, &expected))
}

/// mdbook in the pinned version: the one on the PATH if it is that, else our own.
fn find_mdbook() -> Option<PathBuf> {
    let expected = format!("mdbook v{MDBOOK_VERSION}");
    [PathBuf::from("mdbook"), own_mdbook()]
        .into_iter()
        .find(|program| has_version(program, &expected))
}

/// cargo-mutants in the pinned version: the one on the PATH if it is that, else our own.
fn find_mutants() -> Option<PathBuf> {
    let expected = format!("cargo-mutants {MUTANTS_VERSION}");
    // It is made for cargo, which hands it its own name first; alone it knows no `--version`.
    let version = |program: &PathBuf| {
        shell::answer_of(shell::command(program).args(["mutants", "--version"]))
    };
    [PathBuf::from("cargo-mutants"), own_mutants()]
        .into_iter()
        .find(|program| version(program).as_deref() == Some(expected.as_str()))
}

/// typos in the pinned version: the one on the PATH if it is that, else our own.
fn find_typos() -> Option<PathBuf> {
    let expected = format!("typos-cli {TYPOS_VERSION}");
    [PathBuf::from("typos"), own_typos()]
        .into_iter()
        .find(|program| has_version(program, &expected))
}

/// ast-grep in the pinned version: the one on the PATH if it is that, else our own.
fn find_ast_grep() -> Option<PathBuf> {
    let expected = format!("ast-grep {AST_GREP_VERSION}");
    [PathBuf::from("ast-grep"), own_ast_grep()]
        .into_iter()
        .find(|program| has_version(program, &expected))
}

fn has_version(program: &PathBuf, expected: &str) -> bool {
    shell::answer_of(shell::command(program).arg("--version")).as_deref() == Some(expected)
}

fn has_subcommand(name: &str) -> bool {
    shell::answer_of(shell::cargo().args([name, "--version"])).is_some()
}

fn has_pip() -> bool {
    shell::answer_of(shell::command("python3").args(["-m", "pip", "--version"])).is_some()
}

/// Its programs are beside the PATH, a folder for each version.
fn has_postgres() -> bool {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    versions
        .filter_map(Result::ok)
        .any(|version| version.path().join("bin/initdb").is_file())
}

fn tools_dir() -> PathBuf {
    shell::root().join("target/tools")
}

fn own_deny_dir() -> PathBuf {
    tools_dir().join(format!("cargo-deny-{DENY_VERSION}"))
}

fn own_deny() -> PathBuf {
    own_deny_dir().join("bin/cargo-deny")
}

fn own_mdbook_dir() -> PathBuf {
    tools_dir().join(format!("mdbook-{MDBOOK_VERSION}"))
}

fn own_mdbook() -> PathBuf {
    own_mdbook_dir().join("bin/mdbook")
}

fn own_mutants_dir() -> PathBuf {
    tools_dir().join(format!("cargo-mutants-{MUTANTS_VERSION}"))
}

fn own_mutants() -> PathBuf {
    own_mutants_dir().join("bin/cargo-mutants")
}

fn own_schemathesis() -> PathBuf {
    tools_dir().join("schemathesis")
}

/// Whether what is there was fetched by the pins that are in force.
fn has_schemathesis() -> bool {
    let kept = fs::read(own_schemathesis().join("pins"));
    kept.is_ok_and(|kept| fs::read(shell::root().join(SCHEMATHESIS)).is_ok_and(|p| p == kept))
}

fn own_typos_dir() -> PathBuf {
    tools_dir().join(format!("typos-{TYPOS_VERSION}"))
}

fn own_typos() -> PathBuf {
    own_typos_dir().join("bin/typos")
}

fn own_ast_grep_dir() -> PathBuf {
    tools_dir().join(format!("ast-grep-{AST_GREP_VERSION}"))
}

fn own_ast_grep() -> PathBuf {
    own_ast_grep_dir().join("bin/ast-grep")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn browser() -> Lacking {
        Lacking {
            components: vec![],
            packages: vec![CHROMIUM, CHROMIUM_DRIVER],
        }
    }

    #[test]
    fn given_nothing_lacking_when_planned_then_nobody_is_asked_for_authority() {
        let answer = plan(&Lacking::default(), || panic!("asked without need"));

        assert_eq!(answer, Plan::Nothing);
    }

    #[test]
    fn given_root_and_no_browser_when_planned_then_it_is_installed_without_sudo() {
        let answer = plan(&browser(), || Authority::Root);

        let packages = vec![CHROMIUM, CHROMIUM_DRIVER];
        assert_eq!(
            answer,
            Plan::Install {
                packages,
                sudo: false
            }
        );
    }

    #[test]
    fn given_no_authority_when_planned_then_one_line_asks_for_all_that_is_lacking() {
        let lacking = Lacking {
            components: vec!["clippy"],
            packages: vec![CHROMIUM, PIP],
        };

        let answer = plan(&lacking, || Authority::None);

        let line = "rustup component add clippy && sudo apt-get update && \
                    sudo apt-get install -y --no-install-recommends chromium python3-pip";
        assert_eq!(answer, Plan::Ask(line.to_owned()));
    }

    #[test]
    fn given_root_and_a_missing_component_when_planned_then_nothing_is_installed_before_the_question()
     {
        let lacking = Lacking {
            components: vec!["rustfmt", "clippy"],
            ..browser()
        };

        let answer = plan(&lacking, || Authority::Root);

        assert_eq!(
            answer,
            Plan::Ask("rustup component add rustfmt clippy".to_owned())
        );
    }

    #[test]
    fn given_a_system_without_apt_when_planned_then_the_programs_are_named_not_the_packages() {
        let answer = plan(&browser(), || Authority::NoApt);

        assert_eq!(
            answer,
            Plan::AskOffDebian("chromium chromedriver".to_owned())
        );
    }
}
