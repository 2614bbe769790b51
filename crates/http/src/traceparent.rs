//! `traceparent`: to which trace a request belongs (W3C Trace Context, level 1).

use std::fmt;

use http::header::{HeaderMap, HeaderName};

/// The header that carries it.
pub const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// The trace that a caller is in, and its own span there.
///
/// It is read only from peers that are trusted: anybody else could join a trace of their choice.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct TraceParent {
    /// The id of the trace; never zero.
    pub trace: u128,
    /// The id of the caller's span; never zero.
    pub span: u64,
    /// Whether the caller keeps the trace.
    pub is_sampled: bool,
}

impl TraceParent {
    /// Reads the header, if there is exactly one and it is well-formed.
    ///
    /// A version that is not known yet is read as this one, as the standard asks.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        let mut values = headers.get_all(TRACEPARENT).iter();
        let (Some(value), None) = (values.next(), values.next()) else {
            return None;
        };
        Self::parse(value.to_str().ok()?)
    }

    /// Reads the value of the header.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (known, more) = text.split_at_checked(55)?;
        let mut parts = known.split('-');
        let version = hex(parts.next()?, 2)?;
        let trace = hex(parts.next()?, 32)?;
        let span = u64::try_from(hex(parts.next()?, 16)?).ok()?;
        let flags = hex(parts.next()?, 2)?;
        let ends_well = match version {
            0 => more.is_empty(),
            0xff => false,
            _ => more.is_empty() || more.starts_with('-'),
        };
        let fits = ends_well && parts.next().is_none() && trace != 0 && span != 0;
        fits.then_some(Self {
            trace,
            span,
            is_sampled: flags & 1 == 1,
        })
    }
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let flags = u8::from(self.is_sampled);
        write!(f, "00-{:032x}-{:016x}-{flags:02x}", self.trace, self.span)
    }
}

/// A number in exactly so many lower-case hexadecimal digits.
fn hex(text: &str, digits: usize) -> Option<u128> {
    let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let fits = text.len() == digits && text.bytes().all(is_hex);
    fits.then(|| u128::from_str_radix(text, 16).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn given_the_example_of_the_standard_when_read_then_it_is_written_the_same() {
        let read = TraceParent::parse(GOOD).expect("it is well-formed");

        assert!(read.is_sampled);
        assert_eq!(read.to_string(), GOOD);
    }

    #[test]
    fn given_a_later_version_when_read_then_what_is_known_of_it_counts() {
        let later = format!("01{}-more", &GOOD[2..]);

        assert_eq!(TraceParent::parse(&later), TraceParent::parse(GOOD));
    }

    #[test]
    fn given_what_is_not_well_formed_when_read_then_there_is_none() {
        for text in [
            "",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736+00f067aa0ba902b7-01",
            "00-+bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "äääääääääääääääääääääääääääää",
        ] {
            assert_eq!(TraceParent::parse(text), None, "{text}");
        }
    }

    #[test]
    fn given_two_headers_when_read_then_neither_counts() {
        let one = HeaderMap::from_iter([(TRACEPARENT, GOOD.parse().expect("it is ASCII"))]);
        let mut two = one.clone();
        two.append(TRACEPARENT, GOOD.parse().expect("it is ASCII"));

        assert!(TraceParent::of(&one).is_some());
        assert!(TraceParent::of(&two).is_none());
    }
}
