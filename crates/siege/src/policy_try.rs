//! A policy tried over many subjects, and then put: what it said, beside what came of it.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::Method;
use serde_json::{Value, json};

use crate::client::Client;
use crate::crowd::{ask, ask_each, get, number, post};
use crate::server::{Server, Start};

/// How many sessions the policy that is tried leaves, and how many to those of a group.
const MAX: usize = 2;
const MAX_OF_GROUP: usize = 1;

/// So many subjects, to try a policy over.
#[derive(Clone, Debug)]
pub struct PolicyTry {
    /// The binary.
    pub binary: PathBuf,
    /// How many subjects: each has one to four sessions, and one in ten is in a group that has
    /// a rule.
    pub subjects: usize,
}

/// What trying and putting came to.
#[derive(Debug)]
pub struct Tried {
    /// How many live sessions there were.
    pub sessions: usize,
    /// How many subjects would lose a session, as it was said.
    pub subjects_hit: usize,
    /// How many sessions would end, as it was said.
    pub ended: usize,
    /// How long it took to say so.
    pub took: Duration,
    /// What was wrong.
    pub violations: Vec<String>,
}

impl PolicyTry {
    /// Fills a server with subjects, tries a policy there, puts it, and compares.
    pub async fn play(&self, folder: &Path, mut seen: impl FnMut(&str)) -> io::Result<Tried> {
        let start = Start {
            binary: self.binary.clone(),
            data: folder.join("store"),
            settings: Vec::new(),
        };
        let server = start.now()?;
        seen("signing in");
        let sessions = self.fill(&server).await?;

        seen("trying");
        let mut client = Client::of(server.address, Arc::clone(&server.key));
        let _ = client.connect().await;
        let policy = json!({
            "policy": {"max_sessions": MAX, "at_limit": "evict_oldest"},
            "rules": [{"when": {"group": ["keepers"]}, "max_sessions": MAX_OF_GROUP}],
        });
        let begun = Instant::now();
        let trial = ask(&mut client, 200, &post("/v1/policy/try", policy.clone())).await?;
        let took = begun.elapsed();

        seen("putting it, and looking at everybody");
        let mut put = post("/v1/policy", policy);
        put.method = Method::PUT;
        ask(&mut client, 200, &put).await?;
        let left = ask_each(
            &server,
            self.subjects,
            |subject| get(format!("/v1/subjects/{}", name(subject))),
            |_, (status, body)| (*status == 200).then(|| number(&body["live"])),
        )
        .await?;
        Ok(Tried {
            sessions,
            subjects_hit: number(&trial["subjects_hit"]),
            ended: number(&trial["ended"]),
            took,
            violations: self.compare(&trial, &left),
        })
    }

    async fn fill(&self, server: &Server) -> io::Result<usize> {
        // One after the other, so that those of one subject come apart from each other.
        let births: Vec<usize> = (0..4)
            .flat_map(|n| (0..self.subjects).filter(move |s| live(*s) > n))
            .collect();
        let count = births.len();
        let sign_in = move |n: usize| {
            let subject = births[n];
            let mut body = json!({"subject": name(subject), "client": "web"});
            if is_keeper(subject) {
                body["groups"] = json!(["keepers"]);
            }
            post("/v1/sessions", body)
        };
        let born = |_, (status, _): &(u16, Value)| (*status == 201).then_some(());
        ask_each(server, count, sign_in, born).await?;
        Ok(count)
    }

    /// What was said, what was to be said, and what happened must be one.
    fn compare(&self, trial: &Value, left: &[usize]) -> Vec<String> {
        let mut violations = Vec::new();
        let mut same = |what: &str, said: usize, found: usize| {
            if said != found {
                violations.push(format!("{what}: it said {said}, and there were {found}"));
            }
        };
        let subjects = 0..self.subjects;
        same("subjects", number(&trial["subjects"]), self.subjects);
        let sessions: usize = subjects.clone().map(live).sum();
        same("sessions", number(&trial["sessions"]), sessions);
        let lost: Vec<_> = subjects
            .clone()
            .map(|s| live(s) - left[s].min(live(s)))
            .collect();
        same("ended", number(&trial["ended"]), lost.iter().sum());
        let hit = lost.iter().filter(|lost| **lost > 0).count();
        same("subjects hit", number(&trial["subjects_hit"]), hit);

        let mut histogram = BTreeMap::<usize, usize>::new();
        for subject in subjects.clone() {
            *histogram.entry(live(subject)).or_default() += 1;
        }
        let bars: Vec<_> = histogram
            .iter()
            .map(|(live, subjects)| json!({"live": live, "subjects": subjects}))
            .collect();
        if trial["histogram"] != json!(bars) {
            violations.push(format!("histogram: it said {}", trial["histogram"]));
        }
        for example in trial["examples"].as_array().into_iter().flatten() {
            let subject = subjects.clone().find(|s| example["subject"] == name(*s));
            let is_so = subject.is_some_and(|s| number(&example["ended"]) == lost[s]);
            if !is_so {
                violations.push(format!("example: it said {example}"));
            }
        }
        for subject in subjects {
            let meant = if is_keeper(subject) {
                MAX_OF_GROUP
            } else {
                MAX
            };
            if left[subject] != live(subject).min(meant) {
                let (name, left) = (name(subject), left[subject]);
                violations.push(format!("{name} has {left} sessions left"));
            }
        }
        violations
    }
}

/// How many sessions a subject has before.
const fn live(subject: usize) -> usize {
    1 + subject % 4
}

const fn is_keeper(subject: usize) -> bool {
    subject.is_multiple_of(10)
}

fn name(subject: usize) -> String {
    format!("guest-{subject}")
}
