//! Copies: what is restored, or imported, was made by anybody.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use innkeeper_domain::session::Timestamp;
use innkeeper_store::archive::Reader;
use innkeeper_store::clock::ManualClock;
use innkeeper_store::{SessionStore, record};
use innkeeper_store_embedded::files::simulated::SimulatedFiles;
use innkeeper_store_embedded::restore::restore_on;
use innkeeper_store_embedded::{EmbeddedStore, Onto, Sizes};
use sha2::{Digest, Sha256};

const TITLE: &[u8] = b"innkeeper copy, format 1\n";
const END: u8 = 5;
const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

/// The parts of a copy, between its title and its end. It is read as it is, and once more behind
/// a title and before an end that fits, as somebody would make it who wants it believed.
pub fn copy(data: &[u8]) {
    if let Ok(reader) = Reader::open(data) {
        let _ = reader.count();
    }
    let mut copy = TITLE.to_vec();
    copy.extend_from_slice(data);
    let mut parts = Reader::open(&copy[..]).expect("the title is right");
    let _ = parts.by_ref().take_while(Result::is_ok).count();
    let counts = record::encode(&parts.counts());
    let len = u32::try_from(counts.len() + 32).expect("it is short");
    copy.extend_from_slice(&len.to_be_bytes());
    copy.push(END);
    copy.extend_from_slice(&counts);
    let digest = Sha256::digest(&copy);
    copy.extend_from_slice(&digest);
    restore(&copy);
}

/// What is taken opens as a store in which nobody is live (S20).
fn restore(copy: &[u8]) {
    let files = SimulatedFiles::new(7);
    let reader = Reader::open(copy).expect("the title is right");
    if restore_on(
        Arc::new(files.clone()),
        "data".as_ref(),
        Onto::Nothing,
        reader,
        NOW,
    )
    .is_err()
    {
        return;
    }
    let clock = Arc::new(ManualClock::at(1_800_000_000));
    let sizes = Sizes {
        segment: 1 << 20,
        checkpoint: 1 << 20,
        reserve: 1 << 16,
        ..Sizes::default()
    };
    let store = EmbeddedStore::open_simulated(Arc::new(files), "data", clock, sizes)
        .expect("what was restored opens");
    for tag in done(&store, store.walk(None, usize::MAX)).expect("memory answers") {
        let reading = done(&store, store.read(tag, None)).expect("memory answers");
        let roster = reading.roster.expect("it is there");
        assert_eq!(roster.live(reading.now).count(), 0, "S20");
    }
}

/// Has rounds done until there is an answer.
fn done<T>(store: &EmbeddedStore, future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..100 {
        if let Poll::Ready(answer) = future.as_mut().poll(&mut context) {
            return answer;
        }
        store.turn();
    }
    panic!("no answer comes");
}
