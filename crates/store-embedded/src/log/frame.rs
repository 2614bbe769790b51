//! Frames: what one batch wrote, with its number and a checksum, one after the other in a file.
//!
//! ```text
//! length    4 bytes   of the rows
//! checksum  4 bytes   CRC-32 of number and rows
//! number    8 bytes   of the batch, one more than that of the frame before
//! rows
//! ```
//!
//! Numbers are little-endian.

use std::io::{self, BufReader, Read};
use std::path::Path;

use crate::files::{Files, FromHere};

/// Bytes in front of the rows.
pub(crate) const HEAD: usize = 16;

/// Makes room in an empty buffer for the head of a frame.
pub(crate) fn begin(buffer: &mut Vec<u8>) {
    buffer.clear();
    buffer.resize(HEAD, 0);
}

/// Writes the head in front of the rows that follow it in `buffer`.
///
/// Fails if there are more rows than a frame can hold.
pub(crate) fn seal(buffer: &mut [u8], number: u64) -> io::Result<()> {
    let length = u32::try_from(buffer.len() - HEAD)
        .map_err(|_| io::Error::other("a batch is larger than a frame can be"))?;
    buffer[8..HEAD].copy_from_slice(&number.to_le_bytes());
    let sum = crc32fast::hash(&buffer[8..]);
    buffer[..4].copy_from_slice(&length.to_le_bytes());
    buffer[4..8].copy_from_slice(&sum.to_le_bytes());
    Ok(())
}

/// The frame that begins at the first of `bytes`, if it is whole: its number and its rows.
fn open(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let (head, rest) = bytes.split_first_chunk::<HEAD>()?;
    let (length, sum, number) = parts(head);
    let rows = rest.get(..length)?;
    (sum_of(number, rows) == sum).then_some((number, rows))
}

fn parts(head: &[u8; HEAD]) -> (usize, u32, u64) {
    let word = |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
    let number = u64::from(word(8)) | u64::from(word(12)) << 32;
    (word(0) as usize, word(4), number)
}

fn sum_of(number: u64, rows: &[u8]) -> u32 {
    let mut sum = crc32fast::Hasher::new();
    sum.update(&number.to_le_bytes());
    sum.update(rows);
    sum.finalize()
}

/// Reads the frames of a file, in order.
#[derive(Debug)]
pub(crate) struct Frames {
    file: BufReader<FromHere>,
    length: u64,
    offset: u64,
}

/// What comes next in a file.
#[derive(Debug)]
pub(crate) enum Next {
    /// A whole frame, which begins at `offset`.
    Frame {
        offset: u64,
        number: u64,
        rows: Vec<u8>,
    },
    /// The file ends here, with nothing left over.
    End,
    /// What begins at `offset` is no whole frame.
    Torn { offset: u64 },
}

impl Frames {
    /// Begins at `offset` of a file.
    pub(crate) fn open(files: &dyn Files, path: &Path, offset: u64) -> io::Result<Self> {
        let file = files.open(path)?;
        let length = file.length()?;
        let from_here = FromHere { file, offset };
        Ok(Self {
            file: BufReader::with_capacity(1 << 18, from_here),
            length,
            offset,
        })
    }

    /// The next frame. After a torn one there is none that could be trusted.
    pub(crate) fn next(&mut self) -> io::Result<Next> {
        let offset = self.offset;
        let left = self.length.saturating_sub(offset);
        if left == 0 {
            return Ok(Next::End);
        }
        if left < HEAD as u64 {
            return Ok(Next::Torn { offset });
        }
        let mut head = [0; HEAD];
        self.file.read_exact(&mut head)?;
        let (length, sum, number) = parts(&head);
        // Compared with what is there before room is made for it.
        if left - (HEAD as u64) < length as u64 {
            return Ok(Next::Torn { offset });
        }
        let mut rows = vec![0; length];
        self.file.read_exact(&mut rows)?;
        if sum_of(number, &rows) != sum {
            return Ok(Next::Torn { offset });
        }
        self.offset += (HEAD + length) as u64;
        Ok(Next::Frame {
            offset,
            number,
            rows,
        })
    }
}

/// Whether any whole frame of a batch after `number` lies in `bytes`, wherever it begins.
///
/// Behind a torn frame there is none after a crash, since a batch is begun when the one before
/// is durable. If there is one, the torn frame was not the last, and cutting it off would take
/// away what was acknowledged.
pub(crate) fn is_followed(bytes: &[u8], number: u64) -> bool {
    /// How many batches later one could be in the same file.
    const LATER: u64 = 1 << 32;
    (1..bytes.len().saturating_sub(HEAD)).any(|at| {
        let found = u64::from_le_bytes(bytes[at + 8..at + HEAD].try_into().expect("eight of them"));
        found >= number
            && found - number < LATER
            && open(&bytes[at..]).is_some_and(|(_, rows)| !rows.is_empty())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(number: u64, rows: &[u8]) -> Vec<u8> {
        let mut buffer = Vec::new();
        begin(&mut buffer);
        buffer.extend_from_slice(rows);
        seal(&mut buffer, number).unwrap();
        buffer
    }

    #[test]
    fn given_a_frame_when_any_bit_of_it_is_another_then_it_is_not_opened() {
        let whole = frame(7, b"rows of a batch");
        assert_eq!(open(&whole), Some((7, &b"rows of a batch"[..])));

        for bit in 0..whole.len() * 8 {
            let mut bytes = whole.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(open(&bytes), None, "bit {bit}");
        }
        for end in 0..whole.len() {
            assert_eq!(open(&whole[..end]), None, "cut at {end}");
        }
    }

    #[test]
    fn given_a_torn_frame_when_a_later_one_follows_it_then_that_is_found() {
        let mut bytes = frame(7, b"torn");
        bytes[3] = 0xff;
        assert!(!is_followed(&bytes, 7), "alone it is the last");

        bytes.extend(frame(8, b"whole"));

        assert!(is_followed(&bytes, 7));
        assert!(!is_followed(&bytes, 9), "older bytes prove nothing");
    }
}
