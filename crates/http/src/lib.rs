//! Accept loop, layers, extractors and routes of the REST API.
//!
//! A request comes in through [`server`], gets its id and its outer headers from [`envelope`], is
//! read by [`json`], [`query`], [`segment`] and [`credentials`], and every refusal leaves as a
//! [`problem`] document.

pub mod body;
pub mod budget;
pub mod cookies;
pub mod credentials;
mod diagnosis;
pub mod direct;
pub mod envelope;
pub mod forward_auth;
pub mod idempotency;
pub mod json;
pub mod layer;
pub mod nearest;
pub mod oauth;
pub mod openapi;
pub mod origin;
pub mod peers;
pub mod problem;
pub mod query;
pub mod query_or_body;
pub mod request_id;
pub mod rest;
pub mod route;
pub mod segment;
pub mod server;
mod sse;
pub mod traceparent;
mod traffic;
pub mod user_agent;
pub mod wire;
