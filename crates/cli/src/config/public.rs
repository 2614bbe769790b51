//! `[[gateway.public]]`: the paths behind a proxy that need no session.

use innkeeper_http::forward_auth::PublicPath;

use super::effective::Lines;
use super::kinds::{Kind, Public};
use super::policy::bounded;
use super::problem::Problems;
use super::read::{Origins, Reader, missing, note_rows};
use super::schema::Section;
use super::walk::Entries;

const KEY: &str = "gateway.public";

/// The keys of one, before it is known that it was given.
pub(super) struct PublicDraft {
    path: Option<PublicPath>,
}

impl PublicDraft {
    pub(super) fn of(path: &PublicPath) -> Self {
        Self {
            path: Some(path.clone()),
        }
    }
}

impl Section for PublicDraft {
    const KEYS: &'static [&'static str] = &["path"];

    fn read(from: &mut Reader<'_, '_>) -> Self {
        Self {
            path: from.take("path", &Public),
        }
    }

    fn write(&self, to: &mut Lines<'_>) {
        let literal = self.path.as_ref().and_then(|path| Public.literal(path));
        to.line("path", literal);
    }
}

/// Reads them all.
pub(super) fn public(
    entries: &Entries<'_>,
    problems: &mut Problems,
    origins: &mut Origins,
) -> Vec<PublicPath> {
    let rows = bounded(KEY, entries, problems);
    note_rows(KEY, rows, origins);
    let read = |row: &Entries<'_>| {
        if !row
            .written()
            .any(|written| written == "gateway.public.path")
        {
            missing(
                row,
                KEY,
                problems,
                "`path` is missing; a path such as \"/static/\" is accepted",
            );
        }
        let draft: PublicDraft = Reader::section(KEY, row, problems, &mut Origins::new());
        draft.path
    };
    rows.iter().filter_map(read).collect()
}
