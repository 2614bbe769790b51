//! The one way out: every request of the probe passes here, and with it scope, budget, pace and
//! transcript.

mod budget;
mod exchange;
mod jar;
mod reach;
mod redact;
mod request;
mod transcript;
mod visitor;
mod wire;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio_rustls::rustls::ClientConfig;
use zeroize::Zeroizing;

pub use budget::Left;
pub(crate) use budget::{Budget, Purse};
use exchange::Errand;
pub(crate) use reach::Reach;
use redact::Redactor;
pub(crate) use redact::hex;
pub use transcript::Exchange;
pub(crate) use visitor::{Visitor, values_of};
pub(crate) use wire::NO_CONNECTION;
use wire::Raw;

use crate::ceiling;
use crate::recipe::{Carrier, Recipe, Request};
use crate::trouble::Trouble;

/// So many answers of 429 in a row stop the run.
const REFUSALS_MAX: u32 = 3;
/// So many answers of 5xx in a row stop the run.
const FAILURES_MAX: u32 = 5;

/// An answer that came whole.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    /// The request it answers.
    pub(crate) id: String,
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
    pub(crate) json: Option<serde_json::Value>,
    /// The names of the cookies that it set.
    pub(crate) set: Vec<String>,
}

impl Answer {
    /// Whether the application did not do what it was asked, and says so. What it then does not
    /// show is no finding: the recipe may be wrong, or more be asked than it gives.
    pub(crate) const fn is_refusal(&self) -> bool {
        self.status >= 400
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// What is counted and written down while the probe runs.
struct Books {
    budget: Budget,
    redactor: Redactor,
    transcript: Vec<Exchange>,
    numbered: u32,
    refusals: u32,
    failures: u32,
    /// Every address that was called, or that an answer led to.
    addresses: Vec<Zeroizing<String>>,
}

/// The client of a run.
pub(crate) struct Client {
    recipe: Arc<Recipe>,
    run_id: String,
    reach: Reach,
    tls: Arc<ClientConfig>,
    books: Mutex<Books>,
    seats: tokio::sync::Semaphore,
    cancelled: watch::Receiver<bool>,
    has_to_finish: AtomicBool,
}

impl Client {
    pub(crate) fn new(
        recipe: Arc<Recipe>,
        reach: Reach,
        tls: Arc<ClientConfig>,
        run_id: String,
        cancelled: watch::Receiver<bool>,
    ) -> Self {
        let books = Books {
            budget: Budget::new(&recipe.limits),
            redactor: Redactor::default(),
            transcript: Vec::new(),
            numbered: 0,
            refusals: 0,
            failures: 0,
            addresses: Vec::new(),
        };
        let seats = recipe.limits.concurrency.min(ceiling::CONCURRENCY);
        Self {
            run_id,
            reach,
            tls,
            books: Mutex::new(books),
            seats: tokio::sync::Semaphore::new(seats as usize),
            cancelled,
            has_to_finish: AtomicBool::new(false),
            recipe,
        }
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is counted.
    pub(crate) fn budget<T>(&self, look: impl FnOnce(&mut Budget) -> T) -> T {
        look(&mut self.books().budget)
    }

    /// Keeps a password out of all that is written.
    pub(crate) fn hide_password(&self, password: &str) {
        self.books().redactor.hide_password(password);
    }

    /// A text as it may be written.
    pub(crate) fn clean(&self, text: &str) -> String {
        self.books().redactor.clean(text)
    }

    /// All that was said, cleaned once more of secrets that were only learned later.
    pub(crate) fn transcript(&self) -> Vec<Exchange> {
        let books = self.books();
        let clean = |exchange: &Exchange| Exchange {
            request: books.redactor.clean(&exchange.request),
            response: books.redactor.clean(&exchange.response),
            ..exchange.clone()
        };
        books.transcript.iter().map(clean).collect()
    }

    /// Whether somebody asked the probe to stop.
    pub(crate) fn is_cancelled(&self) -> bool {
        *self.cancelled.borrow() && !self.has_to_finish.load(Ordering::Relaxed)
    }

    /// From now on the probe does not stop when asked to, or does so again: between a change and
    /// its undoing, stopping would leave the change.
    pub(crate) fn has_to_finish(&self, has_to: bool) {
        self.has_to_finish.store(has_to, Ordering::Relaxed);
    }

    /// Whether a credential was in an address.
    pub(crate) fn is_in_an_address(&self, token: &str) -> bool {
        let encoded: String = url::form_urlencoded::byte_serialize(token.as_bytes()).collect();
        let books = self.books();
        let mut addresses = books.addresses.iter();
        token.len() >= 8 && addresses.any(|a| a.contains(token) || a.contains(&encoded))
    }

    /// Whether no request was answered yet.
    pub(crate) fn has_heard_nothing(&self) -> bool {
        let books = self.books();
        books
            .transcript
            .iter()
            .all(|exchange| exchange.response.starts_with('('))
    }

    /// Waits, unless somebody asks the probe to stop.
    pub(crate) async fn wait(&self, span: Duration) -> Result<(), Trouble> {
        let mut cancelled = self.cancelled.clone();
        if self.has_to_finish.load(Ordering::Relaxed) {
            tokio::time::sleep(span).await;
            return Ok(());
        }
        tokio::select! {
            () = tokio::time::sleep(span) => Ok(()),
            _ = cancelled.wait_for(|is| *is) => Err(Trouble::Cancelled),
        }
    }

    /// Makes a request of a recipe, and follows redirects where it says so.
    pub(crate) async fn ask(
        &self,
        visitor: &mut Visitor,
        request: &Request,
    ) -> Result<Answer, Trouble> {
        let mut answer = self.once(visitor, request, Errand::Ask).await?;
        if request.follows {
            answer = self.follow(visitor, answer).await?;
        }
        Ok(answer)
    }

    /// Makes a request that cleans up, also when the probe was asked to stop.
    pub(crate) async fn ask_to_clean_up(
        &self,
        visitor: &mut Visitor,
        request: &Request,
    ) -> Result<Answer, Trouble> {
        self.once(visitor, request, Errand::CleanUp).await
    }

    async fn once(
        &self,
        visitor: &mut Visitor,
        request: &Request,
        errand: Errand,
    ) -> Result<Answer, Trouble> {
        let again = Instant::now() + self.recipe.limits.max_time;
        loop {
            let seat = self.seats.acquire().await.expect("it is never closed");
            let ready = self.ready(visitor, request, errand).await?;
            let answered = self.send(visitor, request, ready).await;
            drop(seat);
            match self.judged(answered?, visitor.purse)? {
                Some(answer) => return Ok(answer),
                // It was asked to wait, and the budget knows until when.
                None if Instant::now() < again => {}
                None => return Err(Trouble::Short("the time of the run is used up".to_owned())),
            }
        }
    }

    /// Keeps all that a visitor holds out of what is written.
    fn hide_what_is_held(&self, visitor: &Visitor) {
        let mut books = self.books();
        for value in visitor.jar.values() {
            books.redactor.hide_token(value);
        }
        let held = visitor
            .values
            .iter()
            .filter(|(name, _)| !name.starts_with("user."));
        for (_, value) in held.filter(|(name, _)| !name.starts_with("item.")) {
            books.redactor.hide_token(value);
        }
    }

    fn note(&self, id: &str, side: &str, bytes: &[u8], raw: Result<&Raw, &str>, took: Duration) {
        let mut books = self.books();
        let request = transcript::request(bytes, &books.redactor);
        let response = match raw {
            Ok(raw) => transcript::response(raw, &books.redactor),
            Err(words) => format!("({words})"),
        };
        let milliseconds = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        books.transcript.push(Exchange {
            id: id.to_owned(),
            side: side.to_owned(),
            request,
            response,
            milliseconds,
        });
    }

    /// Holds an answer against what has to stop the run. `None` says: wait, and ask again.
    fn judged(&self, answer: Answer, purse: Purse) -> Result<Option<Answer>, Trouble> {
        let mut books = self.books();
        if purse == Purse::Burst {
            return Ok(Some(answer));
        }
        books.refusals = if answer.status == 429 {
            books.refusals + 1
        } else {
            0
        };
        books.failures = if answer.status >= 500 {
            books.failures + 1
        } else {
            0
        };
        let id = &answer.id;
        if books.refusals >= REFUSALS_MAX {
            let words =
                format!("{REFUSALS_MAX} answers in a row were 429 (too many requests), last {id}");
            return Err(Trouble::Stop(words));
        }
        if books.failures >= FAILURES_MAX {
            let words =
                format!("{FAILURES_MAX} answers in a row were errors of the server, last {id}");
            return Err(Trouble::Stop(words));
        }
        let after = answer
            .header("retry-after")
            .and_then(|v| v.trim().parse().ok());
        match (answer.status, after) {
            (429, Some(seconds)) => {
                books.budget.put_off(Duration::from_secs(seconds))?;
                Ok(None)
            }
            (503, Some(seconds)) => {
                books.budget.put_off(Duration::from_secs(seconds))?;
                Ok(Some(answer))
            }
            _ => Ok(Some(answer)),
        }
    }

    /// Follows redirects, inside the scope alone.
    async fn follow(&self, visitor: &mut Visitor, mut answer: Answer) -> Result<Answer, Trouble> {
        let mut here = self.recipe.target.base.clone();
        for _ in 0..ceiling::REDIRECTS {
            let Some(location) = answer
                .header("location")
                .filter(|_| answer.status / 100 == 3)
            else {
                return Ok(answer);
            };
            let url = request::joined(&here, location)?;
            let (origin, _) = request::within(&self.recipe.target.scope, &url)?;
            let bytes = request::get(&self.recipe, visitor, &origin, &url, &self.run_id);
            let seat = self.seats.acquire().await.expect("it is never closed");
            let ready = self
                .ready_bytes(visitor, &url, bytes, false, Errand::Ask)
                .await?;
            let next = self.send(visitor, &request::nothing_kept(), ready).await;
            drop(seat);
            match self.judged(next?, visitor.purse)? {
                Some(next) => answer = next,
                None => continue,
            }
            here = origin;
        }
        Err(Trouble::Answer(format!(
            "more than {} redirects ({})",
            ceiling::REDIRECTS,
            answer.id
        )))
    }

    /// How many requests can be in the air at one time.
    pub(crate) fn abreast(&self) -> usize {
        self.recipe.limits.concurrency.min(ceiling::CONCURRENCY) as usize
    }

    /// What carries sessions here.
    pub(crate) fn carrier(&self) -> &Carrier {
        &self.recipe.carrier
    }
}
