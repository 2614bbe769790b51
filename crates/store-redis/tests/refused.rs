//! What is not opened, and why.

use innkeeper_store_redis::{Durability, OpenError, RedisStore, Snapshots};
use innkeeper_test_servers::redis::Redis;

fn started(options: &[&str]) -> Redis {
    Redis::start_with(options).expect("this test needs Redis")
}

async fn open(server: &Redis) -> Result<Durability, OpenError> {
    let opened = RedisStore::open(&server.url(), Snapshots::Refused).await;
    opened.map(|store| store.keeps().durability)
}

#[tokio::test]
async fn given_servers_that_keep_more_or_less_when_opened_then_each_is_told_from_the_others() {
    let kept = |options: &'static [&'static str]| async move { open(&started(options)).await };

    assert!(matches!(kept(&[]).await, Ok(Durability::Always)));
    let everysec = kept(&["--appendfsync", "everysec"]).await;
    assert!(matches!(everysec, Ok(Durability::EverySecond)));
    let unsynced = kept(&["--appendfsync", "no"]).await;
    assert!(
        matches!(unsynced, Err(OpenError::Unsynced(_))),
        "{unsynced:?}"
    );
    let nothing = kept(&["--appendonly", "no"]).await;
    assert!(matches!(nothing, Ok(Durability::Nothing)));
    let snapshots: &[_] = &["--appendonly", "no", "--save", "60 1"];
    let server = started(snapshots);
    let refused = open(&server).await;
    assert!(
        matches!(refused, Err(OpenError::SnapshotsOnly)),
        "{refused:?}"
    );
    let accepted = RedisStore::open(&server.url(), Snapshots::Accepted).await;
    let accepted = accepted.expect("somebody accepts it");
    assert_eq!(accepted.keeps().durability, Durability::Snapshots);
}

#[tokio::test]
async fn given_servers_that_will_not_do_when_opened_then_each_is_refused_for_its_reason() {
    let evicts = open(&started(&["--maxmemory-policy", "allkeys-lru"])).await;
    assert!(matches!(evicts, Err(OpenError::Evicts(p)) if p == "allkeys-lru"));
    let cluster = open(&started(&["--cluster-enabled", "yes"])).await;
    assert!(matches!(cluster, Err(OpenError::Cluster)), "{cluster:?}");
    let replica = open(&started(&["--replicaof", "127.0.0.1 1"])).await;
    assert!(matches!(replica, Err(OpenError::Replica)), "{replica:?}");
    let later = started(&[]);
    let made = later.ask(&["HSET", "innkeeper:store", "format", "2"]);
    assert_eq!(made.expect("it answers"), "1");
    let later = open(&later).await;
    assert!(matches!(later, Err(OpenError::Newer(2))), "{later:?}");
}

#[tokio::test]
async fn given_an_account_that_may_not_when_opened_then_it_is_told_from_a_server_that_is_away() {
    let account = "--user narrow on >right ~innkeeper:* -@all +info";
    let server = started(&account.split(' ').collect::<Vec<_>>());
    let of = |account: &str, password: &str| server.url_of(account, password);
    let open = |url: String| async move { RedisStore::open(&url, Snapshots::Refused).await };

    let wrong = open(of("narrow", "wrong")).await;
    assert!(matches!(wrong, Err(OpenError::Account(_))), "{wrong:?}");
    let narrow = open(of("narrow", "right")).await;
    // Who may not ask what is synced is told the weaker; who may not call cannot go on.
    assert!(matches!(narrow, Err(OpenError::Refused(_))), "{narrow:?}");
    let away = open("unix:///nowhere".to_owned()).await;
    assert!(matches!(away, Err(OpenError::Unreachable(_))), "{away:?}");
    for unread in ["redis://[", "http://x", "rediss://x", "postgres://x/y"] {
        let refused = open(unread.to_owned()).await;
        assert!(
            matches!(refused, Err(OpenError::Url)),
            "{unread}: {refused:?}"
        );
    }
    let secret = open("redis://:hunter2@[".to_owned()).await;
    assert!(!format!("{secret:?}").contains("hunter2"));
}
