//! The ticket with which a subject answers for the seats of a full roster.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::session::Sealed;
use crate::token::{MalformedToken, checksum};

/// What a sign-in without a seat is handed, written `ikc_…`: it comes back with the sessions that
/// the subject chose to end, in place of signing in again.
///
/// It holds the whole sign-in, sealed by the engine, and so is as good as the proof of identity
/// that was given for it: it has no `Display` and no `Clone`, and its `Debug` hides it.
#[derive(Eq, PartialEq)]
pub struct ChoiceTicket {
    id: [u8; Self::ID_LEN],
    sealed: Sealed,
}

impl ChoiceTicket {
    /// 128 random bits: no two tickets are sealed under the same key.
    pub const ID_LEN: usize = 16;
    /// The longest that is written or read, in bytes. A sign-in with more evidence than fits gets
    /// no ticket.
    pub const LEN_MAX: usize = 24_576;
    const PREFIX: &str = "ikc_";

    /// Puts a ticket together; `None` if it would be too long.
    #[must_use]
    pub fn new(id: [u8; Self::ID_LEN], sealed: Sealed) -> Option<Self> {
        let bytes = Self::ID_LEN + sealed.0.len() + 4;
        let fits = Self::PREFIX.len() + (bytes * 8).div_ceil(6) <= Self::LEN_MAX;
        fits.then_some(Self { id, sealed })
    }

    /// Reads a ticket from outside. A wrong checksum is found without opening anything.
    pub fn parse(text: &str) -> Result<Self, MalformedToken> {
        let body = text.strip_prefix(Self::PREFIX).ok_or(MalformedToken)?;
        if text.len() > Self::LEN_MAX {
            return Err(MalformedToken);
        }
        let bytes = URL_SAFE_NO_PAD.decode(body).map_err(|_| MalformedToken)?;
        let (body, sum) = bytes.split_last_chunk::<4>().ok_or(MalformedToken)?;
        let (id, sealed) = body.split_first_chunk().ok_or(MalformedToken)?;
        if checksum(Self::PREFIX, body) == *sum {
            Ok(Self {
                id: *id,
                sealed: Sealed(sealed.into()),
            })
        } else {
            Err(MalformedToken)
        }
    }

    /// What tells it from every other ticket.
    #[must_use]
    pub const fn id(&self) -> &[u8; Self::ID_LEN] {
        &self.id
    }

    /// What is in it, sealed.
    #[must_use]
    pub const fn sealed(&self) -> &Sealed {
        &self.sealed
    }

    /// The text to hand to who asked for the session.
    #[must_use]
    pub fn reveal(&self) -> String {
        let mut bytes = self.id.to_vec();
        bytes.extend_from_slice(&self.sealed.0);
        bytes.extend(checksum(Self::PREFIX, &bytes));
        format!("{}{}", Self::PREFIX, URL_SAFE_NO_PAD.encode(bytes))
    }
}

impl fmt::Debug for ChoiceTicket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ChoiceTicket(hidden)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticket(sealed: usize) -> Option<ChoiceTicket> {
        ChoiceTicket::new([3; 16], Sealed(vec![9; sealed].into()))
    }

    #[test]
    fn given_a_ticket_when_written_and_read_then_it_is_the_same_and_damaged_it_is_refused() {
        let written = ticket(100).unwrap().reveal();

        assert_eq!(ChoiceTicket::parse(&written), Ok(ticket(100).unwrap()));
        for place in [0, 4, 40, written.len() - 1] {
            let mut damaged = written.clone().into_bytes();
            damaged[place] = if damaged[place] == b'x' { b'y' } else { b'x' };
            let damaged = String::from_utf8(damaged).unwrap();
            assert!(ChoiceTicket::parse(&damaged).is_err(), "{damaged}");
        }
        for short in ["", "ikc_", "ikc_AAAA", "ik_AAAA"] {
            assert!(ChoiceTicket::parse(short).is_err(), "{short}");
        }
    }

    #[test]
    fn given_a_ticket_when_debugged_then_nothing_of_it_shows() {
        let ticket = ticket(100).unwrap();

        assert_eq!(format!("{ticket:?}"), "ChoiceTicket(hidden)");
        assert_eq!(format!("{:?}", ticket.sealed()), "Sealed(100 bytes)");
    }

    #[test]
    fn given_more_than_fits_when_a_ticket_is_made_then_there_is_none_and_none_is_read() {
        let most = (16..ChoiceTicket::LEN_MAX)
            .find(|bytes| ticket(*bytes).is_none())
            .unwrap()
            - 1;
        let longest = ticket(most).unwrap().reveal();

        assert!(longest.len() <= ChoiceTicket::LEN_MAX);
        assert!(ChoiceTicket::parse(&longest).is_ok());
        let longer = format!("ikc_{}", "A".repeat(ChoiceTicket::LEN_MAX));
        assert!(ChoiceTicket::parse(&longer).is_err());
    }
}
