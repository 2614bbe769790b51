//! The book: everything that callers asked and were told in one round, in its order.

use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use innkeeper_simulation::checker::{Violation, check};
use innkeeper_simulation::history::{
    Answer, Call, Enacted, History, Label, Operation, Point, Sid, Subject, Tok,
};
use parking_lot::Mutex;

use crate::client::Reply;
use crate::reading::Names;
use crate::tally::Tally;
use crate::told::{Event, Told, What};

/// How long the configuration of a siege lets sessions be silent, and live: its defaults.
const IDLE: u64 = 30 * 60_000;
const ABSOLUTE: u64 = 12 * 60 * 60_000;

/// A subject, by the names the server knows.
#[derive(Clone, Debug)]
pub(crate) struct Guest {
    pub(crate) subject: Subject,
    pub(crate) tenant: &'static str,
    pub(crate) name: String,
}

/// What callers know of one subject.
#[derive(Debug, Default)]
pub(crate) struct Known {
    pub(crate) tokens: Vec<(Tok, String)>,
    pub(crate) sessions: Vec<(Sid, String)>,
    /// Generations that were read, each with the operation it was read by.
    pub(crate) looks: Vec<(usize, u64)>,
    /// Sign-ins with a key, which may be sent again.
    pub(crate) keyed: Vec<Attempt>,
}

/// A sign-in, as it is sent every time.
#[derive(Clone, Debug)]
pub(crate) struct Attempt {
    pub(crate) label: Label,
    pub(crate) key: Option<String>,
    pub(crate) evidence: Option<(usize, u64)>,
}

/// One round, as it is written down. Everybody writes into it at once.
#[derive(Debug)]
pub(crate) struct Book {
    pub(crate) guests: Vec<Guest>,
    pages: Mutex<Pages>,
}

#[derive(Debug)]
struct Pages {
    history: History,
    place: usize,
    labels: u32,
    names: Names,
    known: Vec<Known>,
    /// Where the events of this round begin.
    first_event: String,
    told: Vec<Vec<Told>>,
    unavailable: u64,
    unexpected: Vec<Violation>,
}

impl Book {
    /// An empty book about these guests, under a policy of `limit` sessions.
    pub(crate) fn about(guests: Vec<Guest>, limit: usize) -> Self {
        let history = History {
            policies: vec![Enacted {
                version: 1,
                limit,
                idle: IDLE,
                ..Enacted::default()
            }],
            idle: IDLE,
            absolute: ABSOLUTE,
            ..History::default()
        };
        let pages = Pages {
            history,
            place: 0,
            labels: 0,
            names: Names::default(),
            known: guests.iter().map(|_| Known::default()).collect(),
            first_event: String::new(),
            told: guests.iter().map(|_| Vec::new()).collect(),
            unavailable: 0,
            unexpected: Vec::new(),
        };
        Self {
            guests,
            pages: Mutex::new(pages),
        }
    }

    /// Lets `look` see, or note, what is known of a guest.
    pub(crate) fn known<T>(&self, guest: &Guest, look: impl FnOnce(&mut Known) -> T) -> T {
        look(&mut self.pages.lock().known[guest.subject.0 as usize])
    }

    /// What the next sign-in is known by.
    pub(crate) fn label(&self) -> Label {
        let mut pages = self.pages.lock();
        pages.labels += 1;
        Label(pages.labels)
    }

    /// Writes down that a call begins, and returns its number.
    pub(crate) fn begin(&self, guest: &Guest, call: Call) -> usize {
        let mut pages = self.pages.lock();
        let begun = pages.point();
        pages.history.operations.push(Operation {
            subject: guest.subject,
            node: 0,
            call,
            begun,
            ended: begun,
            answer: Answer::Unknown,
            is_void: false,
        });
        pages.history.operations.len() - 1
    }

    /// Writes down how a call was answered, and what it taught about the guest.
    pub(crate) fn end(&self, number: usize, guest: &Guest, reply: Option<&Reply>) -> Answer {
        let mut pages = self.pages.lock();
        let call = pages.history.operations[number].call.clone();
        let owner = |tenant: &str, name: &str| {
            let mut guests = self.guests.iter();
            let guest = guests.find(|g| g.tenant == tenant && g.name == name);
            guest.map(|g| g.subject)
        };
        let answer = pages.names.answer(&call, reply, owner).unwrap_or_else(|| {
            pages.unexpected.push(Violation {
                rule: "API",
                operations: vec![number],
                text: format!("{call:?} was answered {reply:?}"),
            });
            Answer::Unknown
        });
        if let Some((status, body)) = reply {
            pages.unavailable += u64::from(*status == 503);
            pages.learn(number, guest, body);
        }
        let mut ended = pages.point();
        if let (Call::Admit { .. }, Some(born)) = (&call, reply.and_then(born_at)) {
            ended.time = born;
        }
        let operation = &mut pages.history.operations[number];
        (operation.ended, operation.answer) = (ended, answer.clone());
        answer
    }

    /// Writes down that the server went down.
    pub(crate) fn crash(&self) {
        let mut pages = self.pages.lock();
        let place = pages.point().place;
        pages.history.crashes.push(place);
    }

    /// Where the events of this round begin, and how many operations were written down so far.
    pub(crate) fn first_event(&self) -> (String, usize) {
        let pages = self.pages.lock();
        (pages.first_event.clone(), pages.history.operations.len())
    }

    /// Writes down where the events of this round begin.
    pub(crate) fn begin_events(&self, cursor: &str) {
        cursor.clone_into(&mut self.pages.lock().first_event);
    }

    /// Reads events as the API writes them; `None` if one is not understood.
    pub(crate) fn events(&self, written: &[serde_json::Value]) -> Option<Vec<Event>> {
        let names = &mut self.pages.lock().names;
        let read = |event: &serde_json::Value| {
            let what = match event["type"].as_str()? {
                "session.opened" => What::Opened(names.session(event["session"].as_str()?)),
                "session.ended" => What::Ended(names.session(event["session"].as_str()?)),
                _ => What::Other,
            };
            Some(Event {
                id: event["id"].as_str()?.to_owned(),
                seq: event["seq"].as_u64()?,
                what,
            })
        };
        written.iter().map(read).collect()
    }

    /// Whether these events go with all that callers were told.
    pub(crate) fn agrees(&self, guest: &Guest, told: &Told) -> bool {
        let pages = self.pages.lock();
        told.faults(guest.subject, &pages.history).is_empty()
    }

    /// Whether all events of a guest that were read so far went with what callers were told.
    pub(crate) fn agreed(&self, guest: &Guest) -> bool {
        let pages = self.pages.lock();
        let mut told = pages.told[guest.subject.0 as usize].iter();
        told.all(|told| told.faults(guest.subject, &pages.history).is_empty())
    }

    /// Writes down what was told of a guest.
    pub(crate) fn hear(&self, guest: &Guest, told: Told) {
        self.pages.lock().told[guest.subject.0 as usize].push(told);
    }

    /// How often it was answered that nobody knows.
    pub(crate) fn unavailable(&self) -> u64 {
        self.pages.lock().unavailable
    }

    /// What was broken, by all that is written down.
    pub(crate) fn violations(&self) -> Vec<Violation> {
        let pages = self.pages.lock();
        let mut found = check(&pages.history);
        found.extend(pages.unexpected.iter().cloned());
        for (guest, told) in self.guests.iter().zip(&pages.told) {
            for one in told {
                found.extend(one.faults(guest.subject, &pages.history));
            }
            for pair in told.windows(2) {
                found.extend(pair[1].faults_after(&pair[0], guest.subject));
            }
        }
        found
    }

    /// Writes what was found in a round and all that was told in it into a file of `folder`, for
    /// whoever looks for the cause. Secrets stay out.
    pub(crate) fn keep(&self, round: u64, found: &[Violation], folder: &Path) -> io::Result<()> {
        let pages = self.pages.lock();
        let file = File::create(folder.join(format!("round-{round}.history")))?;
        let mut file = BufWriter::new(file);
        for violation in found {
            writeln!(file, "{violation}")?;
        }
        for guest in &self.guests {
            writeln!(file, "guest {} is {}", guest.subject.0, guest.name)?;
            for (sid, id) in &pages.known[guest.subject.0 as usize].sessions {
                writeln!(file, "session {} is {id}", sid.0)?;
            }
        }
        write!(file, "{}", pages.history)?;
        file.flush()
    }

    /// Counts what is written down.
    pub(crate) fn count(&self, tally: &mut Tally) {
        let pages = self.pages.lock();
        tally.count(&pages.history);
        let told = pages.told.iter().flatten();
        tally.events += told.map(|told| told.events.len() as u64).sum::<u64>();
    }
}

/// When a session was born by the store's time, by which keys are remembered. That runs ahead of
/// ours by up to two seconds for each time that the server goes down, and in hundreds of quick
/// rounds a key's ten minutes are over sooner than here.
fn born_at((_, body): &Reply) -> Option<u64> {
    let text = body["session"]["created_at"].as_str()?;
    let moment: jiff::Timestamp = text.parse().ok()?;
    u64::try_from(moment.as_millisecond()).ok()
}

impl Pages {
    fn point(&mut self) -> Point {
        self.place += 1;
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let time = now.map_or(0, |n| u64::try_from(n.as_millis()).unwrap_or(u64::MAX));
        Point {
            place: self.place,
            time,
            moment: time,
        }
    }

    /// Remembers the secrets and names of an answer, so that they can be presented.
    fn learn(&mut self, number: usize, guest: &Guest, body: &serde_json::Value) {
        let known = &mut self.known[guest.subject.0 as usize];
        for text in [&body["token"], &body["rotated"]] {
            if let Some(text) = text.as_str() {
                let token = self.names.token(text);
                known.tokens.push((token, text.to_owned()));
            }
        }
        if let Some(generation) = body["generation"].as_u64() {
            known.looks.push((number, generation));
        }
        let listed = body["sessions"].as_array().into_iter().flatten();
        for session in listed.chain([&body["session"]]) {
            if let Some(id) = session["id"].as_str() {
                let sid = self.names.session(id);
                if known.sessions.iter().all(|(s, _)| *s != sid) {
                    known.sessions.push((sid, id.to_owned()));
                }
            }
        }
    }
}
