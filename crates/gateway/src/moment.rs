//! A moment as people read it.

use std::time::Duration;

use innkeeper_domain::session::Timestamp;
use innkeeper_http::wire;

/// A moment, for a page without scripts: the browser's time zone is not known, so it is said in
/// UTC, and beside that how far away it is.
#[derive(Debug)]
pub(crate) struct Moment {
    /// For programs, in RFC 3339.
    pub(crate) machine: String,
    /// The date and the time, in UTC.
    pub(crate) date: String,
    /// How far away it is.
    pub(crate) distance: String,
}

impl Moment {
    pub(crate) fn of(at: Timestamp, now: Timestamp) -> Self {
        let machine = wire::timestamp(at);
        let date = jiff::Timestamp::from_millisecond(machine.as_millis())
            .expect("both have the same bounds")
            .strftime("%-d %b %Y, %H:%M UTC")
            .to_string();
        let distance = if at <= now {
            let words = span(now.since(at));
            words.map_or_else(|| "just now".to_owned(), |words| format!("{words} ago"))
        } else {
            let words = span(at.since(now));
            words.map_or_else(
                || "in less than a minute".to_owned(),
                |words| format!("in {words}"),
            )
        };
        Self {
            machine: machine.to_string(),
            date,
            distance,
        }
    }
}

/// How long to wait, rounded up: who comes back then is not too early.
pub(crate) fn waiting(span: Duration) -> String {
    const UNITS: [(u64, &str); 3] = [(60 * 60, "hour"), (60, "minute"), (1, "second")];
    let seconds = span.as_secs() + u64::from(span.subsec_nanos() > 0);
    // Up to two of a unit are said in the smaller one, which is nearer to the truth.
    let (length, unit) = UNITS
        .into_iter()
        .find(|(length, _)| seconds > 2 * length)
        .unwrap_or((1, "second"));
    let count = seconds.div_ceil(length).max(1);
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {unit}{plural}")
}

/// A span in its largest unit, rounded down; nothing for less than a minute.
fn span(span: Duration) -> Option<String> {
    const UNITS: [(u64, &str); 3] = [(24 * 60 * 60, "day"), (60 * 60, "hour"), (60, "minute")];
    let seconds = span.as_secs();
    let (length, unit) = UNITS.into_iter().find(|(length, _)| seconds >= *length)?;
    let count = seconds / length;
    let plural = if count == 1 { "" } else { "s" };
    Some(format!("{count} {unit}{plural}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    #[test]
    fn given_a_moment_when_shown_then_it_has_a_date_and_a_distance() {
        let now = 1_795_331_400;
        for (seconds, distance) in [
            (now, "just now"),
            (now - 59, "just now"),
            (now - 60, "1 minute ago"),
            (now - 3599, "59 minutes ago"),
            (now - 7200, "2 hours ago"),
            (now - 86_400, "1 day ago"),
            (now + 30, "in less than a minute"),
            (now + 1800, "in 30 minutes"),
        ] {
            assert_eq!(Moment::of(at(seconds), at(now)).distance, distance);
        }
        let moment = Moment::of(at(now), at(now));
        assert_eq!(moment.date, "22 Nov 2026, 07:10 UTC");
        assert_eq!(moment.machine, "2026-11-22T07:10:00.000Z");
    }

    #[test]
    fn given_a_wait_when_told_then_it_is_never_too_short() {
        for (millis, words) in [
            (0, "1 second"),
            (1, "1 second"),
            (5001, "6 seconds"),
            (60_000, "60 seconds"),
            (120_000, "120 seconds"),
            (120_001, "3 minutes"),
            (7_200_000, "120 minutes"),
            (7_200_001, "3 hours"),
        ] {
            assert_eq!(waiting(Duration::from_millis(millis)), words);
        }
    }

    #[test]
    fn given_the_end_of_time_when_shown_then_it_is_the_last_moment_there_is() {
        let moment = Moment::of(Timestamp::MAX, Timestamp::ZERO);

        assert!(moment.date.ends_with("Dec 9999, 21:59 UTC"), "{moment:?}");
    }
}
