//! What every parser of outside input must keep, whatever comes in: it does not panic, and what
//! it accepts it writes down so that it reads as the same again.

mod copies;
mod requests;
mod scanner;
mod settings;

use std::fmt::Debug;

use innkeeper_domain::device::{DeviceId, DeviceToken};
use innkeeper_domain::name::{ClientId, GroupName, SubjectId, TenantId};
use innkeeper_domain::session::SessionId;
use innkeeper_domain::token::{ApiKey, SessionToken};
use innkeeper_store::record;

/// The part of the binary that reads its configuration: it is no library, so its sources are
/// read from where they lie.
#[allow(
    dead_code,
    unused_imports,
    reason = "the binary uses what is not used here"
)]
#[path = "../../cli/src"]
mod cli {
    pub(crate) mod config;
    pub(crate) mod escape;
    pub(crate) mod outgoing;

    pub(crate) mod args {
        pub(crate) const URL_VARIABLE: &str = "INNKEEPER_URL";
    }
}

pub(crate) use cli::{args, config, escape, outgoing};

pub use copies::copy;
pub use innkeeper_scan::Language;
pub use requests::headers;
pub use scanner::{FILES, LANGUAGES, accepted, config, language, reader, source};
pub use settings::settings;

/// Tokens, keys, ids and names.
pub fn token(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if let Ok(token) = SessionToken::parse(text) {
        assert_eq!(token.reveal(), text);
    }
    if let Ok(id) = SessionId::parse(text) {
        assert_eq!(id.to_string(), text);
    }
    if let Ok(id) = DeviceId::parse(text) {
        assert_eq!(id.to_string(), text);
    }
    let _ = DeviceToken::parse(text);
    let _ = ApiKey::parse(text);
    // A canonical form is its own (S15), and bounded.
    if let Ok(name) = SubjectId::parse(text) {
        assert!(name.as_str().len() <= 256);
        assert_eq!(SubjectId::parse(name.as_str()).as_ref(), Ok(&name));
    }
    if let Ok(name) = TenantId::parse(text) {
        assert_eq!(TenantId::parse(name.as_str()).as_ref(), Ok(&name));
    }
    let _ = ClientId::parse(text);
    let _ = GroupName::parse(text);
}

/// Bodies of requests.
pub fn body(data: &[u8]) {
    again::<innkeeper_api::SignInRequest>(data);
    again::<innkeeper_api::CheckRequest>(data);
    again::<innkeeper_api::RotateRequest>(data);
    again::<innkeeper_api::SubjectPatch>(data);
}

/// Reads, writes and reads again.
fn again<T: serde::de::DeserializeOwned + serde::Serialize + Debug>(data: &[u8]) {
    let Ok(read) = serde_json::from_slice::<T>(data) else {
        return;
    };
    let written = serde_json::to_vec(&read).expect("what was read can be written");
    let reread: T = serde_json::from_slice(&written).expect("what we wrote can be read");
    let rewritten = serde_json::to_vec(&reread).expect("what was read can be written");
    assert_eq!(written, rewritten);
}

/// Stored records.
pub fn stored(data: &[u8]) {
    if let Ok(roster) = record::decode_roster(data) {
        let written = record::encode_roster(&roster);
        let reread = record::decode_roster(&written).expect("what we wrote can be read");
        assert_eq!(record::encode_roster(&reread), written);
    }
    if let Ok(entry) = record::decode_entry(data) {
        let written = record::encode_entry(&entry);
        let reread = record::decode_entry(&written).expect("what we wrote can be read");
        assert_eq!(reread.hash(), entry.hash());
    }
    if let Ok(personal) = record::decode_personal(data) {
        let written = record::encode_personal(&personal);
        assert!(record::decode_personal(&written).is_ok());
    }
    if let Ok(remembered) = record::decode_remembered(data) {
        let written = record::encode_remembered(&remembered);
        let reread = record::decode_remembered(&written).expect("what we wrote can be read");
        assert_eq!(reread, remembered);
    }
}
