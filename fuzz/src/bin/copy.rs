//! The fuzz target `copy`.

#![no_main]

use innkeeper_fuzz::Tally;

libfuzzer_sys::fuzz_target!(|data: &[u8]| innkeeper_fuzz::copy(data, &mut Tally::default()));
