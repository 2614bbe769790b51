//! Rounds: simultaneous sign-ins of one subject, with all that may happen meanwhile mixed in.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use innkeeper_simulation::checker::Violation;
use innkeeper_simulation::dice::Dice;
use innkeeper_simulation::history::Subject;
use innkeeper_test_servers::postgres::Postgres;
use innkeeper_test_servers::redis::Redis;
use tokio::sync::{Barrier, Semaphore};

use crate::book::{Book, Guest};
use crate::client::Client;
use crate::hand::{self, Ask, Hand, Mixture};
use crate::server::{Server, Start};
use crate::tally::Tally;

/// How many do something else meanwhile, and how much each of them does.
const OTHERS: usize = 40;
const ASKS: usize = 10;

const MIXTURE: &Mixture = &[
    (Ask::SignIn, 4),
    (Ask::Check, 30),
    (Ask::Renew, 8),
    (Ask::Reauthenticate, 4),
    (Ask::Revoke, 24),
    (Ask::RevokeAll, 5),
    (Ask::Credential, 3),
    (Ask::Disable, 2),
    (Ask::Limit, 5),
    (Ask::Look, 15),
];

/// Simultaneous sign-ins against a binary.
#[derive(Clone, Debug)]
pub struct Rounds {
    /// The binary.
    pub binary: PathBuf,
    /// How many rounds, each with a subject of its own.
    pub rounds: u64,
    /// The limit of the policy.
    pub limit: usize,
    /// How many sign in at once.
    pub sign_ins: usize,
    /// Where the rosters are.
    pub store: Store,
}

/// Where rosters are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Store {
    /// In the folder of the one node.
    Embedded,
    /// In a PostgreSQL of our own that so many nodes share. They ask it at each check: with leases,
    /// what one ends may be let in by another for a while.
    Postgres(usize),
    /// In a Redis of our own that so many nodes share, likewise.
    Redis(usize),
}

/// A server of our own that nodes share.
#[derive(Debug)]
enum Beneath {
    Postgres(Postgres),
    /// One for each inn: nodes tell each other of commits by the server, not by the database.
    Redis(Vec<Redis>),
}

impl Beneath {
    fn start(store: Store) -> io::Result<Option<Self>> {
        Ok(match store {
            Store::Embedded => None,
            Store::Postgres(_) => Some(Self::Postgres(Postgres::start()?)),
            Store::Redis(_) => Some(Self::Redis(Vec::new())),
        })
    }

    /// An empty place: the kind of the store, and its URL.
    fn place(&mut self) -> io::Result<(&'static str, String)> {
        match self {
            Self::Postgres(server) => Ok(("postgres", server.database()?)),
            Self::Redis(servers) => {
                let server = Redis::start()?;
                let url = server.url();
                servers.push(server);
                Ok(("redis", url))
            }
        }
    }
}

/// What a siege came to.
#[derive(Debug, Default)]
pub struct Outcome {
    /// What it exercised.
    pub tally: Tally,
    /// What was broken, each with the round it was broken in; the first is 1.
    pub violations: Vec<(u64, Violation)>,
}

impl Outcome {
    /// Takes what was broken in a round, and keeps the history that shows it below `folder`.
    pub(crate) fn take(
        &mut self,
        round: u64,
        book: &Book,
        found: Vec<Violation>,
        folder: &Path,
    ) -> io::Result<()> {
        if !found.is_empty() {
            book.keep(round, &found, folder)?;
        }
        self.violations
            .extend(found.into_iter().map(|v| (round, v)));
        Ok(())
    }
}

impl Rounds {
    /// Plays them all, below `folder`. Every other round plays where the policy refuses the
    /// newcomer, the rest where it evicts the least recent; `seen` hears of each. Where something
    /// was broken, all that callers were told in that round is written down there.
    pub async fn play(&self, folder: &Path, mut seen: impl FnMut(u64)) -> io::Result<Outcome> {
        let mut outcome = Outcome::default();
        let mut inns = Vec::new();
        let mut beneath = Beneath::start(self.store)?;
        for at_limit in ["evict-least-recent", "refuse"] {
            let place = beneath.as_mut().map(Beneath::place).transpose()?;
            let nodes = self.open(at_limit, folder, place.as_ref())?;
            let hands = hands(&nodes, self.sign_ins + OTHERS, self.limit as u64);
            inns.push((nodes, hands));
        }
        for round in 1..=self.rounds {
            let place = usize::from(round.is_multiple_of(2));
            let hands = std::mem::take(&mut inns[place].1);
            let (hands, book) = self.round(round, hands).await;
            inns[place].1 = hands;

            let mut of_round = Tally::default();
            book.count(&mut of_round);
            book.count(&mut outcome.tally);
            let mut found = book.violations();
            if of_round.unknown > 0 {
                found.push(Violation {
                    rule: "V6",
                    operations: Vec::new(),
                    text: format!(
                        "{} answers are unknown, of which {} were 503",
                        of_round.unknown,
                        book.unavailable()
                    ),
                });
            }
            outcome.take(round, &book, found, folder)?;
            seen(round);
        }
        Ok(outcome)
    }

    /// Starts the nodes of one inn, the first of which has the key that opens all.
    fn open(
        &self,
        at_limit: &str,
        folder: &Path,
        place: Option<&(&'static str, String)>,
    ) -> io::Result<Vec<Server>> {
        let mut nodes: Vec<Server> = Vec::new();
        let count = match self.store {
            Store::Embedded => 1,
            Store::Postgres(nodes) | Store::Redis(nodes) => nodes,
        };
        for node in 0..count {
            let mut settings = vec![
                ("INNKEEPER_POLICY__MAX_SESSIONS", self.limit.to_string()),
                ("INNKEEPER_POLICY__AT_LIMIT", at_limit.to_owned()),
            ];
            if let Some((kind, url)) = place {
                settings.extend([
                    ("INNKEEPER_STORE__KIND", (*kind).to_owned()),
                    ("INNKEEPER_STORE__URL", url.clone()),
                    ("INNKEEPER_STORE__LEASE", "0s".to_owned()),
                ]);
            }
            let start = Start {
                binary: self.binary.clone(),
                data: folder.join(format!("{at_limit}-{node}")),
                settings,
            };
            let server = match nodes.first() {
                None => start.now()?,
                Some(first) => start.beside(first)?,
            };
            nodes.push(server);
        }
        Ok(nodes)
    }

    async fn round(&self, round: u64, hands: Vec<Hand>) -> (Vec<Hand>, Arc<Book>) {
        let guest = Guest {
            subject: Subject(0),
            tenant: "default",
            name: format!("guest-{round}"),
        };
        let book = Arc::new(Book::about(vec![guest], self.limit));
        let mut hands = hands;
        let _ = hands[0].begin_events(&book).await;
        let gate = Arc::new(Barrier::new(hands.len()));
        // Each sign-in that is answered makes way for a share of the rest, which is so spread
        // over the whole of the round.
        let way = Arc::new(Semaphore::new(0));
        let (sign_ins, limit) = (self.sign_ins, self.limit as u64);
        let share = (OTHERS * ASKS).div_ceil(sign_ins);
        let hands = hand::all(hands, &book, move |place, mut hand, book| {
            let (gate, way) = (Arc::clone(&gate), Arc::clone(&way));
            async move {
                let guest = &book.guests[0];
                let _ = hand.client.connect().await;
                gate.wait().await;
                if place < sign_ins {
                    let _ = hand.sign_in(&book, guest).await;
                    way.add_permits(share);
                } else {
                    for _ in 0..ASKS {
                        way.acquire().await.expect("it is never closed").forget();
                        let _ = hand.ask_one(MIXTURE, limit, &book, guest).await;
                    }
                }
                hand
            }
        })
        .await;
        let events = match self.store {
            Store::Embedded => Events::OF_ONE,
            Store::Postgres(_) | Store::Redis(_) => Events::SHARED,
        };
        (take_stock(hands, &book, events).await, book)
    }
}

/// Whether events are held against the rest: they are read from the beginning of the round, and so
/// take longer the more rounds ago that was.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Events {
    /// Anew for so long, until they go with the rest.
    Read(Duration),
    Left,
}

impl Events {
    /// Of a node that has its journal to itself.
    pub(crate) const OF_ONE: Self = Self::Read(Duration::from_secs(5));
    /// A journal that nodes share may show a change a moment after it was answered.
    const SHARED: Self = Self::Read(Duration::from_mins(1));
}

/// When all is quiet, everything is looked at once more: a sign-in, a look, and every token.
pub(crate) async fn take_stock(
    mut hands: Vec<Hand>,
    book: &Arc<Book>,
    events: Events,
) -> Vec<Hand> {
    for guest in &book.guests {
        let hand = &mut hands[0];
        let _ = hand.enable(book, guest).await;
        let _ = hand.sign_in(book, guest).await;
        for _ in 0..3 {
            let _ = hand.look(book, guest).await;
        }
        if let Events::Read(patience) = events {
            let _ = hand.hear(book, guest, patience).await;
        }
    }
    let count = hands.len();
    hand::all(hands, book, move |place, mut hand, book| async move {
        for guest in &book.guests {
            let tokens = book.known(guest, |known| known.tokens.clone());
            for (tok, text) in tokens.iter().skip(place).step_by(count) {
                let _ = hand.check(&book, guest, *tok, text).await;
            }
        }
        hand
    })
    .await
}

/// Hands that are spread over the nodes.
pub(crate) fn hands(nodes: &[Server], count: usize, seed: u64) -> Vec<Hand> {
    let mut dice = Dice::new(seed);
    let nodes = nodes.iter().cycle().take(count);
    nodes
        .map(|server| Hand {
            client: Client::of(server.address, Arc::clone(&server.key)),
            dice: dice.split(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use innkeeper_simulation::history::Call;
    use serde_json::json;

    use super::*;

    #[test]
    fn given_a_round_that_broke_a_promise_when_taken_then_its_history_is_kept_without_secrets() {
        let folder = tempfile::tempdir().expect("there is a folder for what is temporary");
        let guest = Guest {
            subject: Subject(0),
            tenant: "default",
            name: "guest-7".to_owned(),
        };
        let book = Book::about(vec![guest.clone()], 1);
        let number = book.begin(&guest, Call::Disable);
        let session = json!({"id": "ses_a"});
        let told = json!({"ended": 0, "session": session, "token": "ik_secret"});
        book.end(number, &guest, Some(&(200, told)));
        let violation = Violation {
            rule: "S1",
            operations: vec![number],
            text: "one too many".to_owned(),
        };
        let mut outcome = Outcome::default();

        let whole = outcome.take(6, &book, Vec::new(), folder.path());
        let broken = outcome.take(7, &book, vec![violation], folder.path());

        whole.and(broken).expect("the folder can be written to");
        let histories = std::fs::read_dir(folder.path()).expect("it is there");
        assert_eq!(histories.count(), 1);
        let kept = std::fs::read_to_string(folder.path().join("round-7.history"));
        let kept = kept.expect("it was kept");
        assert!(kept.starts_with("S1: one too many"), "{kept}");
        assert!(kept.contains("guest 0 is guest-7"), "{kept}");
        assert!(kept.contains("session 0 is ses_a"), "{kept}");
        assert!(kept.contains("Disable -> Done"), "{kept}");
        assert!(!kept.contains("ik_secret"), "{kept}");
        assert_eq!(outcome.violations.len(), 1);
    }
}
