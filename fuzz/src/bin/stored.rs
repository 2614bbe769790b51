//! The fuzz target `stored`.

#![no_main]

use innkeeper_fuzz::Tally;

libfuzzer_sys::fuzz_target!(|data: &[u8]| innkeeper_fuzz::stored(data, &mut Tally::default()));
