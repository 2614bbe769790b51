//! One request and its answer, in the steps that can be taken apart: all but the last byte, the
//! last byte, the answer.

use std::sync::Arc;
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use super::visitor::Visitor;
use super::wire::{self, Held, InFlight};
use super::{Answer, Client, request};
use crate::origin::Origin;
use crate::recipe::{Request, Source};
use crate::trouble::Trouble;

/// A request of which the application has all but the last byte.
pub(crate) struct Ready {
    id: String,
    side: String,
    bytes: Vec<u8>,
    origin: Origin,
    path: String,
    held: Held,
}

/// A request that the application has, and whose answer is on its way.
pub(crate) struct Sent {
    id: String,
    side: String,
    bytes: Vec<u8>,
    origin: Origin,
    path: String,
    began: Instant,
    in_flight: InFlight,
}

/// Why a request is made, which says from where it is paid.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Errand {
    Ask,
    CleanUp,
}

impl Client {
    /// Fills a request in, pays for it, and sends all but its last byte.
    pub(crate) async fn hold(
        &self,
        visitor: &Visitor,
        request: &Request,
    ) -> Result<Ready, Trouble> {
        self.ready(visitor, request, Errand::Ask).await
    }

    /// Fills a request in, pays for it, waits for its turn, and sends all but its last byte.
    pub(super) async fn ready(
        &self,
        visitor: &Visitor,
        request: &Request,
        errand: Errand,
    ) -> Result<Ready, Trouble> {
        let (url, bytes) = request::bytes(&self.recipe, visitor, request, &self.run_id)?;
        self.ready_bytes(visitor, &url, bytes, request.method == "HEAD", errand)
            .await
    }

    pub(super) async fn ready_bytes(
        &self,
        visitor: &Visitor,
        url: &url::Url,
        bytes: Vec<u8>,
        is_head: bool,
        errand: Errand,
    ) -> Result<Ready, Trouble> {
        let (origin, path) = request::within(&self.recipe.target.scope, url)?;
        let call = self
            .reach
            .call(&origin, visitor.device.source, bytes.clone(), is_head);
        if errand == Errand::Ask && self.is_cancelled() {
            return Err(Trouble::Cancelled);
        }
        let at = self.budget(|budget| match errand {
            Errand::Ask => budget.take(visitor.purse),
            Errand::CleanUp => budget.take_to_clean_up(visitor.purse),
        })?;
        match errand {
            Errand::Ask => {
                self.wait(at.saturating_duration_since(Instant::now()))
                    .await?;
            }
            Errand::CleanUp => tokio::time::sleep_until(at.into()).await,
        }
        let id = {
            let mut books = self.books();
            books.numbered += 1;
            format!("r{}", books.numbered)
        };
        let within = self.recipe.limits.answer_within;
        let ready = |held| Ready {
            id: id.clone(),
            side: visitor.side.clone(),
            bytes: bytes.clone(),
            origin: origin.clone(),
            path: path.clone(),
            held,
        };
        match wire::hold(&call, Arc::clone(&self.tls), within).await {
            Ok(held) => Ok(ready(held)),
            Err(words) => {
                self.note(&id, &visitor.side, &bytes, Err(&words), Duration::ZERO);
                Err(Trouble::Answer(format!("{words} ({id})")))
            }
        }
    }

    /// Sends the last byte, and takes in the answer.
    pub(super) async fn send(
        &self,
        visitor: &mut Visitor,
        request: &Request,
        ready: Ready,
    ) -> Result<Answer, Trouble> {
        let sent = self.fire(ready).await?;
        self.take_in(visitor, request, sent).await
    }

    /// Sends the last byte.
    pub(crate) async fn fire(&self, ready: Ready) -> Result<Sent, Trouble> {
        let began = Instant::now();
        match ready.held.fire().await {
            Ok(in_flight) => Ok(Sent {
                id: ready.id,
                side: ready.side,
                bytes: ready.bytes,
                origin: ready.origin,
                path: ready.path,
                began,
                in_flight,
            }),
            Err(words) => {
                let id = &ready.id;
                self.note(id, &ready.side, &ready.bytes, Err(&words), began.elapsed());
                Err(Trouble::Answer(format!("{words} ({id})")))
            }
        }
    }

    /// Waits for the answer, and keeps of it what the visitor and the recipe keep.
    pub(crate) async fn take_in(
        &self,
        visitor: &mut Visitor,
        request: &Request,
        sent: Sent,
    ) -> Result<Answer, Trouble> {
        let Sent {
            id,
            side,
            bytes,
            origin,
            path,
            began,
            in_flight,
        } = sent;
        let raw = match in_flight.answer().await {
            Ok(raw) => raw,
            Err(words) => {
                self.note(&id, &side, &bytes, Err(&words), began.elapsed());
                return Err(Trouble::Answer(format!("{words} ({id})")));
            }
        };
        let mut cookies = Vec::new();
        for (_, value) in raw.headers.iter().filter(|(name, _)| name == "set-cookie") {
            cookies.extend(visitor.jar.take(&origin, &path, value).map(|c| c.name));
        }
        let body = String::from_utf8_lossy(&raw.body).into_owned();
        let json = serde_json::from_str(&body).ok();
        let answer = Answer {
            id: id.clone(),
            status: raw.status,
            headers: raw.headers.clone(),
            body,
            json,
            set: cookies,
        };
        for capture in &request.captures {
            if let Some(value) = captured(&capture.from, &answer, visitor) {
                visitor.values.insert(capture.name.clone(), value);
            }
        }
        {
            let first = String::from_utf8_lossy(&bytes);
            let called = first.lines().next().unwrap_or_default().to_owned();
            let led_to = answer.header("location").unwrap_or_default().to_owned();
            let addresses = [called, led_to].map(Zeroizing::new);
            self.books().addresses.extend(addresses);
        }
        self.hide_what_is_held(visitor);
        self.note(&id, &side, &bytes, Ok(&raw), began.elapsed());
        Ok(answer)
    }

    /// Several requests whose last bytes are sent at one moment.
    ///
    /// Each has a connection of its own that was opened before, and the application has all of
    /// each but its last byte.
    pub(crate) async fn at_once(
        self: &Arc<Self>,
        visitors: Vec<(Visitor, Request)>,
    ) -> Vec<(Visitor, Result<Answer, Trouble>)> {
        let mut ready = tokio::task::JoinSet::new();
        for (at, (visitor, request)) in visitors.into_iter().enumerate() {
            let client = Arc::clone(self);
            ready.spawn(async move {
                let held = client.ready(&visitor, &request, Errand::Ask).await;
                (at, visitor, request, held)
            });
        }
        let mut ready = ready.join_all().await;
        ready.sort_by_key(|(at, ..)| *at);
        let mut sent = tokio::task::JoinSet::new();
        for (at, mut visitor, request, held) in ready {
            let client = Arc::clone(self);
            sent.spawn(async move {
                let answer = match held {
                    Ok(ready) => client.send(&mut visitor, &request, ready).await,
                    Err(trouble) => Err(trouble),
                };
                (at, visitor, answer)
            });
        }
        let mut sent = sent.join_all().await;
        sent.sort_by_key(|(at, ..)| *at);
        sent.into_iter()
            .map(|(_, visitor, answer)| (visitor, answer))
            .collect()
    }
}

fn captured(source: &Source, answer: &Answer, visitor: &Visitor) -> Option<String> {
    let value = match source {
        Source::Attribute(selector, attribute) => selector.find(&answer.body, attribute),
        Source::Json(path) => answer.json.as_ref().and_then(|json| path.text(json)),
        Source::Header(name) => answer.header(name).map(str::to_owned),
        Source::Cookie(name) => visitor.jar.find(name).map(|cookie| cookie.value.clone()),
    };
    value.filter(|value| value.len() <= 16 << 10)
}
