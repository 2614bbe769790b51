//! The configuration file as text: bounded, UTF-8, with places that a person can find.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use toml::de::DeTable;

use super::problem::{Fault, Origin, Problems};

/// More than any configuration needs; a wrong file named by mistake may be of any size.
const BYTES_MAX: u64 = 1024 * 1024;

const BYTE_ORDER_MARK: &str = "\u{feff}";

/// A text and the name of its file.
#[derive(Clone, Debug)]
pub(super) struct Source {
    name: Arc<str>,
    text: String,
    /// Where each line begins, so that a file of nothing but mistakes is not read anew for each.
    lines: Vec<usize>,
}

impl Source {
    /// Reads a file, or notes why it cannot be one of ours.
    pub(super) fn read(path: &Path, problems: &mut Problems) -> Option<Self> {
        let name: Arc<str> = path.to_string_lossy().into();
        match read_bounded(path) {
            Ok(bytes) => Self::from_bytes(name, bytes, problems),
            Err(source) => {
                let whole = Origin::File { name, at: None };
                problems.note(&whole, None, || Fault::Unreadable(source));
                None
            }
        }
    }

    fn new(name: Arc<str>, text: String) -> Self {
        let newlines = text.match_indices('\n').map(|(at, _)| at + 1);
        let lines = std::iter::once(0).chain(newlines).collect();
        Self { name, text, lines }
    }

    fn from_bytes(name: Arc<str>, bytes: Vec<u8>, problems: &mut Problems) -> Option<Self> {
        let whole = Origin::File {
            name: Arc::clone(&name),
            at: None,
        };
        if bytes.len() as u64 > BYTES_MAX {
            problems.note(&whole, None, || Fault::TooLarge {
                bytes_max: BYTES_MAX,
            });
            return None;
        }
        if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
            problems.note(&whole, None, || {
                Fault::NotUtf8("is text in UTF-16; save it as UTF-8")
            });
            return None;
        }
        match String::from_utf8(bytes) {
            Ok(text) => {
                // Some editors put a mark at the beginning. It is no text, so it is no column.
                let text = match text.strip_prefix(BYTE_ORDER_MARK) {
                    Some(rest) => rest.to_owned(),
                    None => text,
                };
                Some(Self::new(name, text))
            }
            Err(error) => {
                let good = error.utf8_error().valid_up_to();
                let text = String::from_utf8_lossy(&error.as_bytes()[..good]).into_owned();
                let end = text.len();
                let up_to_there = Self::new(name, text);
                problems.note(&up_to_there.origin(end), None, || {
                    Fault::NotUtf8("a byte that is not UTF-8")
                });
                None
            }
        }
    }

    /// Reads the text as TOML. Every mistake of form is noted; if there is one, what else could
    /// be said of the settings would be guesswork.
    pub(super) fn parse(&self, problems: &mut Problems) -> Option<DeTable<'_>> {
        let (table, errors) = DeTable::parse_recoverable(&self.text);
        let well_formed = errors.is_empty();
        for error in errors {
            let span = error.span().unwrap_or_default();
            let key = self.key_at(span.clone());
            problems.note(&self.origin(span.start), key, || Fault::Syntax(error));
        }
        well_formed.then(|| table.into_inner())
    }

    /// Where a byte of the text stands.
    pub(super) fn origin(&self, byte: usize) -> Origin {
        let line = self.lines.partition_point(|start| *start <= byte);
        let start = self.lines[line - 1];
        let before = self.text.get(start..byte).unwrap_or_default();
        let column = before.chars().count() + 1;
        Origin::File {
            name: Arc::clone(&self.name),
            at: Some((line, column)),
        }
    }

    /// The key at which the parser stumbled, if it was one: a value is not shown, since it may
    /// be a secret.
    fn key_at(&self, span: std::ops::Range<usize>) -> Option<String> {
        let after = self.text.get(span.end..)?.trim_start_matches([' ', '\t']);
        let word = self.text.get(span)?;
        let is_key = after.starts_with(['=', '.', ']'])
            && !word.is_empty()
            && word
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
        is_key.then(|| word.to_owned())
    }
}

fn read_bounded(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?
        .take(BYTES_MAX + 1)
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}
