//! Seeds that no file can hold for long: made by the code that writes such things.

use innkeeper_domain::device::{DeviceId, DeviceSerial, DeviceToken};
use innkeeper_domain::session::SessionId;
use innkeeper_domain::token::{ApiKey, RosterTag, SessionToken, TokenSecret};

use crate::copies::parts_of;
use crate::house::copied_out;
use crate::requests::OWNER;

/// The parts of the copy of a store with people in it.
pub(crate) fn copy() -> Vec<u8> {
    parts_of(&copied_out())
}

/// One of each kind of token and id, whole.
pub(crate) fn tokens() -> Vec<Vec<u8>> {
    let tag = RosterTag::from_bytes([7; 16]);
    let texts = [
        session().reveal(),
        DeviceToken::from_entropy(tag, [8; 32]).reveal(),
        ApiKey::from_entropy([9; ApiKey::ID_LEN], [10; 32]).reveal(),
        SessionId::from_entropy(tag, [11; SessionId::SERIAL_LEN]).to_string(),
        DeviceId::new(tag, DeviceSerial([12; DeviceSerial::LEN])).to_string(),
    ];
    texts.map(String::into_bytes).into()
}

/// What a browser sends that is signed in, a header in each line.
pub(crate) fn browser() -> Vec<u8> {
    let device = DeviceToken::from_entropy(OWNER, [8; 32]);
    // Under the owner's name lies what is another's.
    let other = DeviceToken::from_entropy(RosterTag::from_bytes([8; 16]), [8; 32]);
    let cookies = [
        format!("__Host-innkeeper={}", session().reveal()),
        format!("__Host-innkeeper-device-BwcHBwcH={}", device.reveal()),
        format!("innkeeper-demo={}", session().reveal()),
        format!("innkeeper-demo-device-BwcHBwcH={}", other.reveal()),
    ];
    format!("Z{}\n\\Bearer {}", cookies.join("; "), session().reveal()).into_bytes()
}

fn session() -> SessionToken {
    let secret = TokenSecret::from_entropy([6; TokenSecret::LEN]);
    SessionToken::new(OWNER, secret)
}
