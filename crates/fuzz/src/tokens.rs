//! Tokens, keys, ids and names.

use base64::Engine;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use innkeeper_domain::device::{DeviceId, DeviceToken};
use innkeeper_domain::name::{ClientId, GroupName, SubjectId, TenantId};
use innkeeper_domain::session::SessionId;
use innkeeper_domain::token::{ApiKey, RosterTag, SessionToken, TokenSecret};

use crate::Tally;

/// Takes whatever bits follow the last byte: ours must not.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone),
);

/// A token, a key, an id or a name. What has the length of a secret is read as it is, and once
/// more with the checksum that fits, since nobody finds one by trying.
pub fn token(data: &[u8], tally: &mut Tally) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    secrets(text, tally);
    let repaired = repaired(text);
    tally.add("checksums repaired", usize::from(repaired.is_some()));
    if let Some(sound) = repaired {
        assert_eq!(secrets(&sound, &mut Tally::default()), 1, "{sound}");
        // The bits that are left over in the last character spell it in no other way.
        let (front, last) = sound.split_at(sound.len() - 1);
        for other in URL_SAFE.as_str().chars().filter(|c| last != c.to_string()) {
            let text = format!("{front}{other}");
            assert_eq!(secrets(&text, &mut Tally::default()), 0, "{text}");
        }
    }
    if let Some(id) = tally.read("session ids", SessionId::parse(text)) {
        assert_eq!(id.to_string(), text);
    }
    if let Some(id) = tally.read("device ids", DeviceId::parse(text)) {
        assert_eq!(id.to_string(), text);
    }
    // A canonical form is its own (S15), and bounded.
    if let Some(name) = tally.read("subjects", SubjectId::parse(text)) {
        assert!(name.as_str().len() <= 256);
        assert_eq!(SubjectId::parse(name.as_str()).as_ref(), Ok(&name));
    }
    if let Some(name) = tally.read("tenants", TenantId::parse(text)) {
        assert_eq!(TenantId::parse(name.as_str()).as_ref(), Ok(&name));
    }
    tally.read("clients", ClientId::parse(text));
    tally.read("groups", GroupName::parse(text));
}

/// Reads a text as each kind of secret, and says how many took it. Each is written in one way.
fn secrets(text: &str, tally: &mut Tally) -> usize {
    let session = tally.read("session tokens", SessionToken::parse(text));
    let device = tally.read("device tokens", DeviceToken::parse(text));
    let key = tally.read("keys", ApiKey::parse(text));
    let revealed = [
        session.map(|token| token.reveal()),
        device.map(|token| token.reveal()),
        key.map(|key| key.reveal()),
    ];
    let revealed: Vec<String> = revealed.into_iter().flatten().collect();
    assert!(revealed.iter().all(|one| one == text), "{text}");
    revealed.len()
}

/// The secret that a text would be, had it the checksum of what it says.
fn repaired(text: &str) -> Option<String> {
    let (prefix, body) = text.split_once('_')?;
    let bytes = LENIENT.decode(body).ok()?;
    let (said, _) = bytes.split_last_chunk::<4>()?;
    Some(match prefix {
        "ik" => {
            let (tag, secret) = said.split_first_chunk()?;
            let secret = TokenSecret::from_entropy(secret.try_into().ok()?);
            SessionToken::new(RosterTag::from_bytes(*tag), secret).reveal()
        }
        "ikd" => {
            let (tag, secret) = said.split_first_chunk()?;
            DeviceToken::from_entropy(RosterTag::from_bytes(*tag), secret.try_into().ok()?).reveal()
        }
        "ikk" => {
            let (id, secret) = said.split_first_chunk()?;
            ApiKey::from_entropy(*id, secret.try_into().ok()?).reveal()
        }
        _ => return None,
    })
}
