//! The fuzz target `config`.

#![no_main]

use std::sync::LazyLock;

use innkeeper_fuzz::Tally;

static NAME: LazyLock<String> = LazyLock::new(innkeeper_fuzz::reader);

libfuzzer_sys::fuzz_target!(|data: &[u8]| innkeeper_fuzz::config(
    &NAME,
    data,
    &mut Tally::default()
));
