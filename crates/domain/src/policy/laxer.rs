//! When one value of a key is laxer than another: each is named in the table of the terms.

use super::{BindTo, Overflow, SameDevice, UnseenDevice};
use crate::budget::Budget;

/// More sessions, or a longer time.
pub(super) fn more<T: Copy + Ord>(set: T, asked: T) -> bool {
    set > asked
}

/// A shorter time: where time protects.
pub(super) fn less<T: Copy + Ord>(set: T, asked: T) -> bool {
    set < asked
}

/// More sign-ins at once, or more in the long run.
pub(super) fn faster(set: Budget, asked: Budget) -> bool {
    set.is_faster_than(asked)
}

/// Only watching. All else keeps the limit, each in its own way.
pub(super) fn observing(set: Overflow, asked: Overflow) -> bool {
    set == Overflow::Observe && asked != Overflow::Observe
}

/// Letting a new session stand beside the old one on a device.
pub(super) fn doubling(set: SameDevice, asked: SameDevice) -> bool {
    set == SameDevice::Count && asked == SameDevice::Replace
}

/// Letting new devices in with less ado.
pub(super) fn unwatched(set: UnseenDevice, asked: UnseenDevice) -> bool {
    let ado = |choice| match choice {
        UnseenDevice::Allow => 0,
        UnseenDevice::Notify => 1,
        UnseenDevice::Refuse => 2,
    };
    ado(set) < ado(asked)
}

/// Binding a session to nothing.
pub(super) fn unbound(set: BindTo, asked: BindTo) -> bool {
    set == BindTo::Nothing && asked == BindTo::Device
}
