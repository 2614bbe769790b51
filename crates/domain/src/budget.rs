//! Budgets: how many sign-ins may be tried in a span of time, and how soon the next one.
//!
//! A password is guessed by trying many, so trying costs. What must not happen on the way is that
//! a flood uses up what its target needs: the owner gets in while somebody else tries (V4). So
//! nothing is counted by the subject alone that an owner on a known device would have to wait for,
//! and a stranger's tries are counted where the stranger is: see [`Attempt`].

mod attempt;
mod buckets;
#[cfg(test)]
mod tests;

use std::fmt;
use std::time::Duration;

use crate::span;

pub use attempt::{Against, Attempt, Budgets, Left, Network, Spent};

/// So many sign-ins in a span of time, written `10/1m`.
///
/// That many at once, and then one more each time their share of the span has passed: of `10/1m`
/// ten, and one more every six seconds. This is the generic cell rate algorithm (ITU-T I.371): a
/// bucket is one number, the moment at which it is whole again.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Budget {
    most: u32,
    span: Duration,
}

/// Why a text is not a budget.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum NotABudget {
    /// It is not a number, a slash and a span.
    #[error("expected {form}", form = Budget::FORM)]
    Form,
    /// It allows nothing.
    #[error("none at all would lock everybody out")]
    None,
    /// It allows more than is counted.
    #[error("there is no unlimited")]
    TooMany,
    /// Its span is shorter or longer than is counted, or no whole number of seconds.
    #[error("the span must be whole seconds, 1s to 1d")]
    Span,
}

impl Budget {
    /// What a text must be, for a message.
    pub const FORM: &str = "a number of sign-ins, a slash and a span of time, such as \"10/1m\", \
                            from \"1/1d\" to \"100000/1s\"";

    /// What holds unless something else is set.
    pub const TEN_A_MINUTE: Self = Self {
        most: 10,
        span: Duration::from_mins(1),
    };

    const MOST_MAX: u32 = 100_000;
    const SPAN_MAX: Duration = Duration::from_hours(24);

    /// Reads a budget as people write it.
    pub fn parse(text: &str) -> Result<Self, NotABudget> {
        let (most, span) = text.split_once('/').ok_or(NotABudget::Form)?;
        if most.is_empty() || !most.bytes().all(|b| b.is_ascii_digit()) {
            return Err(NotABudget::Form);
        }
        let span = span::parse(span).map_err(|error| match error {
            span::NotASpan::TooLong => NotABudget::Span,
            span::NotASpan::Number | span::NotASpan::Unit => NotABudget::Form,
        })?;
        let most = most.parse().map_err(|_| NotABudget::TooMany)?;
        match most {
            0 => Err(NotABudget::None),
            1..=Self::MOST_MAX if span.is_zero() || span > Self::SPAN_MAX => Err(NotABudget::Span),
            1..=Self::MOST_MAX if span.subsec_nanos() != 0 => Err(NotABudget::Span),
            1..=Self::MOST_MAX => Ok(Self { most, span }),
            _ => Err(NotABudget::TooMany),
        }
    }

    /// How many at once.
    #[must_use]
    pub const fn most(self) -> u32 {
        self.most
    }

    /// The time after which all of them are there again.
    #[must_use]
    pub const fn span(self) -> Duration {
        self.span
    }

    /// Whether it lets through more at once, or more in the long run.
    #[must_use]
    pub fn is_faster_than(self, other: Self) -> bool {
        let rate = |one: Self, by: Self| u128::from(one.most) * by.span.as_millis();
        self.most > other.most || rate(self, other) > rate(other, self)
    }

    /// So many times as much in the same span.
    const fn times(self, many: u32) -> Self {
        Self {
            most: self.most.saturating_mul(many),
            span: self.span,
        }
    }

    /// The share of one sign-in. Rounded down, and [`room`](Self::room) is made of it: so there
    /// are exactly as many at once as the budget says.
    fn share(self) -> Micros {
        (micros(self.span) / u64::from(self.most)).max(1)
    }

    fn room(self) -> Micros {
        self.share().saturating_mul(u64::from(self.most))
    }

    /// When a bucket is whole again after one more, or how long to wait for one more.
    fn take(self, whole_at: Micros, now: Micros) -> Result<Micros, Duration> {
        let next = self.charge(whole_at, now);
        let line = now.saturating_add(self.room());
        if next <= line {
            Ok(next)
        } else {
            Err(Duration::from_micros(next - line))
        }
    }

    /// When a bucket is whole again after one more, whether or not there is room for it.
    fn charge(self, whole_at: Micros, now: Micros) -> Micros {
        whole_at.max(now).saturating_add(self.share())
    }

    /// How many are left in a bucket.
    fn left(self, whole_at: Micros, now: Micros) -> u32 {
        let line = now.saturating_add(self.room());
        let left = line.saturating_sub(whole_at.max(now)) / self.share();
        u32::try_from(left).unwrap_or(u32::MAX)
    }
}

impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.most, span::written(self.span))
    }
}

/// A moment or a span in microseconds: finer than a [`Timestamp`](crate::time::Timestamp), since a
/// share of a span can be short.
type Micros = u64;

fn micros(span: Duration) -> Micros {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}
