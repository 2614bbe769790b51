//! The log: what becomes of a server that cannot write it.

mod support;

use std::process::Command;

use reqwest::StatusCode;
use support::Server;

/// A disk was full, the log on the same disk; the library that writes it complained about that
/// on standard error, which is the log, panicked because it could not, and took the server down
/// in the middle of answering.
#[tokio::test]
async fn given_a_log_that_cannot_be_written_when_there_is_much_to_say_then_it_goes_on_serving() {
    let data = tempfile::tempdir().unwrap();
    let innkeeper = support::innkeeper(data.path());
    let mut command = Command::new("sh");
    command
        .args(["-c", "exec \"$0\" \"$@\" 2>/dev/full"])
        .arg(innkeeper.get_program())
        .args(innkeeper.get_args())
        .env_clear()
        .env("RUST_LOG", "trace");

    let server = Server::start_with(command);
    let api = server.admin(data.path());

    let (token, _) = api.signed_in("alice").await;
    assert_eq!(api.check(&token).await.0, StatusCode::OK);
}
