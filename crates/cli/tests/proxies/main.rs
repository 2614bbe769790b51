//! Applications behind real proxies, by the recipes of `docs/proxies` as they stand.

mod application;
mod broken;
mod browser;
mod house;
mod life;
mod spoofing;
#[path = "../support/mod.rs"]
mod support;
