//! What is handed out: the release binary with all that belongs to it, in one archive.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use crate::failure::Failure;
use crate::shell;

pub(crate) const HELP: &str = "\
Usage: cargo xtask dist

Builds the release binary and packs it with completions, man pages, systemd units, a container
file and the licences into target/dist/innkeeper-VERSION-TARGET.tar.gz, with SHA256SUMS beside it.
Where a container builder is at hand and --container is given, it builds the image as well.";

/// What lies in the repository and goes along.
const FILES: [(&str, &str); 8] = [
    ("LICENSE-APACHE", "LICENSE-APACHE"),
    ("LICENSE-MIT", "LICENSE-MIT"),
    ("README.md", "README.md"),
    ("CHANGELOG.md", "CHANGELOG.md"),
    ("dist/innkeeper.service", "systemd/innkeeper.service"),
    ("dist/innkeeper.socket", "systemd/innkeeper.socket"),
    ("dist/innkeeper.toml", "systemd/innkeeper.toml"),
    ("dist/Containerfile", "Containerfile"),
];

const SHELLS: [(&str, &str); 3] = [
    ("bash", "completions/innkeeper.bash"),
    ("fish", "completions/innkeeper.fish"),
    ("zsh", "completions/_innkeeper"),
];

/// Builds and packs.
pub(crate) fn run(words: &[String]) -> Result<(), Failure> {
    let container = match words {
        [] => false,
        [word] if word == "--container" => true,
        [word, ..] => {
            return Err(Failure::Usage(format!(
                "`{word}` is not understood\n\n{HELP}"
            )));
        }
    };
    run_or_fail(shell::cargo().args(["build", "--release", "--locked", "-p", "innkeeper-cli"]))?;
    let binary = shell::root().join("target/release/innkeeper");
    let name = format!("innkeeper-{}-{}", env!("CARGO_PKG_VERSION"), target()?);
    let dist = shell::root().join("target/dist");
    let folder = dist.join(&name);
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(|error| failed(&error))?;
    }
    // `data` stays empty: the container file makes the volume of it.
    for part in ["", "completions", "data", "man", "systemd"] {
        fs::create_dir_all(folder.join(part)).map_err(|error| failed(&error))?;
    }
    let volume = Permissions::from_mode(0o700);
    fs::set_permissions(folder.join("data"), volume).map_err(|error| failed(&error))?;
    fs::copy(&binary, folder.join("innkeeper")).map_err(|error| failed(&error))?;
    for (from, to) in FILES {
        fs::copy(shell::root().join(from), folder.join(to)).map_err(|error| failed(&error))?;
    }
    for (name, file) in SHELLS {
        let script = printed(Command::new(&binary).args(["completions", name]))?;
        fs::write(folder.join(file), script).map_err(|error| failed(&error))?;
    }
    run_or_fail(
        Command::new(&binary)
            .arg("man")
            .arg("--folder")
            .arg(folder.join("man")),
    )?;
    check_units(&folder)?;
    pack(&dist, &name)?;
    if container {
        build_image(&folder)?;
    } else {
        println!("no image was built: --container asks for one");
    }
    Ok(())
}

/// Has systemd read the units, where it is installed.
fn check_units(folder: &Path) -> Result<(), Failure> {
    if !shell::is_on_path("systemd-analyze") {
        println!("the units were not checked: there is no systemd-analyze");
        return Ok(());
    }
    // It insists that the program is where the unit says.
    let unit = fs::read_to_string(folder.join("systemd/innkeeper.service"))
        .map_err(|error| failed(&error))?;
    let checked = folder.with_file_name("units");
    fs::create_dir_all(&checked).map_err(|error| failed(&error))?;
    let here = folder.join("innkeeper");
    let unit = unit.replace("/usr/local/bin/innkeeper", &here.to_string_lossy());
    fs::write(checked.join("innkeeper.service"), unit).map_err(|error| failed(&error))?;
    let socket = folder.join("systemd/innkeeper.socket");
    fs::copy(socket, checked.join("innkeeper.socket")).map_err(|error| failed(&error))?;
    let mut verify = Command::new("systemd-analyze");
    verify.arg("verify").arg("--man=no");
    verify
        .arg(checked.join("innkeeper.service"))
        .arg(checked.join("innkeeper.socket"));
    run_or_fail(&mut verify)?;
    let mut security = Command::new("systemd-analyze");
    security.args(["security", "--offline=yes", "--threshold=20", "--no-pager"]);
    run_or_fail(security.arg(checked.join("innkeeper.service")))?;
    fs::remove_dir_all(checked).map_err(|error| failed(&error))
}

/// Makes the archive: the same bytes from the same files, whoever packs them and when.
fn pack(dist: &Path, name: &str) -> Result<(), Failure> {
    let archive = format!("{name}.tar.gz");
    let mut tar = Command::new("tar");
    tar.current_dir(dist)
        .args([
            "--create",
            "--gzip",
            "--sort=name",
            "--owner=0",
            "--group=0",
        ])
        .args(["--numeric-owner", "--mtime=@0", "--file", &archive, name]);
    run_or_fail(&mut tar)?;
    let mut sum = Command::new("sha256sum");
    let sums = printed(sum.current_dir(dist).arg(&archive))?;
    fs::write(dist.join("SHA256SUMS"), &sums).map_err(|error| failed(&error))?;
    print!("{}", String::from_utf8_lossy(&sums));
    Ok(())
}

fn build_image(folder: &Path) -> Result<(), Failure> {
    let builder = ["podman", "docker"]
        .into_iter()
        .find(|b| shell::is_on_path(b));
    let Some(builder) = builder else {
        return Err(Failure::CouldNotRun(
            "no image was built: there is neither podman nor docker".to_owned(),
        ));
    };
    let mut build = Command::new(builder);
    build.args(["build", "--tag", "innkeeper", "--file"]);
    run_or_fail(build.arg(folder.join("Containerfile")).arg(folder))
}

/// The target that the compiler builds for.
fn target() -> Result<String, Failure> {
    let said = shell::answer_of(shell::command("rustc").arg("-vV"));
    let host = said.as_deref().and_then(|text| {
        let mut lines = text.lines();
        lines.find_map(|line| line.strip_prefix("host: "))
    });
    host.map(ToOwned::to_owned)
        .ok_or_else(|| Failure::CouldNotRun("rustc does not say what it builds for".to_owned()))
}

fn run_or_fail(command: &mut Command) -> Result<(), Failure> {
    if shell::passes(command)? {
        Ok(())
    } else {
        Err(Failure::Failed("nothing was packed".to_owned()))
    }
}

fn printed(command: &mut Command) -> Result<Vec<u8>, Failure> {
    let output = command.output().map_err(|error| failed(&error))?;
    if output.status.success() {
        Ok(output.stdout)
    } else {
        Err(Failure::Failed(
            String::from_utf8_lossy(&output.stderr).into_owned(),
        ))
    }
}

fn failed(error: &io::Error) -> Failure {
    Failure::CouldNotRun(format!("the archive cannot be made: {error}"))
}
