//! What each configuration promises: the one table from which `doctor`, the start log and the
//! manual take their words.

use serde::Serialize;

/// Whether a promise holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Holds {
    /// In every state that the configuration can get into.
    Yes,
    /// Under the condition that the words name.
    Conditional,
    /// Not.
    No,
}

/// A promise, and how far it holds.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Promise {
    /// Its name.
    pub(crate) id: &'static str,
    /// Whether it holds.
    pub(crate) holds: Holds,
    /// In which words.
    pub(crate) words: &'static str,
    /// What it says.
    pub(crate) says: &'static str,
}

/// A configuration, and what it promises.
#[derive(Debug)]
pub(crate) struct Configuration {
    /// In the words of the table.
    pub(crate) name: &'static str,
    /// What it promises.
    pub(crate) promises: &'static [Promise],
}

const fn promise(
    id: &'static str,
    holds: Holds,
    words: &'static str,
    says: &'static str,
) -> Promise {
    Promise {
        id,
        holds,
        words,
        says,
    }
}

/// The embedded store. There is no setting that makes it lazy.
pub(crate) const EMBEDDED: Configuration = Configuration {
    name: "Embedded, deaths fsynced (default)",
    promises: &[
        promise(
            "S1",
            Holds::Yes,
            "yes",
            "live sessions never exceed a limit in force",
        ),
        promise(
            "S2",
            Holds::Yes,
            "yes",
            "what was live and is no longer, never is again",
        ),
        promise(
            "S3 process crash",
            Holds::Yes,
            "yes",
            "an acknowledged end survives it",
        ),
        promise(
            "S3 power loss",
            Holds::Conditional,
            "cond: honest disk; stop on fsync error",
            "an acknowledged end survives it",
        ),
        promise(
            "S3 failover",
            Holds::No,
            "none; restore ⇒ S20",
            "there is one node, and nothing to fail over to",
        ),
        promise(
            "B",
            Holds::Yes,
            "0",
            "from the answer to an end until no check accepts it",
        ),
        promise(
            "S20",
            Holds::Yes,
            "yes",
            "after older data comes back, no session in it is valid",
        ),
    ],
};

impl Configuration {
    /// One line for the start log.
    pub(crate) fn line(&self) -> String {
        let promises = self
            .promises
            .iter()
            .map(|p| format!("{}: {}", p.id, p.words));
        let promises: Vec<_> = promises.collect();
        format!("store: {}; {}", self.name, promises.join(" | "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The words are a contract: whoever changes them changes what people were promised.
    #[test]
    fn given_the_manual_when_read_then_it_has_the_words_of_the_table() {
        let chapter = include_str!("../../../docs/book/doctor.md");

        assert!(chapter.contains(EMBEDDED.name));
        for promise in EMBEDDED.promises {
            let row = format!("| {} | {} |", promise.id, promise.words);
            assert!(chapter.contains(&row), "{row}");
        }
    }
}
