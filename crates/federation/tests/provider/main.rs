//! A provider as it answers and as it must not: sign-ins, logouts, keys and outages.

mod fake;
mod keys;
mod logouts;
mod outages;
mod sign_ins;
