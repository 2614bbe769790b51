//! Sorting what came in: each value to its key, each unknown key to its complaint.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use toml::de::{DeArray, DeTable, DeValue};

use super::known::{Form, Known};
use super::problem::{Fault, Origin, Problems};
use super::raw::{Found, Raw, quoted};
use super::source::Source;
use super::unavailable::{not_yet, whole};

/// What was found, by full key. A value may come through several doors; the last one holds.
#[derive(Debug)]
pub(super) struct Entries<'a> {
    values: BTreeMap<String, Vec<Found<'a>>>,
    rows: BTreeMap<String, Vec<Entries<'a>>>,
    written: BTreeSet<String>,
    /// The sections that stand there, be it empty, and where each begins.
    sections: BTreeMap<String, Origin>,
    /// The sections that ask for nothing that is built, and what they are about.
    pub(super) unserved: BTreeMap<String, &'static str>,
    /// Whether something in it could not be sorted. What seems to be missing may be that.
    pub(super) untidy: bool,
    /// Where this table begins.
    pub(super) origin: Origin,
}

impl<'a> Entries<'a> {
    /// Nothing found yet.
    pub(super) const fn empty(origin: Origin) -> Self {
        Self {
            values: BTreeMap::new(),
            rows: BTreeMap::new(),
            written: BTreeSet::new(),
            sections: BTreeMap::new(),
            unserved: BTreeMap::new(),
            untidy: false,
            origin,
        }
    }

    /// What was found for a key, the weakest door first.
    pub(super) fn values(&self, key: &str) -> &[Found<'a>] {
        self.values.get(key).map_or(&[], Vec::as_slice)
    }

    /// The tables of a list, in the order of the file.
    pub(super) fn rows(&self, list: &str) -> &[Entries<'a>] {
        self.rows.get(list).map_or(&[], Vec::as_slice)
    }

    /// The keys that were written, also those whose values are refused.
    pub(super) fn written(&self) -> impl Iterator<Item = &str> {
        self.written.iter().map(String::as_str)
    }

    /// Where a section begins, if it stands there.
    pub(super) fn section(&self, section: &str) -> Option<&Origin> {
        self.sections.get(section)
    }

    /// Notes the section of a key, or that which the key is, and whether nothing in it is built.
    pub(super) fn note_section(&mut self, key: &str, origin: &Origin, known: &Known) {
        let section = key.split('.').next().unwrap_or_default();
        if !self.sections.contains_key(section) {
            self.sections.insert(section.to_owned(), origin.clone());
        }
        if let Some(what) = known.unserved(section) {
            self.unserved.insert(section.to_owned(), what);
        }
    }

    /// Adds what was found for a key, unless it asks for what is not built yet.
    pub(super) fn add(&mut self, key: &str, found: Found<'a>, problems: &mut Problems) {
        self.written.insert(key.to_owned());
        match not_yet(key, found.raw) {
            Some(fault) => problems.note(&found.origin, key.to_owned(), || fault),
            None => self.values.entry(key.to_owned()).or_default().push(found),
        }
    }
}

/// Sorts the tables of a file.
#[derive(Debug)]
pub(super) struct FileWalk<'w> {
    pub(super) known: &'w Known,
    pub(super) source: &'w Source,
    pub(super) problems: &'w mut Problems,
}

impl FileWalk<'_> {
    /// Sorts one table, and those within it, into `entries`. `section` is empty for the whole
    /// file. How deep tables lie is bounded by the parser.
    pub(super) fn table<'a>(
        &mut self,
        section: &str,
        table: &'a DeTable<'a>,
        entries: &mut Entries<'a>,
    ) {
        for (name, value) in table {
            let key = joined(section, name.get_ref());
            let at_key = self.source.origin(name.span().start);
            let at_value = self.source.origin(value.span().start);
            let value = value.get_ref();
            match (self.known.form(&key), value) {
                (None, _) => {
                    entries.untidy = true;
                    self.problems.note(&at_key, key.clone(), || {
                        self.known.unknown(&key, looks_like_a_section(value))
                    });
                }
                // Of a table that is refused as a whole, the single values say nothing new.
                (Some(Form::Value), _) if whole(section).is_some() => {}
                (Some(Form::Value), value) => {
                    let raw = Raw::Toml(value);
                    let origin = at_value;
                    entries.add(&key, Found { raw, origin }, self.problems);
                }
                (Some(Form::Section), DeValue::Table(inner)) => {
                    entries.note_section(&key, &at_key, self.known);
                    // An empty table asks for nothing.
                    if let Some(fault) = whole(&key).filter(|_| !inner.is_empty()) {
                        self.problems.note(&at_key, key.clone(), || fault);
                    }
                    self.table(&key, inner, entries);
                }
                (Some(Form::Rows), DeValue::Array(list)) => {
                    let rows = self.rows(&key, list);
                    entries.rows.insert(key, rows);
                }
                (Some(form), value) => {
                    entries.untidy = true;
                    self.wrong_form(&at_value, &key, form, value);
                }
            }
        }
    }

    fn rows<'a>(&mut self, key: &str, list: &'a DeArray<'a>) -> Vec<Entries<'a>> {
        let mut rows = Vec::new();
        for row in list {
            let at_row = self.source.origin(row.span().start);
            let Some(table) = row.get_ref().as_table() else {
                self.wrong_form(&at_row, key, Form::Rows, row.get_ref());
                continue;
            };
            if let Some(fault) = whole(key) {
                self.problems.note(&at_row, key.to_owned(), || fault);
            }
            let mut entries = Entries::empty(at_row);
            self.table(key, table, &mut entries);
            rows.push(entries);
        }
        rows
    }

    fn wrong_form(&mut self, at: &Origin, key: &str, form: Form, value: &DeValue<'_>) {
        self.problems.note(at, key.to_owned(), || Fault::BadValue {
            found: Raw::Toml(value).described(),
            accepted: match form {
                Form::Rows => format!("a list of tables, each written as [[{key}]]"),
                Form::Section | Form::Value => format!("a table, written as [{key}]"),
            },
            why: None,
        });
    }
}

fn looks_like_a_section(value: &DeValue<'_>) -> bool {
    match value {
        DeValue::Table(_) => true,
        DeValue::Array(list) => list.iter().any(|member| member.get_ref().is_table()),
        _ => false,
    }
}

/// The full key. A name that needs quotes keeps them, so that `"policy.idle"` at the top of a
/// file is not taken for the key of that section.
fn joined(section: &str, name: &str) -> String {
    let bare = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
    let name = if !name.is_empty() && name.bytes().all(bare) {
        Cow::Borrowed(name)
    } else {
        Cow::Owned(quoted(name))
    };
    if section.is_empty() {
        name.into_owned()
    } else {
        format!("{section}.{name}")
    }
}
