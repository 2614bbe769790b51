//! Which files are worth parsing: those with a word of the field in them.

use aho_corasick::{AhoCorasick, MatchKind};

/// Every primitive needs one of these, in its own file: they are the nouns and the few method
/// names that stand without one. A folder of frameworks may not bring in a word that is not here.
const WORDS: [&str; 31] = [
    "devise",
    "session",
    "jwt",
    "cookie",
    "token",
    "login",
    "logon",
    "logins",
    "signin",
    "sign_in",
    "sign-in",
    "logout",
    "log_out",
    "signout",
    "sign_out",
    "signoff",
    "passw",
    "passport",
    "auth",
    "oauth",
    "currentuser",
    "current_user",
    "credential",
    "kickout",
    "revoke",
    "pwd",
    "_sess",
    "claims",
    "setuser",
    "securitystamp",
    "isauthenticated",
];

/// A matcher over the words above.
#[derive(Debug)]
pub(crate) struct Prefilter(AhoCorasick);

impl Prefilter {
    pub(crate) fn new() -> Self {
        let matcher = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::Standard)
            .build(WORDS)
            .expect("a few short words always build");
        Self(matcher)
    }

    pub(crate) fn speaks_of_sessions(&self, text: &str) -> bool {
        self.0.is_match(text)
    }
}
