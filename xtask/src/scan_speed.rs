//! How fast the scanner reads a tree, beside two tools that read it for less.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::failure::Failure;
use crate::shell;
use crate::tools::{self, Need};

pub(crate) const HELP: &str = "\
Usage: cargo xtask scan-speed DIR [--rounds 9] [--files 10000]

Reads so many files of DIR by turns with ripgrep (a search for six words of the field), ast-grep
(a rule of two patterns for each of six languages) and the release binary's scan without a cache,
and prints seconds, processor seconds and memory of each: the median, the least and the greatest.
The files are linked into a folder of its own beside DIR's, whole folders at a time, in the order
of their names.";

/// What ripgrep looks for.
const VOCABULARY: &str = "session|jwt|cookie|refresh_token|sign_?in|log_?out";

/// What ast-grep looks for: about what one fact of the scanner rests on.
const RULES: [(&str, [&str; 2]); 6] = [
    (
        "JavaScript",
        ["$A.session.$B = $C", "$A.session.regenerate($$$B)"],
    ),
    (
        "TypeScript",
        ["$A.session.$B = $C", "$A.session.regenerate($$$B)"],
    ),
    ("Tsx", ["$A.session.$B = $C", "$A.session.regenerate($$$B)"]),
    ("Python", ["login($$$A)", "$A.session[$B] = $C"]),
    ("Java", ["$A.getSession($$$B)", "$A.changeSessionId()"]),
    ("Go", ["$A.RenewToken($$$B)", "$A.Put($$$B)"]),
];

/// Runs it.
pub(crate) fn run(words: &[String]) -> Result<(), Failure> {
    let wanted = Wanted::from(words)?;
    tools::ensure(&[Need::Ripgrep, Need::AstGrep, Need::Time])?;
    let mut build = shell::cargo();
    build.args(["build", "--quiet", "--release", "--locked"]);
    build.args(["--package", "innkeeper-cli"]);
    if !shell::passes(&mut build)? {
        return Err(Failure::Failed("the binary does not build".into()));
    }
    let here = Scratch::new()?;
    let files = here.link(&wanted)?;
    fs::write(here.0.join("rules.yml"), rules()).map_err(|error| unwritten(&error))?;
    println!("{files} files of {}", wanted.folder.display());

    let mut contenders = here.contenders();
    for round in 1..=wanted.rounds {
        eprintln!("round {round} of {}", wanted.rounds);
        for contender in &mut contenders {
            let took = here.time(contender)?;
            contender.took.push(took);
        }
    }
    println!(
        "{:<15} {:<22} {:<22} megabytes",
        "", "seconds", "processor seconds"
    );
    for contender in &contenders {
        println!("{}", contender.line());
    }
    let of = |place: usize| median(contenders[place].took.iter().map(|t| t.processor));
    println!(
        "processor time of scan: {:.1} times that of ripgrep, {:.2} times that of ast-grep",
        of(2) / of(0),
        of(2) / of(1)
    );
    Ok(())
}

/// What was asked for.
struct Wanted {
    folder: PathBuf,
    rounds: usize,
    files: usize,
}

impl Wanted {
    fn from(words: &[String]) -> Result<Self, Failure> {
        let usage = || Failure::Usage(HELP.to_owned());
        let [folder, rest @ ..] = words else {
            return Err(usage());
        };
        let folder = fs::canonicalize(folder)
            .map_err(|error| Failure::Usage(format!("{folder}: {error}\n\n{HELP}")))?;
        let mut wanted = Self {
            folder,
            rounds: 9,
            files: 10_000,
        };
        for pair in rest.chunks(2) {
            let [name, number] = pair else {
                return Err(usage());
            };
            let number = number.parse().ok().filter(|n| *n > 0).ok_or_else(usage)?;
            match name.as_str() {
                "--rounds" => wanted.rounds = number,
                "--files" => wanted.files = number,
                _ => return Err(usage()),
            }
        }
        Ok(wanted)
    }
}

/// What one run cost.
#[derive(Debug, PartialEq)]
struct Took {
    seconds: f64,
    processor: f64,
    megabytes: f64,
}

impl Took {
    /// Reads what `time` wrote: seconds, user, system, kilobytes. A line about the exit code of
    /// what it ran may stand before them.
    fn read(text: &str) -> Option<Self> {
        let line = text.lines().last()?;
        let numbers: Vec<f64> = line.split(' ').filter_map(|n| n.parse().ok()).collect();
        let [seconds, user, system, kilobytes] = numbers[..] else {
            return None;
        };
        Some(Self {
            seconds,
            processor: user + system,
            megabytes: kilobytes / 1024.0,
        })
    }
}

/// A program that reads the tree.
struct Contender {
    name: &'static str,
    command: Command,
    took: Vec<Took>,
}

impl Contender {
    fn line(&self) -> String {
        let seconds = spread(self.took.iter().map(|t| t.seconds));
        let processor = spread(self.took.iter().map(|t| t.processor));
        let megabytes = median(self.took.iter().map(|t| t.megabytes));
        format!(
            "{:<15} {seconds:<22} {processor:<22} {megabytes:.0}",
            self.name
        )
    }
}

fn median(figures: impl Iterator<Item = f64>) -> f64 {
    let sorted = sorted(figures);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

fn spread(figures: impl Iterator<Item = f64>) -> String {
    let sorted = sorted(figures);
    let [least, greatest] = [sorted.first(), sorted.last()].map(|f| f.copied().unwrap_or(f64::NAN));
    let middle = median(sorted.into_iter());
    format!("{middle:.2} ({least:.2} – {greatest:.2})")
}

fn sorted(figures: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut sorted: Vec<f64> = figures.collect();
    sorted.sort_by(f64::total_cmp);
    sorted
}

fn rules() -> String {
    let rule = |(number, (language, patterns)): (usize, &(&str, [&str; 2]))| {
        let any = patterns.map(|p| format!("{{pattern: '{p}'}}")).join(", ");
        format!("id: rule-{number}\nlanguage: {language}\nrule: {{any: [{any}]}}\n")
    };
    let rules: Vec<String> = RULES.iter().enumerate().map(rule).collect();
    rules.join("---\n")
}

/// A folder of its own, gone afterwards.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Result<Self, Failure> {
        let folder = shell::root().join("target/scan-speed");
        if folder.exists() {
            fs::remove_dir_all(&folder).map_err(|error| unwritten(&error))?;
        }
        fs::create_dir_all(folder.join("tree")).map_err(|error| unwritten(&error))?;
        Ok(Self(folder))
    }

    fn tree(&self) -> PathBuf {
        self.0.join("tree")
    }

    /// Links files of the wanted folder, in the order of their names, until there are enough.
    /// Links and not copies: they cost no disk, and to a reader they are the files.
    fn link(&self, wanted: &Wanted) -> Result<usize, Failure> {
        let mut linked = 0;
        let mut open = vec![PathBuf::new()];
        while let Some(folder) = open.pop() {
            let entries =
                fs::read_dir(wanted.folder.join(&folder)).map_err(|error| unwritten(&error))?;
            let mut names: Vec<_> = entries.filter_map(Result::ok).collect();
            names.sort_by_key(fs::DirEntry::file_name);
            fs::create_dir_all(self.tree().join(&folder)).map_err(|error| unwritten(&error))?;
            // The folder that comes first is taken first, so the later ones lie below it.
            for entry in names.iter().rev() {
                if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                    open.push(folder.join(entry.file_name()));
                }
            }
            for entry in &names {
                if linked < wanted.files && entry.file_type().is_ok_and(|kind| kind.is_file()) {
                    let to = self.tree().join(&folder).join(entry.file_name());
                    place(&entry.path(), &to)?;
                    linked += 1;
                }
            }
            if linked == wanted.files {
                return Ok(linked);
            }
        }
        Err(Failure::Usage(format!(
            "{} holds {linked} files, and {} were wanted",
            wanted.folder.display(),
            wanted.files
        )))
    }

    fn contenders(&self) -> [Contender; 3] {
        let contender = |name, command| Contender {
            name,
            command,
            took: Vec::new(),
        };
        let mut ripgrep = shell::command("rg");
        ripgrep.args(["--count", "--ignore-case", VOCABULARY]);
        ripgrep.arg(self.tree());
        let mut ast_grep = shell::command(tools::ast_grep());
        ast_grep
            .args(["scan", "--rule"])
            .arg(self.0.join("rules.yml"));
        ast_grep.arg(self.tree());
        let mut scan = shell::command(shell::root().join("target/release/innkeeper"));
        scan.args(["scan", "--json"]).arg(self.tree());
        [
            contender("ripgrep", ripgrep),
            contender("ast-grep", ast_grep),
            contender("innkeeper scan", scan),
        ]
    }

    /// Runs a program once, under `time`. Findings are no failure: 1 is what all three answer
    /// where they found something, or nothing.
    fn time(&self, contender: &Contender) -> Result<Took, Failure> {
        let report = self.0.join("time");
        let mut timed = shell::command("/usr/bin/time");
        timed
            .args(["--format", "%e %U %S %M", "--output"])
            .arg(&report)
            .arg(contender.command.get_program())
            .args(contender.command.get_args())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let broken = |why: String| Failure::CouldNotRun(format!("{}: {why}", contender.name));
        let status = timed.status().map_err(|error| broken(error.to_string()))?;
        if !matches!(status.code(), Some(0 | 1)) {
            return Err(broken(format!("it answered {status}")));
        }
        let text = fs::read_to_string(&report).map_err(|error| broken(error.to_string()))?;
        Took::read(&text).ok_or_else(|| broken(format!("`time` wrote {text:?}")))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What could not be removed is below the folder of builds.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Links a file, or copies it where the folders lie on two disks.
fn place(from: &Path, to: &Path) -> Result<(), Failure> {
    fs::hard_link(from, to)
        .or_else(|_| fs::copy(from, to).map(drop))
        .map_err(|error| unwritten(&error))
}

fn unwritten(error: &std::io::Error) -> Failure {
    Failure::CouldNotRun(format!("the files to read could not be laid out: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_no_folder_when_called_then_nothing_runs_and_the_usage_is_told() {
        let answer = run(&[]);

        assert!(matches!(answer, Err(Failure::Usage(_))), "{answer:?}");
    }

    #[test]
    fn given_what_time_writes_when_read_then_a_line_about_the_exit_code_is_passed_over() {
        let text = "Command exited with non-zero status 1\n2.50 3.25 0.75 104448\n";

        let took = Took::read(text);

        let expected = Took {
            seconds: 2.5,
            processor: 4.0,
            megabytes: 102.0,
        };
        assert_eq!(took, Some(expected));
        assert_eq!(Took::read("Command not found\n"), None);
    }

    #[test]
    fn given_figures_when_summed_up_then_the_middle_stands_between_the_least_and_the_greatest() {
        assert_eq!(spread([3.0, 1.0, 2.0].into_iter()), "2.00 (1.00 – 3.00)");
    }
}
