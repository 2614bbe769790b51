//! Real servers for tests, each in a folder of its own, on a socket there, and gone with the
//! process that started it, however that ends.

pub mod postgres;
pub mod redis;
