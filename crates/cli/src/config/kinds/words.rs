//! Kinds that are one of a few words.

use std::marker::PhantomData;

use innkeeper_domain::policy::{Preset, Word};
use innkeeper_engine::policy::presets;

use super::{Kind, Refusal};
use crate::config::raw::{Raw, quoted};
use innkeeper_http::nearest::nearest;

/// One of a few words that only the configuration knows.
pub(in super::super) struct Words<T: 'static>(pub(in super::super) &'static [(&'static str, T)]);

impl<T: Copy + PartialEq> Kind for Words<T> {
    type Value = T;

    fn read(&self, raw: Raw<'_>) -> Result<T, Refusal> {
        let found = raw
            .text()
            .and_then(|text| self.0.iter().find(|w| w.0 == text));
        found
            .map(|(_, value)| *value)
            .ok_or_else(|| refusal(raw, self.0.iter().map(|(word, _)| *word)))
    }

    fn accepts(&self) -> String {
        one_of(self.0.iter().map(|(word, _)| *word))
    }

    fn literal(&self, value: &T) -> Option<String> {
        let (word, _) = self.0.iter().find(|(_, known)| known == value)?;
        Some(quoted(word))
    }
}

/// One of the domain's words, with a hyphen where those have an underscore; the underscore is
/// understood as well.
pub(in super::super) struct Choice<W>(PhantomData<W>);

impl<W: Word> Choice<W> {
    pub(in super::super) const fn new() -> Self {
        Self(PhantomData)
    }

    fn words() -> Vec<String> {
        W::WORDS.iter().map(|(word, _)| hyphenated(word)).collect()
    }
}

impl<W: Word> Kind for Choice<W> {
    type Value = W;

    fn read(&self, raw: Raw<'_>) -> Result<W, Refusal> {
        let found = raw.text().and_then(|text| {
            W::WORDS
                .iter()
                .find(|w| hyphenated(w.0) == hyphenated(text))
        });
        found
            .map(|(_, choice)| *choice)
            .ok_or_else(|| refusal(raw, Self::words().iter().map(String::as_str)))
    }

    fn accepts(&self) -> String {
        one_of(Self::words().iter().map(String::as_str))
    }

    fn literal(&self, value: &W) -> Option<String> {
        Some(quoted(&hyphenated(value.word())))
    }
}

/// A standard that the policy keeps to, by its word.
pub(in super::super) struct Standard;

impl Kind for Standard {
    type Value = &'static Preset;

    fn read(&self, raw: Raw<'_>) -> Result<&'static Preset, Refusal> {
        let words = words_of_presets();
        raw.text()
            .and_then(|text| presets::find(&text.replace('-', "_")))
            .ok_or_else(|| refusal(raw, words.iter().map(String::as_str)))
    }

    fn accepts(&self) -> String {
        one_of(words_of_presets().iter().map(String::as_str))
    }

    fn literal(&self, value: &&'static Preset) -> Option<String> {
        Some(quoted(&hyphenated(&value.word)))
    }
}

fn words_of_presets() -> Vec<String> {
    let presets = presets::all().iter();
    presets.map(|preset| hyphenated(&preset.word)).collect()
}

pub(in super::super) fn hyphenated(word: &str) -> String {
    word.replace('_', "-")
}

fn refusal<'w>(raw: Raw<'_>, words: impl IntoIterator<Item = &'w str>) -> Refusal {
    let refusal = Refusal::of(raw);
    match raw.text().and_then(|text| nearest(text, words)) {
        Some(word) => refusal.because(format!("did you mean \"{word}\"?")),
        None => refusal,
    }
}

fn one_of<'w>(words: impl IntoIterator<Item = &'w str>) -> String {
    let words: Vec<_> = words.into_iter().map(quoted).collect();
    match words.as_slice() {
        [one] => one.clone(),
        _ => format!("one of {}", words.join(", ")),
    }
}
