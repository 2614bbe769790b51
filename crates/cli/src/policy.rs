//! `policy`: what a file says, and what it would do.

use std::path::Path;

use innkeeper_api::{PolicyTrial, PolicyTrialExample};
use innkeeper_domain::policy::Policy;
use innkeeper_engine::policy::document::Document;
use serde_json::{Value, json};

use crate::args::{PolicyArguments, PolicyCommand};
use crate::config::{Config, Doors};
use crate::exit::Failure;
use crate::print;
use crate::remote::Server;
use crate::table::Table;

/// Runs `policy`.
pub(crate) async fn run(arguments: PolicyArguments) -> Result<(), Failure> {
    let is_json = arguments.client.json;
    match &arguments.command {
        PolicyCommand::Check { file } => check(file, is_json),
        PolicyCommand::Try { file, history } => {
            let config = read(file)?;
            let server = Server::reach(&arguments.client)?;
            // The version is the server's to give: this one may be put whatever is in force.
            let mut body = document(&config.policy)?;
            body.as_object_mut()
                .expect("a document is an object")
                .remove("version");
            let path = ["v1", "policy", "try"];
            let query: Vec<_> = history.iter().map(|h| ("history", h.as_str())).collect();
            let trial: PolicyTrial = server.post_with(&path, &query, &body).await?;
            if is_json {
                print::json(&with_schema("innkeeper.policy_trial/1", &trial)?)
            } else {
                show(&trial, history.is_some())
            }
        }
    }
}

fn check(file: &Path, is_json: bool) -> Result<(), Failure> {
    let config = read(file)?;
    let warnings = config.warnings();
    if is_json {
        let told: Vec<_> = warnings
            .iter()
            .map(|w| json!({"place": w.place, "text": w.text}))
            .collect();
        let mut document = document(&config.policy)?;
        document["schema"] = json!("innkeeper.policy/1");
        document["warnings"] = json!(told);
        print::json(&document)?;
    } else {
        // From [policy] on: the other sections are not asked about.
        let toml = config.effective_toml();
        let from = toml.find("[policy]").unwrap_or_default();
        print::lines(&toml[from..])?;
        for warning in &warnings {
            print::lines(format_args!("warning: {}: {}", warning.place, warning.text))?;
        }
    }
    match warnings.len() {
        0 => Ok(()),
        1 => Err(Failure::found("1 warning")),
        n => Err(Failure::found(format!("{n} warnings"))),
    }
}

fn read(file: &Path) -> Result<Config, Failure> {
    Config::load(Doors {
        file: Some(file),
        ..Doors::default()
    })
    .map_err(|refused| Failure::usage(format!("configuration refused\n{refused}")))
}

fn document(policy: &Policy) -> Result<Value, Failure> {
    serde_json::to_value(Document(policy.clone()))
        .map_err(|error| Failure::cannot_run("the policy cannot be written as JSON", error))
}

fn with_schema(schema: &str, value: &impl serde::Serialize) -> Result<Value, Failure> {
    let mut value = serde_json::to_value(value)
        .map_err(|error| Failure::cannot_run("the answer cannot be written as JSON", error))?;
    value["schema"] = json!(schema);
    Ok(value)
}

fn show(trial: &PolicyTrial, is_history: bool) -> Result<(), Failure> {
    let (ended, refused) = (trial.ended, trial.refused);
    let would = if is_history {
        format!("have ended {ended} and turned away {refused}")
    } else {
        format!("end {ended}")
    };
    print::lines(format_args!(
        "would {would} of {} sessions, of {} of {} subjects",
        trial.sessions, trial.subjects_hit, trial.subjects
    ))?;
    let live = if is_history { "most at once" } else { "live" };
    if !trial.histogram.is_empty() {
        let mut table = Table::new(&[live, "subjects"]);
        for bar in &trial.histogram {
            table.cells([bar.live.to_string(), bar.subjects.to_string()]);
        }
        print::lines(format_args!("\n{table}"))?;
    }
    if !trial.examples.is_empty() {
        // Only in a history is anybody turned away.
        let (lost, count): (_, fn(&PolicyTrialExample) -> String) = if is_history {
            ("ended + turned away", |e| {
                format!("{} + {}", e.ended, e.refused)
            })
        } else {
            ("would end", |e| e.ended.to_string())
        };
        let mut table = Table::new(&["for example", "tenant", live, lost]);
        for example in &trial.examples {
            table.cells([
                example.subject.clone(),
                example.tenant.clone(),
                example.live.to_string(),
                count(example),
            ]);
        }
        print::lines(format_args!("\n{table}"))?;
    }
    Ok(())
}
