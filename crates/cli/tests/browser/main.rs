//! The pages in Debian's Chromium, as people use them.

mod demo;
mod driver;
mod hosted;
#[path = "../support/mod.rs"]
mod support;
