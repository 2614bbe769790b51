//! What comes from the system: components of the toolchain, and Debian's packages.

use std::fs;
use std::process::Command;

use super::{Need, Way};
use crate::failure::Failure;
use crate::shell;

/// Sees to it that what these needs take from the system is here.
///
/// What only a person may install is asked for before anything else is installed, all of it in
/// one line, so that nobody is sent away twice.
pub(super) fn ensure(needs: &[Need]) -> Result<(), Failure> {
    match plan(&Lacking::among(needs), Authority::here) {
        Plan::Nothing => Ok(()),
        Plan::Install { packages, sudo } => install_packages(&packages, sudo),
        Plan::Ask(line) => Err(Failure::Missing(format!(
            "something is missing that must be installed by you. Run this, then the same again:\n\n    {line}\n"
        ))),
        Plan::AskOffDebian(programs) => Err(Failure::Missing(format!(
            "there is no apt-get here, so install these by hand until they are on the PATH: {programs}"
        ))),
    }
}

/// What is not here and does not come from under `target/tools`.
#[derive(Debug, Default, Eq, PartialEq)]
struct Lacking {
    components: Vec<&'static str>,
    packages: Vec<Package>,
}

/// A Debian package we need, and the program that shows it is there.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Package {
    name: &'static str,
    program: &'static str,
    reason: &'static str,
}

pub(super) const CHROMIUM: Package = Package {
    name: "chromium",
    program: "chromium",
    reason: "tests look at our pages in a real browser",
};
pub(super) const CHROMIUM_DRIVER: Package = Package {
    name: "chromium-driver",
    program: "chromedriver",
    reason: "tests steer that browser by it",
};
pub(super) const CURL: Package = Package {
    name: "curl",
    program: "curl",
    reason: "the examples of the book call the server with it",
};
pub(super) const JQ: Package = Package {
    name: "jq",
    program: "jq",
    reason: "the examples of the book read answers with it",
};
pub(super) const NODE: Package = Package {
    name: "nodejs",
    program: "node",
    reason: "a library of OAuth that others wrote is run by it",
};
pub(super) const NPM: Package = Package {
    name: "npm",
    program: "npm",
    reason: "that library is fetched by it",
};
const PIP: Package = Package {
    name: "python3-pip",
    program: "pip3",
    reason: "tools that others wrote in Python are fetched by it",
};

pub(super) const POSTGRES: Package = Package {
    name: "postgresql",
    program: "psql",
    reason: "tests keep sessions in it",
};
pub(super) const NGINX: Package = Package {
    name: "nginx",
    program: "nginx",
    reason: "tests put it in front of an application, by our recipe",
};
pub(super) const CADDY: Package = Package {
    name: "caddy",
    program: "caddy",
    reason: "tests put it in front of an application, by our recipe",
};
pub(super) const HAPROXY: Package = Package {
    name: "haproxy",
    program: "haproxy",
    reason: "tests put it in front of an application, by our recipe",
};
pub(super) const REDIS: Package = Package {
    name: "redis-server",
    program: "redis-server",
    reason: "tests keep sessions in it",
};
pub(super) const RIPGREP: Package = Package {
    name: "ripgrep",
    program: "rg",
    reason: "the scanner is measured beside it",
};
pub(super) const TIME: Package = Package {
    name: "time",
    program: "time",
    reason: "it says what the scanner cost",
};

impl Package {
    fn is_here(&self) -> bool {
        if *self == POSTGRES {
            has_postgres()
        } else if *self == PIP {
            has_pip()
        } else {
            shell::is_on_path(self.program)
        }
    }
}

impl Lacking {
    fn among(needs: &[Need]) -> Self {
        let mut lacking = Self::default();
        for need in needs {
            match need.way() {
                Way::Component(name, word) if !has_subcommand(word) => {
                    lacking.components.push(name);
                }
                Way::Packages(packages) => lacking.look_for(packages),
                Way::Tool(tool) if tool.wants_pip() => lacking.look_for(&[PIP]),
                Way::Pins => lacking.look_for(&[PIP]),
                Way::Component(..) | Way::Tool(_) => {}
            }
        }
        lacking
    }

    fn look_for(&mut self, packages: &[Package]) {
        let absent = packages.iter().filter(|package| !package.is_here());
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
    let installed = shell::passes(&mut install)? && packages.iter().all(Package::is_here);
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
