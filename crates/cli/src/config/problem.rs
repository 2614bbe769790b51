//! What is wrong with a configuration, and where: said so that it can be mended at once.

use std::fmt;
use std::io;
use std::sync::Arc;

use crate::escape::Shown;

/// The door through which a value came.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Origin {
    /// Nobody set it.
    Default,
    /// The configuration file.
    File {
        /// The file, as it was named to us.
        name: Arc<str>,
        /// Line and column, both from 1; `None` if it concerns the file as a whole.
        at: Option<(usize, usize)>,
    },
    /// The preset that was chosen.
    Preset {
        /// Its word.
        word: String,
        /// The clause of its standard.
        clause: String,
    },
    /// A variable of the environment.
    Environment(String),
    /// An option of the command line.
    CommandLine(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { name, at: None } => write!(f, "{}", Shown(name)),
            Self::File {
                name,
                at: Some((line, column)),
            } => write!(f, "{}:{line}:{column}", Shown(name)),
            Self::Preset { word, clause } => write!(f, "preset {word}, {clause}"),
            Self::Environment(name) => write!(f, "{}", Shown(name)),
            Self::CommandLine(option) => f.write_str(option),
        }
    }
}

/// One thing that is wrong.
#[derive(Debug)]
pub(crate) struct Problem {
    /// Where it stands.
    pub(crate) origin: Origin,
    /// The full key, where there is one.
    pub(crate) key: Option<String>,
    /// What is wrong there.
    pub(crate) fault: Fault,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.origin)?;
        if let Some(key) = &self.key {
            write!(f, "{}: ", Shown(key))?;
        }
        write!(f, "{}", self.fault)
    }
}

/// The ways in which a configuration can be wrong.
///
/// The caller does the same for all of them (exit code 2), so the variants differ in what a
/// person has to mend. No variant holds the value of a secret.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    /// The file is not there, or may not be read.
    #[error("cannot be read: {0}")]
    Unreadable(#[source] io::Error),
    /// The file is larger than any configuration.
    #[error("is larger than {bytes_max} bytes, the most that a configuration file may have")]
    TooLarge {
        /// The bound.
        bytes_max: u64,
    },
    /// The file is not text in UTF-8.
    #[error("{0}")]
    NotUtf8(&'static str),
    /// The file is not TOML. Only the parser's message is shown, never the line: it could hold
    /// a secret.
    #[error("not TOML: {}", .0.message())]
    Syntax(#[source] toml::de::Error),
    /// Nobody knows this key.
    #[error("unknown {what}; {hint}")]
    Unknown {
        /// A key, a section or a variable.
        what: &'static str,
        /// The nearest one that is known, or what there is.
        hint: String,
    },
    /// The value is of a wrong type or out of bounds.
    #[error("found {found}; accepted is {accepted}{}", .why.as_ref().map(|w| format!(" ({w})")).unwrap_or_default())]
    BadValue {
        /// What stands there.
        found: String,
        /// What could stand there.
        accepted: String,
        /// Why the one found cannot be accepted, if that needs saying.
        why: Option<String>,
    },
    /// The value is laxer than the preset asks, and nobody says why.
    #[error("{found} is laxer than the {asked}; make it as strict, or say why it is laxer: {how}")]
    Laxer {
        /// What stands there, as a literal.
        found: String,
        /// What is asked, by which clause of what.
        asked: String,
        /// Where to write the reason.
        how: String,
    },
    /// The key is known, but what it asks for is not built yet. Ignoring it would be worse:
    /// somebody would rely on it.
    #[error("{what} is not available in this version; {instead}")]
    NotAvailable {
        /// The feature that is missing.
        what: &'static str,
        /// What may stand there today.
        instead: String,
    },
    /// Lists of tables have no form as a variable.
    #[error("a list of tables can only be written in the configuration file, as [[{list}]]")]
    OnlyInFile {
        /// The list.
        list: String,
    },
    /// What it asks for is ruled out by another setting.
    #[error("{0}")]
    Contradicts(&'static str),
    /// Something that must be there is not.
    #[error("{0}")]
    Missing(&'static str),
}

/// The configuration was refused: nothing was started, and the exit code is 2.
#[derive(Debug, thiserror::Error)]
#[error("{}", self.lines())]
pub(crate) struct Refused {
    /// All that is wrong, as far as it could be seen at once.
    pub(crate) problems: Vec<Problem>,
    /// How many more there are than are listed.
    pub(crate) unlisted: usize,
}

impl Refused {
    fn lines(&self) -> String {
        let mut lines: Vec<String> = self.problems.iter().map(ToString::to_string).collect();
        if self.unlisted > 0 {
            lines.push(format!("and {} more", self.unlisted));
        }
        lines.join("\n")
    }
}

/// Gathers problems, so that one run shows them all.
#[derive(Debug, Default)]
pub(super) struct Problems {
    list: Vec<Problem>,
    unlisted: usize,
}

impl Problems {
    /// More than a person mends in one go. It also bounds the work that a file of nothing but
    /// mistakes can ask for, since each hint is a search.
    const LISTED_MAX: usize = 50;

    /// Notes one problem. The fault is only worked out if it will be listed.
    pub(super) fn note(
        &mut self,
        origin: &Origin,
        key: impl Into<Option<String>>,
        fault: impl FnOnce() -> Fault,
    ) {
        if self.list.len() == Self::LISTED_MAX {
            self.unlisted += 1;
            return;
        }
        self.list.push(Problem {
            origin: origin.clone(),
            key: key.into(),
            fault: fault(),
        });
    }

    /// Whether anything is wrong so far.
    pub(super) const fn any(&self) -> bool {
        !self.list.is_empty()
    }

    /// Whether anything is wrong with this key. While there is, comparing it with others would
    /// only repeat the complaint.
    pub(super) fn concern(&self, key: &str) -> bool {
        self.list.iter().any(|p| p.key.as_deref() == Some(key))
    }

    /// Whether anything is wrong in this section. What seems to be missing there may be that.
    pub(super) fn within(&self, section: &str) -> bool {
        let keys = self.list.iter().filter_map(|p| p.key.as_deref());
        let mut rests = keys.filter_map(|key| key.strip_prefix(section));
        rests.any(|rest| rest.starts_with('.'))
    }

    /// `Ok` if nothing was noted; else everything, in the order of the file.
    pub(super) fn into_result(mut self) -> Result<(), Refused> {
        if self.list.is_empty() {
            return Ok(());
        }
        self.list.sort_by(|a, b| a.origin.cmp(&b.origin));
        Err(Refused {
            problems: self.list,
            unlisted: self.unlisted,
        })
    }
}
