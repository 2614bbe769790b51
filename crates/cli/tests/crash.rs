//! `kill -9` in the middle of admits and revocations: no acknowledged end is undone, and no
//! limit is exceeded.

mod support;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use reqwest::{Method, StatusCode};
use support::{Api, Server};
use tokio::task::JoinSet;

const ROUNDS: u64 = 50;
const WORKERS: u64 = 8;
const SUBJECTS: u64 = 4;
const LIMIT: u64 = 5;

/// What clients were told, by token.
#[derive(Default)]
struct Told {
    /// Born, and nothing said about an end.
    born: BTreeMap<String, String>,
    /// Told that it ended.
    ended: BTreeMap<String, String>,
    /// An end was asked for, and nobody knows whether it came to pass.
    in_doubt: BTreeMap<String, String>,
}

#[tokio::test(flavor = "multi_thread")]
async fn given_kill_9_amid_admits_and_revocations_when_it_restarts_then_no_acknowledged_end_is_undone()
 {
    let data = tempfile::tempdir().unwrap();
    let told = Arc::new(Mutex::new(Told::default()));
    let acknowledged = Arc::new(AtomicU64::new(0));

    for round in 0..ROUNDS {
        let server = Server::start(data.path());
        let api = server.admin(data.path());
        verify(&api, &told, round).await;

        let mut workers = JoinSet::new();
        for worker in 0..WORKERS {
            workers.spawn(work(
                api.clone(),
                Arc::clone(&told),
                Arc::clone(&acknowledged),
                worker,
            ));
        }
        // Killed after another number of answers each round, so at another place of a commit.
        let enough = acknowledged.load(Ordering::SeqCst) + 5 + (round * 7) % 60;
        while acknowledged.load(Ordering::SeqCst) < enough {
            tokio::task::yield_now().await;
        }
        server.kill();
        while workers.join_next().await.is_some() {}
    }

    let server = Server::start(data.path());
    let api = server.admin(data.path());
    verify(&api, &told, ROUNDS).await;
    let told = told.lock();
    println!(
        "{ROUNDS} kills: {} ends acknowledged, {} in doubt",
        told.ended.len(),
        told.in_doubt.len()
    );
    assert!(
        told.ended.len() as u64 >= ROUNDS,
        "the rounds did something"
    );
}

/// Signs in and revokes until the server is gone, and writes down what it was told.
async fn work(api: Api, told: Arc<Mutex<Told>>, acknowledged: Arc<AtomicU64>, worker: u64) {
    let subject = format!("subject-{}", worker % SUBJECTS);
    loop {
        let body = serde_json::json!({"subject": subject});
        let Ok((status, body)) = api
            .try_send(Method::POST, "/v1/sessions", Some(&body))
            .await
        else {
            return;
        };
        if status != StatusCode::CREATED {
            return;
        }
        let (token, id) = support::token_and_id(&body);
        {
            let mut told = told.lock();
            told.born.insert(token.clone(), id.clone());
            // The answer names those that made room: that is an acknowledged end too.
            for ended in body["ended"].as_array().into_iter().flatten() {
                let gone = ended["id"].as_str().unwrap_or_default();
                let token = told
                    .born
                    .iter()
                    .find(|(_, id)| *id == gone)
                    .map(|(token, _)| token.clone());
                if let Some(token) = token {
                    told.born.remove(&token);
                    told.ended.insert(token, gone.to_owned());
                }
            }
        }
        acknowledged.fetch_add(1, Ordering::SeqCst);

        if worker.is_multiple_of(2) {
            {
                let mut told = told.lock();
                told.born.remove(&token);
                told.in_doubt.insert(token.clone(), id.clone());
            }
            let path = format!("/v1/sessions/{id}");
            let Ok((status, _)) = api.try_send(Method::DELETE, &path, None).await else {
                return;
            };
            if status == StatusCode::NO_CONTENT {
                let mut told = told.lock();
                told.in_doubt.remove(&token);
                told.ended.insert(token, id);
                acknowledged.fetch_add(1, Ordering::SeqCst);
            }
        }
    }
}

async fn verify(api: &Api, told: &Mutex<Told>, round: u64) {
    let ended: Vec<String> = told.lock().ended.keys().cloned().collect();
    for token in ended {
        let (status, body) = api.check(&token).await;
        assert_eq!(
            status,
            StatusCode::UNAUTHORIZED,
            "round {round}: it came back: {body}"
        );
    }
    for subject in 0..SUBJECTS {
        let live = api.live(&format!("subject-{subject}")).await;
        assert!(live <= LIMIT, "round {round}: {live} are live");
    }
}
