//! The word in which nodes that share a store tell each other of a commit: the roster's tag and
//! the version that was made.

use std::fmt::Write as _;

use innkeeper_domain::roster::RosterVersion;
use innkeeper_domain::token::RosterTag;

/// The tag as a notice writes it: 32 hexadecimal digits, in the order of the tags.
#[must_use]
pub fn hex(tag: RosterTag) -> String {
    bytes(tag.as_bytes())
}

/// Bytes as hexadecimal digits.
#[must_use]
pub fn bytes(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// The tag that is written so.
#[must_use]
pub fn tag(hex: &str) -> Option<RosterTag> {
    let mut bytes = [0; 16];
    if hex.len() != 32 {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(hex.as_bytes().chunks_exact(2)) {
        let pair = std::str::from_utf8(pair).ok()?;
        *byte = u8::from_str_radix(pair, 16).ok()?;
    }
    Some(RosterTag::from_bytes(bytes))
}

/// The roster that a notice names, and its version; other words name none.
#[must_use]
pub fn read(notice: &str) -> Option<(RosterTag, RosterVersion)> {
    let (hex, version) = notice.split_once(' ')?;
    Some((tag(hex)?, RosterVersion(version.parse().ok()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_a_notice_when_read_then_it_names_a_commit_or_nothing() {
        let named = read("000102030405060708090a0b0c0d0eff 12");

        let tag = RosterTag::from_bytes([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 255]);
        assert_eq!(named, Some((tag, RosterVersion(12))));
        assert_eq!(hex(tag), "000102030405060708090a0b0c0d0eff");
        for other in [
            "echo 12",
            "",
            "000102030405060708090a0b0c0d0eff",
            "000102030405060708090a0b0c0d0exx 1",
            "000102030405060708090a0b0c0d0eff -1",
            "ä 1",
        ] {
            assert_eq!(read(other), None, "{other}");
        }
    }
}
