//! The fuzz target `source`.

#![no_main]

use std::sync::LazyLock;

use innkeeper_fuzz::{Language, Tally, language, reader};

static LANGUAGE: LazyLock<Language> = LazyLock::new(|| language(&reader()));

libfuzzer_sys::fuzz_target!(|data: &[u8]| innkeeper_fuzz::source(
    *LANGUAGE,
    data,
    &mut Tally::default()
));
