//! `probe`: finds out what a running application does about concurrent sessions.

use std::fs::File;
use std::io::{IsTerminal as _, Write as _};
use std::path::Path;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use innkeeper_probe::{Ended, Interview, NotRun, Options, Progress, Recipe, Report, Secrets};
use innkeeper_probe::{lint, plan, run as probe};
use tokio::sync::watch;

use crate::args::{ProbeArguments, ProbeCommand};
use crate::exit::Failure;
use crate::print;

/// A recipe larger than this was not written by a person.
const FILE_MAX: u64 = 256 << 10;

/// Runs `probe`.
pub(crate) async fn run(arguments: ProbeArguments) -> Result<(), Failure> {
    let file = match &arguments.command {
        Some(ProbeCommand::Init { recipe }) => return init(recipe),
        Some(ProbeCommand::Lint { recipe }) => return put(None, &lint(&read(recipe)?)),
        None => arguments
            .recipe
            .as_deref()
            .expect("it is required without a command"),
    };
    let recipe = read(file)?;
    let options = Options {
        only: arguments.only.clone(),
        skip: arguments.skip.clone(),
        allow: arguments
            .allow
            .iter()
            .map(|allow| (*allow).into())
            .collect(),
        owned: arguments.i_own.clone(),
        max_wait: arguments.max_wait.unwrap_or_default(),
    };
    if arguments.dry_run {
        return put(arguments.output.as_deref(), &plan(&recipe, &options));
    }
    let folder = file.parent().unwrap_or(Path::new(""));
    let secrets = Secrets::fetch(&recipe, folder, |name| std::env::var(name).ok())
        .map_err(|error| Failure::usage(error.to_string()))?;
    let report = watched(recipe, secrets, &options).await?;
    let written = if arguments.json {
        format!("{:#}\n", report.to_json())
    } else {
        report.to_text()
    };
    put(arguments.output.as_deref(), &written)?;
    judged(&report)
}

fn judged(report: &Report) -> Result<(), Failure> {
    let count = |verdict: &str| {
        let of = report.conclusions.iter().filter(|c| c.verdict() == verdict);
        of.count()
    };
    match report.ended() {
        Ended::Clean => Ok(()),
        Ended::Found => Err(Failure::found(match count("FAIL") {
            1 => "1 check failed".to_owned(),
            n => format!("{n} checks failed"),
        })),
        Ended::Stopped => {
            let words = report.stopped.as_deref().unwrap_or_default();
            Err(Failure::unsafe_to(format!("the run was stopped: {words}")))
        }
        Ended::Inconclusive => Err(Failure::inconclusive(match count("INCONCLUSIVE") {
            1 => "1 check is inconclusive".to_owned(),
            n => format!("{n} checks are inconclusive"),
        })),
    }
}

fn read(file: &Path) -> Result<Recipe, Failure> {
    let refused = |why: String| Failure::usage(format!("{}: {why}", file.display()));
    let size = std::fs::metadata(file).map_err(|error| refused(error.to_string()))?;
    if size.len() > FILE_MAX {
        return Err(refused(format!("larger than {FILE_MAX} bytes")));
    }
    let text = std::fs::read_to_string(file).map_err(|error| refused(error.to_string()))?;
    Recipe::read(&text).map_err(|faults| {
        let name = file.display();
        let lines: Vec<String> = faults
            .iter()
            .map(|fault| format!("{name}, {fault}"))
            .collect();
        Failure::usage(lines.join("\n"))
    })
}

/// Writes a recipe from answers.
fn init(file: &Path) -> Result<(), Failure> {
    let cannot = |error| Failure::refused(&format!("{} cannot be written", file.display()), error);
    // Found out before anybody answers ten questions for nothing.
    File::create_new(file)
        .and_then(|_| std::fs::remove_file(file))
        .map_err(cannot)?;
    let mut interview = Interview::new();
    while let Some(question) = interview.question() {
        print::aside(format_args!("{question} "));
        let mut line = String::new();
        let length = std::io::stdin()
            .read_line(&mut line)
            .map_err(|error| Failure::cannot_run("the answers cannot be read", error))?;
        if length == 0 {
            return Err(Failure::usage("the answers ended before the questions did"));
        }
        if !std::io::stdin().is_terminal() {
            print::aside(format_args!("{}\n", line.trim_end()));
        }
        if let Err(words) = interview.answer(line.trim()) {
            if !std::io::stdin().is_terminal() {
                return Err(Failure::usage(words));
            }
            print::aside(format_args!("{words}\n"));
        }
    }
    let recipe = interview.recipe();
    let mut new = File::create_new(file).map_err(cannot)?;
    new.write_all(recipe.as_bytes()).map_err(cannot)?;
    let name = file.display();
    put(
        None,
        &format!("{name} is written; next: innkeeper probe lint {name}\n"),
    )
}

/// Probes, with a line where a person watches, until it is done or Ctrl-C asks it to stop.
async fn watched(recipe: Recipe, secrets: Secrets, options: &Options) -> Result<Report, Failure> {
    let (stop, cancelled) = watch::channel(false);
    let progress = watch::Sender::new(Progress::default());
    let bar = std::io::stderr()
        .is_terminal()
        .then(ProgressBar::new_spinner);
    if let Some(bar) = &bar {
        let style = ProgressStyle::with_template("{spinner} {msg}");
        bar.set_style(style.expect("the template is fixed"));
        bar.enable_steady_tick(Duration::from_millis(200));
    }
    let asked = async {
        if tokio::signal::ctrl_c().await.is_ok() {
            stop.send_replace(true);
            if let Some(bar) = &bar {
                bar.println("signing out; nothing else is done any more");
            }
        }
        std::future::pending::<()>().await;
    };
    let shown = async {
        let mut seen = progress.subscribe();
        while seen.changed().await.is_ok() {
            let now = seen.borrow_and_update().clone();
            if let (Some(bar), Some(check)) = (&bar, now.check) {
                bar.set_message(format!(
                    "{} of {} {} · left: {} requests, {} sign-ins, {} s",
                    now.place.0,
                    now.place.1,
                    check.id,
                    now.left.requests,
                    now.left.logins,
                    now.left.seconds
                ));
            }
        }
        std::future::pending::<()>().await;
    };
    let probed = tokio::select! {
        probed = probe(recipe, secrets, options, &progress, cancelled) => probed,
        () = asked => unreachable!("it waits for ever"),
        () = shown => unreachable!("it waits for ever"),
    };
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    probed.map_err(|not_run| match not_run {
        NotRun::Refused(words) => Failure::unsafe_to(words),
        NotRun::Unreachable(words) => {
            Failure::cannot_run("the application cannot be probed", words)
        }
    })
}

/// Writes to the file, or to standard output.
fn put(file: Option<&Path>, text: &str) -> Result<(), Failure> {
    match file {
        None => print::lines(text),
        Some(file) => {
            let what = || format!("{} cannot be written", file.display());
            std::fs::write(file, text).map_err(|error| Failure::cannot_run(&what(), error))
        }
    }
}
