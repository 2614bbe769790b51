//! Spans of time as people write them: a whole number and a unit, `30m`.

use std::time::Duration;

/// The units, longest first, with their milliseconds.
const UNITS: [(&str, u64); 5] = [
    ("d", 24 * 60 * 60 * 1000),
    ("h", 60 * 60 * 1000),
    ("m", 60 * 1000),
    ("s", 1000),
    ("ms", 1),
];

/// Why a text is not a span.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum NotASpan {
    /// There is no number at its beginning.
    Number,
    /// The unit is missing, or is none of ours.
    Unit,
    /// It is longer than can be counted.
    TooLong,
}

/// Reads a span. One number and one unit: `1h30m` is `90m`, so that every span has one form.
pub fn parse(text: &str) -> Result<Duration, NotASpan> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    if number.is_empty() {
        return Err(NotASpan::Number);
    }
    let Some((_, milliseconds)) = UNITS.iter().find(|(name, _)| *name == unit) else {
        return Err(NotASpan::Unit);
    };
    number
        .parse::<u64>()
        .ok()
        .and_then(|n| n.checked_mul(*milliseconds))
        .map(Duration::from_millis)
        .ok_or(NotASpan::TooLong)
}

/// The units in which a multiple of `step` can be written, the shortest first.
#[must_use]
pub fn units(step: Duration) -> String {
    let long_enough = |unit: &&(&str, u64)| u128::from(unit.1) >= step.as_millis();
    let units: Vec<_> = UNITS
        .iter()
        .rev()
        .filter(long_enough)
        .map(|u| u.0)
        .collect();
    units.join(", ")
}

/// Writes a span in the longest unit that holds it exactly.
#[must_use]
pub fn written(span: Duration) -> String {
    let total = span.as_millis();
    if total == 0 {
        return "0s".to_owned();
    }
    UNITS
        .iter()
        .find(|(_, milliseconds)| total.is_multiple_of(u128::from(*milliseconds)))
        .map(|(unit, milliseconds)| format!("{}{unit}", total / u128::from(*milliseconds)))
        .expect("every whole number of milliseconds is a multiple of one")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{NotASpan, parse, written};

    #[test]
    fn given_each_unit_when_a_span_is_read_then_it_has_that_length() {
        let spans = ["1500ms", "30s", "2m", "12h", "90d", "0s"].map(parse);

        let expected = [1_500, 30_000, 120_000, 43_200_000, 7_776_000_000, 0];
        assert_eq!(spans, expected.map(|ms| Ok(Duration::from_millis(ms))));
    }

    #[test]
    fn given_text_that_is_no_span_when_read_then_it_says_what_is_missing() {
        assert_eq!(parse(""), Err(NotASpan::Number));
        assert_eq!(parse("-5m"), Err(NotASpan::Number));
        assert_eq!(parse("m"), Err(NotASpan::Number));
        assert_eq!(parse("٣0m"), Err(NotASpan::Number));
        assert_eq!(parse("30"), Err(NotASpan::Unit));
        assert_eq!(parse("30 m"), Err(NotASpan::Unit));
        assert_eq!(parse("1h30m"), Err(NotASpan::Unit));
        assert_eq!(parse("1.5h"), Err(NotASpan::Unit));
        assert_eq!(parse("5min"), Err(NotASpan::Unit));
        assert_eq!(parse("99999999999999999999d"), Err(NotASpan::TooLong));
        assert_eq!(parse("18446744073709551615d"), Err(NotASpan::TooLong));
    }

    #[test]
    fn given_a_span_when_written_and_read_again_then_it_is_the_same() {
        for text in ["0s", "1ms", "1500ms", "90s", "30m", "36h", "400d"] {
            let span = parse(text).expect("it is one of ours");

            assert_eq!(parse(&written(span)), Ok(span));
            assert_eq!(written(span), text);
        }
    }
}
