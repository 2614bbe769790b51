//! A hand: one caller with one connection, who asks and has the answer written down.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::Method;
use innkeeper_simulation::dice::Dice;
use innkeeper_simulation::history::{Answer, Call, Class, Tok};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::book::{Attempt, Book, Guest};
use crate::client::{Client, Reply, Sent};
use crate::told::Told;

/// How long to wait between two readings of events.
const BETWEEN: Duration = Duration::from_millis(10);

/// A caller.
#[derive(Debug)]
pub(crate) struct Hand {
    pub(crate) client: Client,
    pub(crate) dice: Dice,
}

/// The connection was lost, so that nobody knows: a 503 is an answer, this is none.
#[derive(Debug)]
pub(crate) struct Lost;

/// What a hand asks, and how often: weights out of their sum.
pub(crate) type Mixture = [(Ask, u64)];

/// What can be asked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Ask {
    SignIn,
    Check,
    Renew,
    Reauthenticate,
    Revoke,
    RevokeAll,
    Credential,
    /// Disables, and enables again.
    Disable,
    Limit,
    Look,
}

impl Hand {
    /// Asks one of these.
    pub(crate) async fn ask_one(
        &mut self,
        of: &Mixture,
        limit: u64,
        book: &Book,
        guest: &Guest,
    ) -> Result<(), Lost> {
        let mut thrown = self.dice.below(of.iter().map(|(_, weight)| weight).sum());
        let one = of.iter().find(|(_, weight)| {
            let here = thrown < *weight;
            thrown = thrown.saturating_sub(*weight);
            here
        });
        let ask = one.expect("the weights add up").0;
        self.ask(ask, limit, book, guest).await
    }

    async fn ask(&mut self, ask: Ask, limit: u64, book: &Book, guest: &Guest) -> Result<(), Lost> {
        let subject = format!("/v1/subjects/{}", guest.name);
        let tenant = format!("tenant={}", guest.tenant);
        let (token, session) = book.known(guest, |known| {
            // Mostly a late one, which may still be live, and now and then an old one.
            let recent = if self.dice.once_in(4) { 40 } else { 3 };
            let tokens = known.tokens.len();
            let token = self
                .dice
                .one_of(&known.tokens[tokens.saturating_sub(recent)..]);
            let sessions = known.sessions.len();
            let session = self
                .dice
                .one_of(&known.sessions[sessions.saturating_sub(recent)..]);
            (token.cloned(), session.cloned())
        });
        let presents = |path: &str, text: &str, mut body: Value| {
            body["token"] = text.into();
            body["tenant"] = guest.tenant.into();
            post(path, Some(body))
        };
        let (call, sent) = match (ask, token, session) {
            (Ask::SignIn, ..) => return self.sign_in(book, guest).await,
            (Ask::Check, Some((tok, text)), _) => return self.check(book, guest, tok, &text).await,
            (Ask::Renew, Some((tok, text)), _) => (
                Call::Renew(tok),
                presents("/v1/sessions/rotate", &text, json!({})),
            ),
            (Ask::Reauthenticate, Some((tok, text)), _) => {
                let proof = json!({"methods": ["pwd", "otp"], "assurance": 2});
                let sent = presents("/v1/sessions/reauthenticated", &text, proof);
                (Call::Reauthenticate(tok), sent)
            }
            (Ask::Revoke, _, Some((sid, id))) => {
                let path = format!("/v1/sessions/{id}?{tenant}");
                (Call::Revoke(sid), bare(Method::DELETE, path))
            }
            (Ask::RevokeAll, _, session) => {
                let keep = session.filter(|_| self.dice.once_in(2));
                let except = keep
                    .as_ref()
                    .map_or_else(String::new, |(_, id)| format!("&except={id}"));
                let path = format!("{subject}/sessions?{tenant}{except}");
                let call = Call::RevokeAll(keep.map(|k| k.0));
                (call, bare(Method::DELETE, path))
            }
            (Ask::Credential, token, _) => {
                let keep = token.filter(|_| self.dice.once_in(2));
                let (tok, text) = keep.unzip();
                let body = json!({"keep": text, "tenant": guest.tenant});
                let path = format!("{subject}/credential-changed");
                (Call::CredentialChanged(tok), post(&path, Some(body)))
            }
            (Ask::Disable, ..) => {
                let path = format!("{subject}/disable?{tenant}");
                let sent = post(&path, None);
                self.tell(book, guest, Call::Disable, &sent).await?;
                return self.enable(book, guest).await;
            }
            (Ask::Limit, ..) => {
                let limit = Some(1 + self.dice.below(limit + 1)).filter(|_| !self.dice.once_in(3));
                let body = json!({"limits": limit.map(|n| json!({"max_sessions": n}))});
                let call = Call::Limit(limit.map(|n| usize::try_from(n).expect("it is small")));
                let mut sent = bare(Method::PATCH, format!("{subject}?{tenant}"));
                sent.body = Some(body);
                (call, sent)
            }
            (Ask::Check | Ask::Renew | Ask::Reauthenticate | Ask::Revoke | Ask::Look, ..) => {
                return self.look(book, guest).await;
            }
        };
        self.tell(book, guest, call, &sent).await.map(drop)
    }

    /// Lets the guest in again, whoever disabled it.
    pub(crate) async fn enable(&mut self, book: &Book, guest: &Guest) -> Result<(), Lost> {
        let path = format!("/v1/subjects/{}/enable?tenant={}", guest.name, guest.tenant);
        let sent = post(&path, None);
        self.tell(book, guest, Call::Enable, &sent).await.map(drop)
    }

    /// Reads the generation, or lists who is live.
    pub(crate) async fn look(&mut self, book: &Book, guest: &Guest) -> Result<(), Lost> {
        let (name, tenant) = (&guest.name, guest.tenant);
        let path = if self.dice.once_in(2) {
            format!("/v1/subjects/{name}?tenant={tenant}")
        } else {
            format!("/v1/subjects/{name}/sessions?tenant={tenant}")
        };
        let sent = bare(Method::GET, path);
        self.tell(book, guest, Call::Look, &sent).await.map(drop)
    }

    /// Notes where the events of a round begin.
    pub(crate) async fn begin_events(&mut self, book: &Book) -> Result<(), Lost> {
        let tenant = book.guests[0].tenant;
        let path = format!("/v1/events?tenant={tenant}&after=now&limit=1");
        let (_, page) = self.get(path).await?;
        book.begin_events(page["next"].as_str().ok_or(Lost)?);
        Ok(())
    }

    /// Lists who is live and reads all events of a guest, while nobody else does anything; for so
    /// long anew, until they go with what callers were told.
    pub(crate) async fn hear(
        &mut self,
        book: &Book,
        guest: &Guest,
        patience: Duration,
    ) -> Result<(), Lost> {
        let path = format!(
            "/v1/subjects/{}/sessions?tenant={}",
            guest.name, guest.tenant
        );
        let sent = bare(Method::GET, path);
        let Answer::Seen(view) = self.tell(book, guest, Call::Look, &sent).await? else {
            return Err(Lost);
        };
        let mut told = Told {
            events: Vec::new(),
            live: view.live,
            operations: book.first_event().1,
        };
        let begun = Instant::now();
        // Where it was waited for in vain, it is not waited for again.
        let waits = book.agreed(guest);
        loop {
            let written = self.events(book, guest).await?;
            told.events = book.events(&written).ok_or(Lost)?;
            if !waits || book.agrees(guest, &told) || begun.elapsed() > patience {
                break;
            }
            sleep(BETWEEN).await;
        }
        book.hear(guest, told);
        Ok(())
    }

    /// The events of a guest since the round began, page by page.
    async fn events(&mut self, book: &Book, guest: &Guest) -> Result<Vec<Value>, Lost> {
        let (mut after, mut events) = (book.first_event().0, Vec::new());
        loop {
            let (tenant, name) = (guest.tenant, &guest.name);
            let of = format!("tenant={tenant}&subject={name}&after={after}&limit=200");
            let (_, mut page) = self.get(format!("/v1/events?{of}")).await?;
            events.append(page["events"].as_array_mut().ok_or(Lost)?);
            page["next"].as_str().ok_or(Lost)?.clone_into(&mut after);
            if page["more"] != json!(true) {
                return Ok(events);
            }
        }
    }

    /// Asks something that is no operation on a subject.
    async fn get(&mut self, path: String) -> Result<Reply, Lost> {
        self.client.send(&bare(Method::GET, path)).await.ok_or(Lost)
    }

    /// Presents a token.
    pub(crate) async fn check(
        &mut self,
        book: &Book,
        guest: &Guest,
        tok: Tok,
        text: &str,
    ) -> Result<(), Lost> {
        let body = json!({"token": text, "tenant": guest.tenant});
        let sent = post("/v1/check", Some(body));
        self.tell(book, guest, Call::Check(tok), &sent)
            .await
            .map(drop)
    }

    /// Signs in: half of the time with a key, half of the time with evidence, and now and then
    /// once more with a key that was used.
    pub(crate) async fn sign_in(&mut self, book: &Book, guest: &Guest) -> Result<(), Lost> {
        let attempt = book.known(guest, |known| {
            let recent = known.keyed.len().saturating_sub(4);
            let repeated = self.dice.one_of(&known.keyed[recent..]).cloned();
            let evidence = self.dice.one_of(&known.looks).copied();
            let repeated = repeated.filter(|_| self.dice.once_in(8));
            repeated.ok_or_else(|| evidence.filter(|_| self.dice.once_in(2)))
        });
        let attempt = attempt.unwrap_or_else(|evidence| {
            let label = book.label();
            let key = format!("{}-sign-in-{:08}", guest.name, label.0);
            let attempt = Attempt {
                label,
                key: self.dice.once_in(2).then_some(key),
                evidence,
            };
            if attempt.key.is_some() {
                book.known(guest, |known| known.keyed.push(attempt.clone()));
            }
            attempt
        });
        let mut body = json!({"subject": guest.name, "tenant": guest.tenant, "client": "web"});
        if let Some((_, generation)) = attempt.evidence {
            body["generation"] = generation.into();
        }
        let mut sent = post("/v1/sessions", Some(body));
        sent.idempotency.clone_from(&attempt.key);
        let call = Call::Admit {
            label: attempt.label,
            evidence: attempt.evidence.map(|e| e.0),
            class: Class::Interactive,
            chosen: None,
        };
        self.tell(book, guest, call, &sent).await.map(drop)
    }

    async fn tell(
        &mut self,
        book: &Book,
        guest: &Guest,
        call: Call,
        sent: &Sent,
    ) -> Result<Answer, Lost> {
        // No connection means that nothing was sent, and there is nothing to write down.
        self.client.connect().await.ok_or(Lost)?;
        let number = book.begin(guest, call);
        let reply = self.client.send(sent).await;
        let answer = book.end(number, guest, reply.as_ref());
        reply.map(|_| answer).ok_or(Lost)
    }
}

/// Lets all hands do the same, each for itself, and gives them back.
pub(crate) async fn all<F, W>(hands: Vec<Hand>, book: &Arc<Book>, work: W) -> Vec<Hand>
where
    W: Fn(usize, Hand, Arc<Book>) -> F,
    F: Future<Output = Hand> + Send + 'static,
{
    let working: Vec<_> = hands
        .into_iter()
        .enumerate()
        .map(|(place, hand)| tokio::spawn(work(place, hand, Arc::clone(book))))
        .collect();
    let mut back = Vec::with_capacity(working.len());
    for hand in working {
        back.push(hand.await.expect("a hand does not panic"));
    }
    back
}

fn post(path: &str, body: Option<Value>) -> Sent {
    let mut sent = bare(Method::POST, path.to_owned());
    sent.body = body;
    sent
}

fn bare(method: Method, path: String) -> Sent {
    Sent {
        method,
        path,
        body: None,
        idempotency: None,
    }
}
