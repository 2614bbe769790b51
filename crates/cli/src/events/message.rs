//! Server-sent events, read back (WHATWG HTML, 9.2).

use innkeeper_api::Event;

use crate::exit::Failure;

/// The longest line that is read: an event has some hundreds of bytes.
const LINE_MAX: usize = 1 << 20;

/// What the server said.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Message {
    /// An event, and the place after it.
    Event(Box<Event>, String),
    /// Nothing happened up to here.
    Place(String),
    /// What came next is no longer kept.
    Expired,
}

/// Reads messages from what comes in pieces, wherever those are cut.
#[derive(Debug, Default)]
pub(super) struct Messages {
    /// A line that has not ended yet.
    line: Vec<u8>,
    place: Option<String>,
    name: String,
    data: String,
}

impl Messages {
    /// Takes up a piece, and gives what is whole.
    pub(super) fn read(&mut self, piece: &[u8]) -> Result<Vec<Message>, Failure> {
        let mut whole = Vec::new();
        for part in piece.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(part);
            if self.line.len() + self.data.len() > LINE_MAX {
                return Err(not_understood("a message is too long"));
            }
            if let [line @ .., b'\n'] = &self.line[..] {
                let line = String::from_utf8_lossy(line.strip_suffix(b"\r").unwrap_or(line));
                let line = line.into_owned();
                self.line.clear();
                whole.extend(self.take(&line)?);
            }
        }
        Ok(whole)
    }

    fn take(&mut self, line: &str) -> Result<Option<Message>, Failure> {
        if line.is_empty() {
            return self.dispatch();
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "id" => self.place = Some(value.to_owned()),
            "event" => value.clone_into(&mut self.name),
            "data" => {
                self.data.push_str(value);
                self.data.push('\n');
            }
            // Comments, and fields that may come.
            _ => {}
        }
        Ok(None)
    }

    fn dispatch(&mut self) -> Result<Option<Message>, Failure> {
        let (name, data) = (
            std::mem::take(&mut self.name),
            std::mem::take(&mut self.data),
        );
        let place = self.place.take();
        Ok(match (&name[..], place) {
            ("cursor-expired", _) => Some(Message::Expired),
            ("", Some(place)) if data.is_empty() => Some(Message::Place(place)),
            ("" | "message", Some(place)) => {
                let event = serde_json::from_str(&data).map_err(not_understood)?;
                Some(Message::Event(Box::new(event), place))
            }
            // Words that may come.
            _ => None,
        })
    }
}

fn not_understood(cause: impl Into<Box<dyn std::error::Error>>) -> Failure {
    Failure::cannot_run("the server's answer is not understood", cause)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{LINE_MAX, Message, Messages};

    fn stream() -> String {
        let event = json!({
            "id": "evt_1", "seq": 1, "at": "2026-01-02T03:04:05.678Z", "type": "session.opened",
            "tenant": "default", "subject": "zoë", "session": "ses_1", "reason": null,
            "ended_by": null,
        });
        format!(
            "retry: 1000\nid: a\n:\n\nid: b\r\ndata: {event}\r\n\r\n:\n\nevent: cursor-expired\ndata: {{}}\n\n"
        )
    }

    #[test]
    fn given_a_stream_when_cut_anywhere_then_the_same_messages_are_read() {
        let stream = stream();
        for cut in 0..stream.len() {
            let (first, second) = stream.as_bytes().split_at(cut);
            let mut messages = Messages::default();

            let mut read = messages.read(first).unwrap();
            read.extend(messages.read(second).unwrap());

            let [
                Message::Place(a),
                Message::Event(event, b),
                Message::Expired,
            ] = &read[..]
            else {
                panic!("cut at {cut}: {read:?}");
            };
            assert_eq!((&a[..], &b[..]), ("a", "b"));
            assert_eq!(event.subject.as_deref(), Some("zoë"));
        }
    }

    #[test]
    fn given_a_message_without_end_when_it_is_too_long_then_it_is_refused() {
        let mut messages = Messages::default();

        assert!(messages.read(&vec![b'x'; LINE_MAX]).is_ok());
        assert!(messages.read(b"x").is_err());
    }

    #[test]
    fn given_what_is_no_event_when_read_then_it_is_refused_and_unknown_words_are_passed_over() {
        let mut messages = Messages::default();

        assert!(messages.read(b"id: a\ndata: nonsense\n\n").is_err());
        assert_eq!(messages.read(b"event: new\ndata: x\n\n").unwrap(), []);
    }
}
