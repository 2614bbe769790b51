//! Which files are worth parsing: those with a word of the field in them, and those they name in
//! which somebody may be kept.

use std::collections::HashSet;

use aho_corasick::{AhoCorasick, MatchKind};

use crate::model::Parsed;
use crate::syntax::Language;

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

/// A file that somebody may be kept in has one of these: it counts where a file of the above
/// names it.
const SOMEBODY: [&str; 10] = [
    "user",
    "principal",
    "account",
    "identity",
    "tenant",
    "caller",
    "member",
    "customer",
    "actor",
    "viewer",
];

/// A matcher over the words above.
#[derive(Debug)]
pub(crate) struct Prefilter {
    sessions: AhoCorasick,
    somebody: AhoCorasick,
}

impl Prefilter {
    pub(crate) fn new() -> Self {
        let over = |words: &[&str]| {
            AhoCorasick::builder()
                .ascii_case_insensitive(true)
                .match_kind(MatchKind::Standard)
                .build(words)
                .expect("a few short words always build")
        };
        Self {
            sessions: over(&WORDS),
            somebody: over(&SOMEBODY),
        }
    }

    pub(crate) fn speaks_of_sessions(&self, text: &str) -> bool {
        self.sessions.is_match(text)
    }

    /// Is the file worth a look if another that speaks of sessions names it: may somebody be kept
    /// there from one request to the next?
    pub(crate) fn may_keep_somebody(&self, language: Language, text: &str) -> bool {
        let outlives: &[&str] = match language {
            Language::JavaScript | Language::TypeScript | Language::Tsx => &[
                "\nlet ",
                "\nvar ",
                "\nexport let ",
                "\nmodule.exports",
                "= {\n",
                "@Injectable",
                "globalThis",
                "static ",
            ],
            Language::Java => &["static ", "@"],
            Language::Go => &["\nvar ", "\ntype "],
            Language::Python | Language::CSharp => &[""],
            Language::Rust | Language::Php | Language::Ruby | Language::Kotlin => &[],
        };
        self.somebody.is_match(text) && outlives.iter().any(|mark| text.contains(mark))
    }
}

/// What the files that speak of sessions name: modules, packages, and the classes that stand in a
/// file of their own.
#[derive(Debug, Default)]
pub(crate) struct Named<'a> {
    names: HashSet<&'a str>,
    /// Folders of Go, by path and by their own name, as packages are imported.
    packages: HashSet<&'a str>,
}

impl<'a> Named<'a> {
    pub(crate) fn by(parsed: &'a [Parsed]) -> Self {
        let mut out = Self::default();
        for file in parsed {
            let brought = &file.outline.brought;
            match file.language {
                Language::JavaScript | Language::TypeScript | Language::Tsx => {
                    out.names.extend(brought.iter().map(|(_, from)| stem(from)));
                }
                Language::Python => {
                    let names = brought.iter().flat_map(|(names, _)| names.split(' '));
                    out.names.extend(names);
                }
                Language::Java | Language::CSharp => {
                    let functions = file.outline.functions.iter();
                    let names = functions.flat_map(|f| f.names.split(' '));
                    out.names
                        .extend(names.filter(|n| n.starts_with(char::is_uppercase)));
                }
                Language::Go => {
                    out.packages.insert(folder(&file.path));
                    out.packages
                        .extend(brought.iter().map(|(_, from)| last(from)));
                }
                Language::Rust | Language::Php | Language::Ruby | Language::Kotlin => {}
            }
        }
        out
    }

    /// Is this file one of them?
    pub(crate) fn has(&self, path: &str, language: Language) -> bool {
        let folder = folder(path);
        match language {
            Language::Go => self.packages.contains(folder) || self.packages.contains(last(folder)),
            _ => match stem(path) {
                "index" | "__init__" => self.names.contains(last(folder)),
                stem => self.names.contains(stem),
            },
        }
    }
}

fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or(".", |(folder, _)| folder)
}

fn last(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or("")
}

fn stem(path: &str) -> &str {
    last(path).split('.').next().unwrap_or("")
}
