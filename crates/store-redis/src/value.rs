//! What the server answers with, taken apart.

use innkeeper_store::StoreError;
use redis::aio::MultiplexedConnection;
use redis::{Cmd, RedisResult, Value};

use crate::error::malformed;

/// Sends a command, and waits for its answer.
pub(crate) async fn send(
    connection: &mut MultiplexedConnection,
    command: &Cmd,
) -> RedisResult<Value> {
    let answer = connection.send_packed_command(command).await?;
    answer.extract_error()
}

/// Bytes; anything else is not of the form that it should have.
pub(crate) fn bytes(value: Value) -> Result<Vec<u8>, StoreError> {
    maybe(value)?.ok_or_else(malformed)
}

/// Bytes, or nothing.
pub(crate) fn maybe(value: Value) -> Result<Option<Vec<u8>>, StoreError> {
    match value {
        Value::Nil => Ok(None),
        Value::BulkString(bytes) => Ok(Some(bytes)),
        Value::SimpleString(text) => Ok(Some(text.into_bytes())),
        _ => Err(malformed()),
    }
}

/// A text.
pub(crate) fn text(value: Value) -> Result<String, StoreError> {
    String::from_utf8(bytes(value)?).map_err(|_| malformed())
}

/// A number, written in decimal.
pub(crate) fn number(value: Value) -> Result<u64, StoreError> {
    parsed(&bytes(value)?)
}

/// The number that is written in decimal.
pub(crate) fn parsed(bytes: &[u8]) -> Result<u64, StoreError> {
    let text = std::str::from_utf8(bytes).ok();
    text.and_then(|text| text.parse().ok())
        .ok_or_else(malformed)
}

/// A list.
pub(crate) fn list(value: Value) -> Result<Vec<Value>, StoreError> {
    match value {
        Value::Array(values) => Ok(values),
        _ => Err(malformed()),
    }
}

/// A list of just so many.
pub(crate) fn just<const N: usize>(value: Value) -> Result<[Value; N], StoreError> {
    list(value)?.try_into().map_err(|_| malformed())
}
