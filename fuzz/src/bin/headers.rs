//! The fuzz target `headers`.

#![no_main]

use innkeeper_fuzz::Tally;

libfuzzer_sys::fuzz_target!(|data: &[u8]| innkeeper_fuzz::headers(data, &mut Tally::default()));
