//! As much of the encoding of certificates (X.690, DER) as is read here.

pub(super) const BOOLEAN: u8 = 0x01;
pub(super) const INTEGER: u8 = 0x02;
pub(super) const OCTETS: u8 = 0x04;
pub(super) const OID: u8 = 0x06;
pub(super) const SEQUENCE: u8 = 0x30;

/// What is left to read of an encoding.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Der<'a>(pub(super) &'a [u8]);

impl<'a> Der<'a> {
    /// The next value, if it has this tag.
    pub(super) fn of(&mut self, tag: u8) -> Option<Der<'a>> {
        let (found, value) = self.next()?;
        (found == tag).then_some(value)
    }

    /// The next value if it has this tag; one that has another stays where it is.
    pub(super) fn of_maybe(&mut self, tag: u8) -> Option<Der<'a>> {
        let mut ahead = *self;
        let value = ahead.of(tag)?;
        *self = ahead;
        Some(value)
    }

    /// The next value, with its tag.
    pub(super) fn next(&mut self) -> Option<(u8, Der<'a>)> {
        let (&[tag, first], rest) = self.0.split_first_chunk()?;
        let (len, rest) = match first {
            0..=0x7f => (usize::from(first), rest),
            // No certificate needs lengths of more than three bytes.
            0x81..=0x83 => {
                let (len, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
                let len = len
                    .iter()
                    .fold(0, |len, byte| len << 8 | usize::from(*byte));
                (len, rest)
            }
            _ => return None,
        };
        let (value, rest) = rest.split_at_checked(len)?;
        self.0 = rest;
        Some((tag, Der(value)))
    }
}
