//! The whole of a run: the rails, the calibration, the checks, and signing out.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;

use crate::checks::{self, CHECKS, Check, Class, Conclusion, Group};
use crate::client::{Client, Left, NO_CONNECTION, Reach};
use crate::recipe::Recipe;
use crate::report::Report;
use crate::run::{Calibration, Run, Secrets, calibrate, claimed, made_up, prove};
use crate::trouble::Trouble;

/// What a run may do.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Only these checks; all, if none is named.
    pub only: Vec<&'static Check>,
    /// Not these.
    pub skip: Vec<&'static Check>,
    /// What is allowed beyond the everyday.
    pub allow: Vec<Class>,
    /// The public hosts that the caller says they own.
    pub owned: Vec<String>,
    /// The longest time that may be waited for one check.
    pub max_wait: Duration,
}

impl Options {
    /// Whether a check was asked for. Calibration always is.
    pub(crate) fn asks_for(&self, check: &'static Check) -> bool {
        check.group == Group::Calibration
            || (self.only.is_empty() || self.only.contains(&check)) && !self.skip.contains(&check)
    }

    /// Why a check that was asked for is not made, if it is not.
    pub(crate) fn bars(&self, check: &'static Check, recipe: &Recipe) -> Option<String> {
        let missing = check.missing(recipe);
        if !missing.is_empty() {
            let places: Vec<&str> = missing.iter().map(|need| need.place()).collect();
            return Some(format!("needs {} in the recipe", places.join(" and ")));
        }
        if recipe
            .policy
            .max_sessions
            .is_some_and(|max| max < check.sides())
        {
            return Some("needs two sessions at one time, and the policy allows one".to_owned());
        }
        if let Some(wait) = check.wait(recipe) {
            let (seconds, most) = (wait.as_secs() + 1, recipe.limits.max_time);
            if wait >= most {
                let most = most.as_secs();
                return Some(format!(
                    "takes {seconds} s of waiting, and limits.max_time ends the run after {most} s"
                ));
            }
            if wait > self.max_wait {
                return Some(format!(
                    "takes {seconds} s of waiting: needs --max-wait {seconds}s"
                ));
            }
        }
        let class = check.class_for(recipe);
        match class.allowed_by() {
            Some(word) if !self.allow.contains(&class) => Some(format!("needs --allow {word}")),
            _ => None,
        }
    }
}

/// What is being done, for whoever watches.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    /// The check that is being made.
    pub check: Option<&'static Check>,
    /// Its place among those that are made, counted from one, and how many there are.
    pub place: (usize, usize),
    /// What is left of the everyday budget.
    pub left: Left,
}

/// A run that was not made.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NotRun {
    /// A rail refuses it.
    #[error("{0}")]
    Refused(String),
    /// The application cannot be reached.
    #[error("{0}")]
    Unreachable(String),
}

/// Probes an application.
///
/// When `cancelled` becomes true, no new request is made but those that sign out. The sessions
/// that were opened are signed out however the run ends.
pub async fn run(
    recipe: Recipe,
    secrets: Secrets,
    options: &Options,
    progress: &watch::Sender<Progress>,
    cancelled: watch::Receiver<bool>,
) -> Result<Report, NotRun> {
    let beyond = recipe.limits.beyond_the_ceilings();
    if !beyond.is_empty() {
        return Err(NotRun::Refused(beyond.join("; ")));
    }
    let reach = Reach::find(&recipe.target.scope)
        .await
        .map_err(|error| NotRun::Unreachable(error.to_string()))?;
    let claimed = claimed(&recipe, &reach, &options.owned, made_up)
        .map_err(|refused| NotRun::Refused(refused.0))?;
    let tls = tls(&recipe).map_err(NotRun::Unreachable)?;
    let began_at = now();
    let run_id = made_up()[..12].to_owned();
    let recipe = Arc::new(recipe);
    let client = Client::new(Arc::clone(&recipe), reach, tls, run_id.clone(), cancelled);
    let mut run = Run::new(recipe, Arc::new(client), secrets);
    Box::pin(prove(&run, &claimed))
        .await
        .map_err(|trouble| NotRun::Refused(trouble.to_string()))?;

    let calibrated = Box::pin(calibrate(&mut run)).await;
    if let Err(Trouble::Answer(words)) = &calibrated
        && words.starts_with(NO_CONNECTION)
        && run.client.has_heard_nothing()
    {
        return Err(NotRun::Unreachable(words.clone()));
    }
    let mut judged = Judged::new(&run, options, calibrated);
    judged.all(&mut run, progress).await;
    Box::pin(run.close_all()).await;
    let conclusions = judged.conclusions;
    Ok(Report::of(
        &run,
        run_id,
        began_at,
        conclusions,
        judged.stopped,
    ))
}

/// The present, to the second.
fn now() -> Timestamp {
    Timestamp::from_second(Timestamp::now().as_second()).expect("it is near the one before")
}

/// What is concluded so far, and why nothing more is.
struct Judged<'a> {
    options: &'a Options,
    conclusions: Vec<Conclusion>,
    /// Why every further check is inconclusive.
    over: Option<String>,
    /// The rail that stopped the run.
    stopped: Option<String>,
}

impl<'a> Judged<'a> {
    fn new(run: &Run, options: &'a Options, calibrated: Result<Calibration, Trouble>) -> Self {
        const ID: &str = "PRB-CAL-001";
        let mut judged = Self {
            options,
            conclusions: Vec::new(),
            over: None,
            stopped: None,
        };
        let conclusion = match calibrated {
            Ok(Calibration::Good(evidence)) => {
                let words = "without a credential and with a made-up one nobody is signed in; after \
                             a sign-in, the answer names the user";
                Conclusion::pass(ID, words).shown_by(evidence)
            }
            Ok(Calibration::Bad(words, evidence)) => {
                judged.over = Some(format!("not calibrated: {words}"));
                Conclusion::inconclusive(ID, words).shown_by(evidence)
            }
            Err(trouble) => {
                let words = run.client.clean(&trouble.to_string());
                judged.over = Some(format!("not calibrated: {words}"));
                judged.notice(&trouble, &words);
                Conclusion::inconclusive(ID, words)
            }
        };
        judged.conclusions.push(conclusion);
        judged
    }

    fn notice(&mut self, trouble: &Trouble, words: &str) {
        match trouble {
            Trouble::Stop(_) => {
                self.over = Some(format!("the run was stopped: {words}"));
                self.stopped = Some(words.to_owned());
            }
            Trouble::Cancelled => self.over = Some(words.to_owned()),
            Trouble::Answer(_) | Trouble::Short(_) => {}
        }
    }

    async fn all(&mut self, run: &mut Run, progress: &watch::Sender<Progress>) {
        let asked: Vec<&'static Check> = CHECKS
            .iter()
            .filter(|check| check.group != Group::Calibration && self.options.asks_for(check))
            .collect();
        let mut done: Vec<Conclusion> = Vec::new();
        for (at, check) in asked.iter().enumerate() {
            if let Some(known) = done.iter().find(|known| known.check == *check) {
                self.conclusions.push(known.clone());
                continue;
            }
            progress.send_replace(Progress {
                check: Some(check),
                place: (at + 1, asked.len()),
                left: run.client.budget(|budget| budget.left()),
            });
            if let Some(words) = self.options.bars(check, &run.recipe) {
                self.conclusions.push(Conclusion::skipped(check.id, words));
                continue;
            }
            if let Some(words) = &self.over {
                self.conclusions
                    .push(Conclusion::inconclusive(check.id, words.clone()));
                continue;
            }
            match Box::pin(checks::answer(check.group, run)).await {
                Ok(conclusions) => {
                    let own = conclusions.iter().find(|known| known.check == *check);
                    let own = own.cloned().unwrap_or_else(|| {
                        Conclusion::inconclusive(check.id, "nothing was concluded")
                    });
                    self.conclusions.push(own);
                    done.extend(conclusions);
                }
                Err(trouble) => {
                    let words = run.client.clean(&trouble.to_string());
                    self.notice(&trouble, &words);
                    // Its neighbours are answered by the same requests.
                    done.extend(
                        CHECKS
                            .iter()
                            .filter(|other| other.group == check.group)
                            .filter(|other| self.options.bars(other, &run.recipe).is_none())
                            .map(|other| Conclusion::inconclusive(other.id, words.clone())),
                    );
                    self.conclusions
                        .push(Conclusion::inconclusive(check.id, words));
                }
            }
        }
    }
}

/// How certificates are judged: as the machine does, and by those of the recipe besides.
pub(crate) fn tls(recipe: &Recipe) -> Result<Arc<ClientConfig>, String> {
    let provider = Arc::new(default_provider());
    let extra: Vec<CertificateDer<'static>> = match &recipe.target.ca_file {
        None => Vec::new(),
        Some(file) => {
            let told = |error: &dyn std::fmt::Display| format!("{}: {error}", file.display());
            CertificateDer::pem_file_iter(file)
                .map_err(|error| told(&error))?
                .collect::<Result<_, _>>()
                .map_err(|error| told(&error))?
        }
    };
    let verifier =
        rustls_platform_verifier::Verifier::new_with_extra_roots(extra, Arc::clone(&provider))
            .map_err(|error| format!("the certificates of this machine cannot be read: {error}"))?;
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    Ok(Arc::new(config))
}
