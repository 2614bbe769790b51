//! The fuzz target `query`.

#![no_main]

use innkeeper_fuzz::Tally;

libfuzzer_sys::fuzz_target!(|data: &[u8]| innkeeper_fuzz::query(data, &mut Tally::default()));
