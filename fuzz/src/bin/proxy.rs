//! The fuzz target `proxy`.

#![no_main]

use innkeeper_fuzz::Tally;

libfuzzer_sys::fuzz_target!(|data: &[u8]| innkeeper_fuzz::proxy(data, &mut Tally::default()));
