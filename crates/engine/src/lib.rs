//! Use cases: sign in, check, rotate, list, end, sweep.
