//! The fuzz target `settings`.

#![no_main]

use innkeeper_fuzz::Tally;

libfuzzer_sys::fuzz_target!(|data: &[u8]| innkeeper_fuzz::settings(data, &mut Tally::default()));
