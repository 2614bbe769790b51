//! Queries of addresses, and forms, which have the same syntax.

use innkeeper_api as api;
use innkeeper_api::ProblemCode;
use innkeeper_http::query::{self, pairs};
use serde::de::DeserializeOwned;

use crate::Tally;

/// The query of each call that has one.
pub fn query(data: &[u8], tally: &mut Tally) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let read = pairs(text);
    tally.add("pairs", read.as_ref().map_or(0, Vec::len));
    if let Some(read) = &read {
        let written: Vec<String> = read
            .iter()
            .map(|(name, value)| format!("{}={}", escaped(name), escaped(value)))
            .collect();
        assert_eq!(pairs(&written.join("&")).as_ref(), Some(read));
    }
    let mut of = Of { text, tally };
    of.call::<api::SessionsQuery>("sessions");
    of.call::<api::EndSessionQuery>("the end of one");
    of.call::<api::EndSessionsQuery>("the end of all");
    of.call::<api::SearchQuery>("searches");
    of.call::<api::TenantQuery>("tenants");
    of.call::<api::UsersQuery>("users");
    of.call::<api::KeysQuery>("keys");
    of.call::<api::EventsQuery>("events");
    of.call::<api::MeQuery>("one's own");
    of.call::<api::PolicyTrialQuery>("trials");
    of.call::<api::IntrospectionQuery>("introspections");
    of.call::<api::RevocationQuery>("revocations");
}

struct Of<'a> {
    text: &'a str,
    tally: &'a mut Tally,
}

impl Of<'_> {
    /// No parameter is taken twice, and what is refused is refused as what the caller can mend.
    fn call<T: DeserializeOwned>(&mut self, kind: &'static str) {
        let read = query::parse::<T>(self.text);
        if let Err(refusal) = &read {
            assert_eq!(refusal.problem().code(), ProblemCode::InvalidRequest);
        }
        // An empty query is taken by nearly all, and says nothing.
        let pairs = pairs(self.text).unwrap_or_default();
        self.tally
            .add(kind, usize::from(read.is_ok() && !pairs.is_empty()));
        if read.is_ok() {
            let mut names: Vec<&String> = pairs.iter().map(|(name, _)| name).collect();
            names.sort();
            assert!(
                names.windows(2).all(|two| two[0] != two[1]),
                "{}",
                self.text
            );
        }
    }
}

/// Every byte in percent-encoding.
fn escaped(text: &str) -> String {
    let bytes: Vec<String> = text.bytes().map(|byte| format!("%{byte:02x}")).collect();
    bytes.concat()
}
