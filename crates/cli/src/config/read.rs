//! From what was found to typed settings.

use std::collections::BTreeMap;

use super::kinds::Kind;
use super::problem::{Fault, Origin, Problems};
use super::schema::Section;
use super::walk::Entries;

/// Where each value came from, by full key; a key that is not here has its default.
pub(super) type Origins = BTreeMap<String, Origin>;

/// Reads the values of one table.
#[derive(Debug)]
pub(super) struct Reader<'r, 'a> {
    section: String,
    entries: &'r Entries<'a>,
    problems: &'r mut Problems,
    origins: &'r mut Origins,
}

impl<'r, 'a> Reader<'r, 'a> {
    /// Reads one table and everything that its schema names.
    pub(super) fn section<S: Section>(
        section: &str,
        entries: &'r Entries<'a>,
        problems: &'r mut Problems,
        origins: &'r mut Origins,
    ) -> S {
        S::read(&mut Self {
            section: section.to_owned(),
            entries,
            problems,
            origins,
        })
    }

    /// The value of a key, of the strongest door through which a good one came.
    ///
    /// Bad ones are noted even if a stronger door overrides them: who takes the override away
    /// should not meet a mistake that was there all along.
    pub(super) fn take<K: Kind>(&mut self, name: &str, kind: &K) -> Option<K::Value> {
        let key = format!("{}.{name}", self.section);
        let mut value = None;
        for found in self.entries.values(&key) {
            match kind.read(found.raw) {
                Ok(good) => {
                    value = Some(good);
                    self.origins.insert(key.clone(), found.origin.clone());
                }
                Err(refusal) => {
                    self.problems
                        .note(&found.origin, key.clone(), || Fault::BadValue {
                            found: refusal.found,
                            accepted: kind.accepts(),
                            why: refusal.why,
                        });
                }
            }
        }
        value
    }
}

/// Under which key the origin of one table of a list is kept.
pub(super) fn row_key(list: &str, place: usize) -> String {
    format!("{list}[{place}]")
}

/// Notes where each table of a list begins.
pub(super) fn note_rows<'r, 'a: 'r>(
    list: &str,
    rows: impl IntoIterator<Item = &'r Entries<'a>>,
    origins: &mut Origins,
) {
    for (place, row) in rows.into_iter().enumerate() {
        origins.insert(row_key(list, place), row.origin.clone());
    }
}

/// Notes what a table lacks, unless something in it could not be sorted.
pub(super) fn missing(row: &Entries<'_>, key: &str, problems: &mut Problems, what: &'static str) {
    if !row.untidy {
        problems.note(&row.origin, key.to_owned(), || Fault::Missing(what));
    }
}
