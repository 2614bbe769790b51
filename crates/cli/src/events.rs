//! `events`: prints what happened, and goes on with what happens.

mod message;

use std::ops::ControlFlow::{self, Break, Continue};
use std::time::Duration;

use innkeeper_api::{Event, EventPage};
use serde_json::json;
use tokio::time::{sleep, timeout};

use self::message::{Message, Messages};
use crate::args::EventsArguments;
use crate::escape::Shown;
use crate::exit::Failure;
use crate::print::{self, Reader, escaped};
use crate::remote::Server;
use crate::table::{Table, word};

const PATH: [&str; 2] = ["v1", "events"];
/// How long to wait before coming back, as the server asks of those who listen.
const COME_BACK: Duration = Duration::from_secs(1);
/// A stream gives a sign of life every 15 seconds; one that missed three is dead.
const SILENCE_MAX: Duration = Duration::from_secs(50);

/// Runs `events`.
pub(crate) async fn run(arguments: EventsArguments) -> Result<(), Failure> {
    let server = Server::reach(&arguments.client)?;
    let mut printer = Printer::new(&arguments);
    let done = if arguments.follow {
        follow(&server, &arguments, &mut printer).await
    } else {
        print_pages(&server, &arguments, &mut printer).await
    };
    match done {
        Err(Stop::Failed(failure)) => Err(failure),
        // A reader that has gone away has read enough.
        Err(Stop::Enough) | Ok(()) => Ok(()),
    }
}

/// Why printing stops early.
enum Stop {
    Failed(Failure),
    Enough,
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

async fn print_pages(
    server: &Server,
    arguments: &EventsArguments,
    printer: &mut Printer,
) -> Result<(), Stop> {
    let mut after = arguments.after.clone();
    printer.begin_document()?;
    loop {
        // A page that ends where the printing ends has a cursor to go on from.
        let limit = printer.left.map_or(200, |left| left.clamp(1, 200));
        let limit = limit.to_string();
        let mut query = vec![("tenant", arguments.tenant.as_str()), ("limit", &limit)];
        query.extend(arguments.subject.as_deref().map(|who| ("subject", who)));
        query.extend(after.as_deref().map(|after| ("after", after)));
        let page: EventPage = server.get(&PATH, &query).await?;
        for event in &page.events {
            printer.event(event, None)?;
        }
        if !page.more || printer.left == Some(0) {
            return printer.end_document(&page.next);
        }
        after = Some(page.next);
    }
}

async fn follow(
    server: &Server,
    arguments: &EventsArguments,
    printer: &mut Printer,
) -> Result<(), Stop> {
    let mut after = arguments.after.clone();
    let mut has_begun = false;
    while listen(server, arguments, &mut after, printer, &mut has_begun)
        .await?
        .is_continue()
    {
        sleep(COME_BACK).await;
    }
    Ok(())
}

/// Listens until the stream ends, and keeps the place to go on from in `after`.
async fn listen(
    server: &Server,
    arguments: &EventsArguments,
    after: &mut Option<String>,
    printer: &mut Printer,
    has_begun: &mut bool,
) -> Result<ControlFlow<()>, Stop> {
    let mut query = vec![("tenant", arguments.tenant.as_str())];
    query.extend(arguments.subject.as_deref().map(|who| ("subject", who)));
    query.extend(after.as_deref().map(|after| ("after", after)));
    let mut pieces = match server.live(&PATH, &query).await {
        Ok(pieces) => pieces,
        // Who never got through is told so; who did waits for the server to come back.
        Err(failure) if *has_begun && failure.may_pass() => return Ok(Continue(())),
        Err(failure) => return Err(failure.into()),
    };
    *has_begun = true;
    let mut messages = Messages::default();
    while let Ok(Ok(Some(piece))) = timeout(SILENCE_MAX, pieces.next()).await {
        for message in messages.read(&piece)? {
            match message {
                Message::Place(place) => *after = Some(place),
                Message::Event(event, place) => {
                    printer.event(&event, Some(&place))?;
                    *after = Some(place);
                    if printer.left == Some(0) {
                        return Ok(Break(()));
                    }
                }
                Message::Expired => {
                    return Err(Stop::Failed(Failure::usage(
                        "what came next is no longer kept (cursor-expired)\n  begin anew without \
                         --after, and compare what you hold with the sessions as they are",
                    )));
                }
            }
        }
    }
    Ok(Continue(()))
}

/// What is told of an event on a line of its own.
const HEADER: [&str; 6] = ["at", "type", "reason", "by", "subject", "session"];
/// Narrower than a line with a session in it and a short subject: there each event is a table of its
/// own, as elsewhere the rows of a table that does not fit.
const LINE_MIN: u16 = 130;

/// Prints events of the types that are wanted, until there were enough.
struct Printer {
    /// How many columns the reader sees; `None` where a line has no end.
    columns: Option<u16>,
    types: Vec<String>,
    is_json: bool,
    follow: bool,
    is_first: bool,
    /// How many more are wanted; `None` for all.
    left: Option<u64>,
}

impl Printer {
    fn new(arguments: &EventsArguments) -> Self {
        Self {
            columns: print::columns(),
            types: arguments.types.clone(),
            is_json: arguments.client.json,
            follow: arguments.follow,
            is_first: true,
            left: arguments.limit.map(Into::into),
        }
    }

    fn event(&mut self, event: &Event, place: Option<&str>) -> Result<(), Stop> {
        if !is_wanted(&self.types, &event.kind) || self.left == Some(0) {
            return Ok(());
        }
        let is_first = std::mem::take(&mut self.is_first);
        self.left = self.left.map(|left| left - 1);
        if !self.is_json {
            let cells = [
                event.at.to_string(),
                event.kind.clone(),
                word(&event.reason),
                word(&event.ended_by),
                event.subject.clone().unwrap_or_else(|| "(erased)".into()),
                event.session.clone().unwrap_or_default(),
            ];
            return write(&laid_out(&cells, is_first, self.columns));
        }
        if self.follow {
            let line = json!({"schema": "innkeeper.event/1", "cursor": place, "event": event});
            return write(&(escaped(&line.to_string()) + "\n"));
        }
        let comma = if is_first { "" } else { "," };
        let event = escaped(&json!(event).to_string());
        write(&format!("{comma}\n  {event}"))
    }

    /// The journal may be longer than memory, so the document is written as it comes.
    fn begin_document(&self) -> Result<(), Stop> {
        if self.is_json {
            write("{\"schema\": \"innkeeper.events/1\",\n \"events\": [")?;
        }
        Ok(())
    }

    fn end_document(&self, next: &str) -> Result<(), Stop> {
        if self.is_json {
            let next = escaped(&json!(next).to_string());
            write(&format!("],\n \"next\": {next}}}\n"))?;
        } else if self.is_first {
            write("no event\n")?;
        }
        Ok(())
    }
}

/// Whether a type, or the word before its dot, was asked for; nothing asked for is everything.
fn is_wanted(types: &[String], kind: &str) -> bool {
    types.is_empty()
        || types.iter().any(|wanted| {
            let rest = kind.strip_prefix(wanted.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        })
}

/// An event for somebody who sees so many columns: a line, the first with a header, or a table.
fn laid_out(cells: &[String; 6], is_first: bool, columns: Option<u16>) -> String {
    let is_narrow = columns.is_some_and(|columns| columns < LINE_MIN);
    let line = row(cells.clone());
    let is_wider = columns.is_some_and(|columns| line.chars().count() > usize::from(columns) + 1);
    if is_narrow || is_wider {
        let mut table = Table::of_one();
        for (name, cell) in HEADER.into_iter().zip(cells) {
            if !cell.is_empty() {
                table.row(name, cell);
            }
        }
        return format!("{table}\n");
    }
    if is_first {
        return row(HEADER.map(str::to_owned)) + &line;
    }
    line
}

/// One line of a table whose rows come one by one. What people write comes last, since nobody
/// knows how wide it is.
fn row([at, kind, reason, by, subject, session]: [String; 6]) -> String {
    // Types are the server's to name, and whoever answers in its place names them too.
    let [kind, subject, session] = [kind, subject, session].map(|text| Shown(&text).to_string());
    let line = format!("{at:<24}  {kind:<25}  {reason:<17}  {by:<6}  {subject}  {session}");
    line.trim_end().to_owned() + "\n"
}

fn write(text: &str) -> Result<(), Stop> {
    match print::to_reader(text)? {
        Reader::There => Ok(()),
        Reader::Gone => Err(Stop::Enough),
    }
}

#[cfg(test)]
mod tests {
    use super::{is_wanted, laid_out, row};

    fn cells(subject: &str) -> [String; 6] {
        let session = "ses_0123456789-0123456789-0123456789-012345";
        let at = "2026-01-02T03:04:05.678Z";
        [
            at,
            "session.ended",
            "revoked_by_admin",
            "admin",
            subject,
            session,
        ]
        .map(str::to_owned)
    }

    /// A line of 120 characters was folded by the terminal wherever it happened to end.
    #[test]
    fn given_a_terminal_when_events_are_printed_then_none_is_wider_and_all_is_there() {
        for columns in [20_u16, 80, 129, 130, 200] {
            for subject in ["alice", &"x".repeat(100)] {
                let text = laid_out(&cells(subject), true, Some(columns));

                let widest = text.lines().map(|line| line.chars().count()).max();
                // One word is never cut: the session, the longest of them, or this subject.
                let word = subject.len().max(43) + 12;
                assert!(
                    widest <= Some(word.max(columns.into())),
                    "{columns}:\n{text}"
                );
                assert!(
                    cells(subject).iter().all(|cell| text.contains(cell)),
                    "{text}"
                );
            }
        }
        assert_eq!(
            laid_out(&cells("alice"), true, Some(130)).lines().count(),
            2
        );
        assert_eq!(laid_out(&cells("alice"), false, None).lines().count(), 1);
    }

    #[test]
    fn given_a_type_that_acts_on_a_terminal_when_shown_then_it_is_text() {
        let words = ["now", "x\u{1b}[2J", "", "", "alice\u{9b}m", "ses_\u{202e}"];

        let line = row(words.map(str::to_owned));

        assert!(
            !line.trim_end().chars().any(crate::escape::acts_on_a_reader),
            "{line:?}"
        );
    }

    #[test]
    fn given_types_when_an_event_comes_then_a_word_stands_for_all_types_below_it() {
        let wanted = |types: &[&str], kind| {
            let types: Vec<String> = types.iter().map(ToString::to_string).collect();
            is_wanted(&types, kind)
        };

        assert!(wanted(&[], "session.opened"));
        assert!(wanted(&["session"], "session.opened"));
        assert!(wanted(&["device", "session.opened"], "session.opened"));
        assert!(!wanted(&["session.opened"], "session.ended"));
        assert!(!wanted(&["sess"], "session.ended"));
    }
}
