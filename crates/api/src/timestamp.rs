//! Moments as the API writes them: RFC 3339 in UTC, with exactly milliseconds.

use std::fmt;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A moment, to the millisecond.
///
/// Any offset of RFC 3339 is read, and what is finer than a millisecond is cut off. Forms that
/// only ISO 8601 or a library knows (a blank for the `T`, no seconds, a zone in brackets) are
/// refused: a client that sends one has a defect, and guessing would hide it.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Timestamp(i64);

/// How long it is as text.
const LEN: usize = "2026-01-02T03:04:05.678Z".len();

impl Timestamp {
    /// The start of the year 0: RFC 3339 has four digits for the year and no sign.
    const FIRST: i64 = -62_167_219_200_000;

    /// The moment so many milliseconds after 1970 began, or before it if negative.
    ///
    /// `None` where a year of four digits cannot name it.
    #[must_use]
    pub fn from_millis(millis: i64) -> Option<Self> {
        let nameable = millis >= Self::FIRST && jiff::Timestamp::from_millisecond(millis).is_ok();
        nameable.then_some(Self(millis))
    }

    /// Milliseconds since 1970 began.
    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Reads a moment, or says nothing where the text is not one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if !is_rfc3339(text.as_bytes()) {
            return None;
        }
        let moment: jiff::Timestamp = text.parse().ok()?;
        // The remainder is taken towards the past on both sides of 1970.
        let millis = moment.as_nanosecond().div_euclid(1_000_000);
        Self::from_millis(i64::try_from(millis).ok()?)
    }
}

impl Timestamp {
    /// The moment as text, all of it ASCII.
    ///
    /// An answer says six moments, so this is worth doing without a library. Years are counted
    /// from March here, so that a leap day is the last of its year: then the months before it are
    /// as long in every year, and each one's first day follows from its number. Four hundred years
    /// have as many days wherever they begin.
    fn written(self) -> [u8; LEN] {
        const DAY: i64 = 24 * 60 * 60 * 1_000;
        /// From March 1 of the year 0 to the start of 1970.
        const TO_1970: i64 = 719_468;
        const DAYS_OF_400_YEARS: i64 = 146_097;

        let (day, millis) = (self.0.div_euclid(DAY), self.0.rem_euclid(DAY));
        let day = day + TO_1970;
        let (era, day) = (
            day.div_euclid(DAYS_OF_400_YEARS),
            day.rem_euclid(DAYS_OF_400_YEARS),
        );
        let leap_days = day / 1_460 - day / 36_524 + day / 146_096;
        let year = (day - leap_days) / 365;
        let day = day - (365 * year + year / 4 - year / 100);
        let month = (5 * day + 2) / 153;
        let day = day - (153 * month + 2) / 5 + 1;
        let (month, turn) = if month < 10 {
            (month + 3, 0)
        } else {
            (month - 9, 1)
        };
        let year = era * 400 + year + turn;

        let mut text = *b"0000-00-00T00:00:00.000Z";
        write_digits(year, &mut text[..4]);
        write_digits(month, &mut text[5..7]);
        write_digits(day, &mut text[8..10]);
        write_digits(millis / 3_600_000, &mut text[11..13]);
        write_digits(millis / 60_000 % 60, &mut text[14..16]);
        write_digits(millis / 1_000 % 60, &mut text[17..19]);
        write_digits(millis % 1_000, &mut text[20..23]);
        text
    }
}

/// Writes a number that is not negative in as many digits as there is room for.
fn write_digits(number: i64, digits: &mut [u8]) {
    let mut rest = number;
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + u8::try_from(rest % 10).expect("it is a digit");
        rest /= 10;
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(str::from_utf8(&self.written()).expect("it is ASCII"))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = self.written();
        serializer.serialize_str(str::from_utf8(&text).expect("it is ASCII"))
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TimestampVisitor)
    }
}

struct TimestampVisitor;

impl Visitor<'_> for TimestampVisitor {
    type Value = Timestamp;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a moment as in RFC 3339, like 2026-01-02T03:04:05.678Z")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Timestamp, E> {
        Timestamp::parse(text).ok_or_else(|| E::invalid_value(de::Unexpected::Other("text"), &self))
    }
}

/// Whether the text has the shape of RFC 3339's `date-time`; whether there is such a day, the
/// parser says.
fn is_rfc3339(text: &[u8]) -> bool {
    let Some((head, tail)) = text.split_at_checked("2026-01-02T03:04:05".len()) else {
        return false;
    };
    let head_fits = head.iter().enumerate().all(|(at, byte)| match at {
        4 | 7 => *byte == b'-',
        10 => matches!(byte, b'T' | b't'),
        13 | 16 => *byte == b':',
        _ => byte.is_ascii_digit(),
    });
    head_fits && is_offset(without_fraction(tail))
}

/// What follows a fraction of at most nine digits; everything where there is none.
fn without_fraction(tail: &[u8]) -> &[u8] {
    let Some(rest) = tail.strip_prefix(b".") else {
        return tail;
    };
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if (1..=9).contains(&digits) {
        &rest[digits..]
    } else {
        b""
    }
}

fn is_offset(tail: &[u8]) -> bool {
    match tail {
        [b'Z' | b'z'] => true,
        [b'+' | b'-', h1, h2, b':', m1, m2] => {
            let hours = [*h1, *h2];
            let minutes = [*m1, *m2];
            [h1, h2, m1, m2].iter().all(|byte| byte.is_ascii_digit())
                && hours <= *b"23"
                && minutes <= *b"59"
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(millis: i64) -> String {
        Timestamp::from_millis(millis)
            .expect("the moment has a name")
            .to_string()
    }

    fn read(text: &str) -> Option<i64> {
        Timestamp::parse(text).map(Timestamp::as_millis)
    }

    #[test]
    fn given_any_moment_when_written_then_it_has_exactly_three_digits_after_the_second() {
        assert_eq!(written(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(written(1_767_323_045_678), "2026-01-02T03:04:05.678Z");
        assert_eq!(written(-1), "1969-12-31T23:59:59.999Z");
        assert_eq!(written(Timestamp::FIRST), "0000-01-01T00:00:00.000Z");
    }

    /// Every day of a century that has no leap day at its end and of one that has, and now and then
    /// one of all the others.
    #[test]
    fn given_days_of_every_century_when_written_then_they_are_those_of_the_calendar() {
        const DAY: i64 = 86_400_000;
        let days = |from: i64, years: i64| (0..years * 366).map(move |day| from + day * DAY);
        let (of_1895, of_1995) = (-2_366_755_200_000, 788_918_400_000);
        let seldom = (Timestamp::FIRST..253_402_207_200_000).step_by(5_273_503_007);

        for millis in days(of_1895, 10).chain(days(of_1995, 10)).chain(seldom) {
            let moment = jiff::Timestamp::from_millisecond(millis).expect("jiff knows it");

            assert_eq!(written(millis), format!("{moment:.3}"));
        }
    }

    #[test]
    fn given_an_offset_when_read_then_the_moment_is_the_same() {
        let expected = Some(1_767_323_045_678);

        assert_eq!(read("2026-01-02T03:04:05.678Z"), expected);
        assert_eq!(read("2026-01-02t03:04:05.678z"), expected);
        assert_eq!(read("2026-01-02T04:34:05.678+01:30"), expected);
        assert_eq!(read("2026-01-01T22:04:05.678-05:00"), expected);
        assert_eq!(read("2026-01-02T03:04:05.678-00:00"), expected);
    }

    #[test]
    fn given_finer_parts_when_read_then_they_are_cut_off_towards_the_past() {
        assert_eq!(read("1970-01-01T00:00:00.0019999Z"), Some(1));
        assert_eq!(read("1969-12-31T23:59:59.9995Z"), Some(-1));
        assert_eq!(read("1970-01-01T00:00:01Z"), Some(1_000));
    }

    #[test]
    fn given_what_rfc_3339_does_not_know_when_read_then_it_is_refused() {
        for nonsense in [
            "",
            "now",
            "2026-01-02",
            "2026-01-02T03:04Z",
            "2026-01-02 03:04:05Z",
            "2026-01-02T03:04:05",
            "2026-01-02T03:04:05.Z",
            "2026-01-02T03:04:05.1234567890Z",
            "2026-01-02T03:04:05+0100",
            "2026-01-02T03:04:05+24:00",
            "2026-01-02T03:04:05+01:60",
            "2026-01-02T03:04:05Z[UTC]",
            "20260102T030405Z",
            "+002026-01-02T03:04:05Z",
            "2026-02-30T03:04:05Z",
            "2026-13-01T03:04:05Z",
            "2026-01-02T25:04:05Z",
            "2026-01-02T03:04:05,5Z",
            " 2026-01-02T03:04:05Z",
            "1767323045678",
        ] {
            assert_eq!(read(nonsense), None, "{nonsense:?} is not RFC 3339");
        }
    }

    #[test]
    fn given_a_moment_beyond_the_four_digit_years_when_made_then_there_is_none() {
        assert_eq!(Timestamp::from_millis(Timestamp::FIRST - 1), None);
        assert_eq!(Timestamp::from_millis(i64::MAX), None);
        assert_eq!(Timestamp::from_millis(i64::MIN), None);
    }

    #[test]
    fn given_a_moment_as_a_number_when_read_as_json_then_it_is_refused() {
        assert!(serde_json::from_str::<Timestamp>("1767323045678").is_err());
    }
}
