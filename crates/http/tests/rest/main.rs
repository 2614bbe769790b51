//! The REST API as its callers see it: every route, every refusal, every header.

mod admit;
mod budget;
mod check;
mod choice;
mod devices;
mod events;
mod every_route;
mod flaky;
mod forward_auth;
mod keys;
mod me;
mod metrics;
mod oauth;
mod policy;
mod published;
mod revocations;
mod sessions;
mod subjects;
mod support;
mod tokens;
mod unasked_body;
