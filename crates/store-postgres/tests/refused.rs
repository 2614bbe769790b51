//! What is not opened, and why.

use innkeeper_store_postgres::{OpenError, PostgresStore};
use innkeeper_test_servers::postgres::Postgres;

#[tokio::test]
async fn given_a_database_that_is_not_there_when_opened_then_it_is_told_from_a_server_that_is_not()
{
    let server = Postgres::start().expect("this test needs PostgreSQL");
    let url = server.database().expect("there is room for a database");
    let refused = PostgresStore::open(&format!("{url}_nowhere")).await;
    assert!(matches!(refused, Err(OpenError::Account(_))), "{refused:?}");

    let away = PostgresStore::open("host=/nowhere user=postgres dbname=x").await;
    assert!(matches!(away, Err(OpenError::Unreachable(_))), "{away:?}");
    let unread = PostgresStore::open("postgres://[").await;
    assert!(matches!(unread, Err(OpenError::Url(_))), "{unread:?}");

    assert!(PostgresStore::open(&url).await.is_ok());
}
