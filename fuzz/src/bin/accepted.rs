//! The fuzz target `accepted`.

#![no_main]

use innkeeper_fuzz::Tally;

libfuzzer_sys::fuzz_target!(|data: &[u8]| innkeeper_fuzz::accepted(data, &mut Tally::default()));
