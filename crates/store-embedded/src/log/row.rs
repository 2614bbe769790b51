//! Rows: single records in a frame, each with its kind and what it lies under.

use crate::error::Damage;

/// What a row holds. The numbers are what lies on disk, and never change.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u8)]
pub(crate) enum Kind {
    /// The numbers of the store as a whole; in every frame of a batch.
    Head = 1,
    /// A roster as a whole, under its tag.
    Roster = 2,
    /// A roster by what changed in it, under its tag.
    RosterAfter = 3,
    /// A roster that is gone, under its tag.
    RosterGone = 4,
    /// When the sessions of a roster were last heard from, under its tag.
    Heard = 5,
    /// A remembered answer, under its key.
    Key = 6,
    /// One that is gone.
    KeyGone = 7,
    /// The public part of a journal entry, under its place.
    Entry = 8,
    /// Its personal part, under its place.
    Personal = 9,
    /// A register value, under its name.
    Register = 10,
    /// The last row of a checkpoint: how many frames there were before.
    End = 11,
    /// What a checkpoint holds of this frame was taken away, and perhaps something of a person.
    Erased = 12,
}

impl Kind {
    const ALL: [Self; 12] = [
        Self::Head,
        Self::Roster,
        Self::RosterAfter,
        Self::RosterGone,
        Self::Heard,
        Self::Key,
        Self::KeyGone,
        Self::Entry,
        Self::Personal,
        Self::Register,
        Self::End,
        Self::Erased,
    ];

    fn of(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| *kind as u8 == number)
    }
}

/// One record.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row<'a> {
    pub(crate) kind: Kind,
    pub(crate) key: &'a [u8],
    pub(crate) value: &'a [u8],
}

/// Adds a row to a frame.
pub(crate) fn write(buffer: &mut Vec<u8>, kind: Kind, key: &[u8], value: &[u8]) {
    let key_len = u16::try_from(key.len()).expect("tags, digests, places and names are short");
    let value_len = u32::try_from(value.len()).expect("records are bounded");
    buffer.push(kind as u8);
    buffer.extend_from_slice(&key_len.to_le_bytes());
    buffer.extend_from_slice(&value_len.to_le_bytes());
    buffer.extend_from_slice(key);
    buffer.extend_from_slice(value);
}

/// The rows of a frame, in the order in which they were written.
#[derive(Clone, Debug)]
pub(crate) struct Rows<'a>(pub(crate) &'a [u8]);

impl<'a> Iterator for Rows<'a> {
    type Item = Result<Row<'a>, Damage>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let row = split(self.0);
        self.0 = row.map_or(&[], |(_, rest)| rest);
        Some(
            row.map(|(row, _)| row)
                .ok_or(Damage::Contradiction("holds a row that is none")),
        )
    }
}

fn split(bytes: &[u8]) -> Option<(Row<'_>, &[u8])> {
    let (kind, bytes) = bytes.split_first()?;
    let (key_len, bytes) = bytes.split_first_chunk::<2>()?;
    let (value_len, bytes) = bytes.split_first_chunk::<4>()?;
    let (key, bytes) = bytes.split_at_checked(u16::from_le_bytes(*key_len).into())?;
    let (value, rest) = bytes.split_at_checked(u32::from_le_bytes(*value_len) as usize)?;
    let kind = Kind::of(*kind)?;
    Some((Row { kind, key, value }, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_rows_when_written_then_they_are_read_in_order() {
        let mut bytes = Vec::new();
        write(&mut bytes, Kind::Head, b"", b"numbers");
        write(&mut bytes, Kind::End, b"name", b"");

        let rows: Vec<_> = Rows(&bytes).map(Result::unwrap).collect();

        assert_eq!(rows.len(), 2);
        assert_eq!(
            (rows[0].kind, rows[0].key, rows[0].value),
            (Kind::Head, &b""[..], &b"numbers"[..])
        );
        assert_eq!(
            (rows[1].kind, rows[1].key, rows[1].value),
            (Kind::End, &b"name"[..], &b""[..])
        );
    }

    #[test]
    fn given_bytes_that_are_no_row_when_read_then_that_is_said_once() {
        for bytes in [
            &[99, 0, 0, 0, 0, 0, 0][..],
            &[1, 9, 0, 0, 0, 0, 0],
            &[1, 0, 0],
        ] {
            let rows: Vec<_> = Rows(bytes).collect();

            assert!(matches!(rows[..], [Err(_)]), "{bytes:?}");
        }
    }
}
