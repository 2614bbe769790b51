//! The fuzz target `token`.

#![no_main]

use innkeeper_fuzz::Tally;

libfuzzer_sys::fuzz_target!(|data: &[u8]| innkeeper_fuzz::token(data, &mut Tally::default()));
