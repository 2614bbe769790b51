//! How to reach a subject.

/// How to reach a subject.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Contact {
    /// An e-mail address.
    pub email: Option<Box<str>>,
    /// A BCP 47 language tag.
    pub locale: Option<Box<str>>,
    /// An IANA time zone.
    pub time_zone: Option<Box<str>>,
}
