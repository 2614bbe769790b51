//! What the answer to a sign-in says beyond the session itself, as it is sealed for a repeat.

use std::sync::Arc;

use innkeeper_domain::admission::Recognition;
use innkeeper_domain::change::Change;
use innkeeper_domain::device::{DeviceId, DeviceSerial, DeviceToken};
use innkeeper_domain::notice::Notice;
use innkeeper_domain::roster::Roster;
use innkeeper_domain::session::{EndReason, EndedSession, SessionId, Timestamp};
use innkeeper_domain::token::{RosterTag, SessionToken, TokenSecret};
use innkeeper_store::record;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{SignedIn, SignedInDevice};
use crate::EngineError;

/// What the answer says beyond the session itself.
pub(super) struct Born {
    pub(super) said: Said,
    /// The sessions that ended for it: the roster forgets.
    pub(super) ended: Vec<EndedSession>,
}

/// What it says that is in no roster.
#[derive(Deserialize, Serialize)]
pub(super) struct Said {
    #[serde(with = "secret_bytes")]
    pub(super) secret: [u8; TokenSecret::LEN],
    pub(super) serial: [u8; SessionId::SERIAL_LEN],
    pub(super) device: [u8; DeviceSerial::LEN],
    pub(super) device_secret: [u8; DeviceToken::SECRET_LEN],
    pub(super) is_known: bool,
    pub(super) told: Vec<Told>,
}

/// The notices of a sign-in, as they are sealed.
#[derive(Clone, Copy, Deserialize, Serialize)]
pub(super) enum Told {
    Concurrent,
    OverLimit,
    UnseenDevice,
}

impl From<Told> for Notice {
    fn from(told: Told) -> Self {
        match told {
            Told::Concurrent => Self::Concurrent,
            Told::OverLimit => Self::OverLimit,
            Told::UnseenDevice => Self::UnseenDevice,
        }
    }
}

pub(super) fn unreadable(source: Box<dyn std::error::Error + Send + Sync>) -> EngineError {
    EngineError::Register {
        name: "remembered answer".into(),
        source,
    }
}

/// The sessions that an admission displaces, as it leaves them. An expiry displaces nobody.
pub(super) fn displaced(roster: &Roster, changes: &[Change]) -> Vec<EndedSession> {
    changes
        .iter()
        .filter_map(|change| match change {
            Change::End { id, ending } => {
                let expired = matches!(ending.reason, EndReason::Idle | EndReason::Absolute);
                let session = roster.find(*id).filter(|_| !expired)?;
                Some(EndedSession {
                    session: Arc::clone(session),
                    ending: *ending,
                })
            }
            _ => None,
        })
        .collect()
}

impl Born {
    /// The form that is sealed for a repeat.
    pub(super) fn written(&self) -> Zeroizing<Vec<u8>> {
        let record = (&self.said, record::encode_ended(&self.ended));
        Zeroizing::new(postcard::to_stdvec(&record).expect("a vector takes any record"))
    }

    /// Reads back what was sealed of a sign-in to the roster `tag`.
    pub(super) fn read(tag: RosterTag, written: &[u8]) -> Result<Self, EngineError> {
        let (said, ended): (Said, Vec<u8>) =
            postcard::from_bytes(written).map_err(|e| unreadable(e.into()))?;
        let ended = record::decode_ended(tag, &ended).map_err(|e| unreadable(e.into()))?;
        Ok(Self { said, ended })
    }

    /// Puts the answer together; `None` if the session is not in the roster, which a store that
    /// keeps its contract never says of a commit that is done.
    pub(super) fn into_answer(self, roster: Arc<Roster>, now: Timestamp) -> Option<SignedIn> {
        let Self { said, ended } = self;
        let tag = roster.tag;
        let id = SessionId::from_entropy(tag, said.serial);
        let session = Arc::clone(roster.find(id)?);
        Some(SignedIn {
            token: SessionToken::new(tag, TokenSecret::from_entropy(said.secret)),
            device: SignedInDevice {
                id: DeviceId::new(tag, DeviceSerial(said.device)),
                token: DeviceToken::from_entropy(tag, said.device_secret),
                recognition: if said.is_known {
                    Recognition::Known
                } else {
                    Recognition::Unseen
                },
            },
            session,
            ended,
            notices: said.told.into_iter().map(Notice::from).collect(),
            roster,
            now,
            left: None,
        })
    }
}

mod secret_bytes {
    //! Arrays longer than serde knows, as bytes.

    use innkeeper_domain::token::TokenSecret;
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(
        bytes: &[u8; TokenSecret::LEN],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        bytes.as_slice().serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<[u8; TokenSecret::LEN], D::Error> {
        let bytes = Vec::<u8>::deserialize(deserializer)?;
        bytes
            .try_into()
            .map_err(|_| D::Error::custom("a secret has another length"))
    }
}
