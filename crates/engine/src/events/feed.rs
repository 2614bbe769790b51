//! The feed: one follower of the journal in this process, and all who wait for what it finds.
//!
//! Nobody who listens is ever waited for. Those who read pages keep their own place and are only
//! told that there is more; those who wait for one subject have a short queue, and lose their
//! place when it is full. So a receiver that is slow, stops or lies delays nobody.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use innkeeper_domain::name::TenantId;
use innkeeper_domain::session::SessionId;
use innkeeper_domain::token::RosterTag;
use innkeeper_store::{JournalEntry, Tail};
use parking_lot::Mutex;
use tokio::sync::{mpsc, watch};

use crate::{Authority, EngineError};

/// How many entries one look at the journal brings.
const LOOK: usize = 256;
/// How many entries may wait for one who waits for a subject.
const QUEUE: usize = 32;
/// How many may read events live, how many of them those of one tenant, and how many by one key.
/// A tenant may have many keys; with few streams it could else silence all the others.
const READERS_MAX: usize = 256;
const READERS_OF_ONE_TENANT: usize = 32;
const READERS_OF_ONE_KEY: usize = 16;
/// How many may wait for a subject, how many of them for those of one tenant, for one subject, and
/// for one session. Nobody can silence all of a tenant by signing in often, and no tenant another.
const WATCHERS_MAX: usize = 2048;
const WATCHERS_OF_ONE_TENANT: usize = 1024;
const WATCHERS_OF_ONE_SUBJECT: usize = 64;
const WATCHERS_OF_ONE_SESSION: usize = 4;

/// Who is told of what happens.
#[derive(Debug)]
pub(crate) struct Feed {
    /// How many entries were found; closed once nobody will be told any more.
    grown: Mutex<Option<watch::Sender<u64>>>,
    listeners: Arc<Mutex<Listeners>>,
    next: AtomicU64,
}

#[derive(Debug, Default)]
struct Listeners {
    readers: Vec<(TenantId, String)>,
    watchers: HashMap<RosterTag, Vec<Watcher>>,
    watchers_total: usize,
}

#[derive(Debug)]
struct Watcher {
    number: u64,
    tenant: TenantId,
    session: SessionId,
    queue: mpsc::Sender<Arc<JournalEntry>>,
}

/// Leave to read events live. It is given back when dropped.
#[derive(Debug)]
pub struct Reader {
    grown: watch::Receiver<u64>,
    tenant: TenantId,
    key: String,
    listeners: Arc<Mutex<Listeners>>,
}

/// What happens to one subject from now on. Its place is given back when dropped.
#[derive(Debug)]
pub struct Watch {
    queue: mpsc::Receiver<Arc<JournalEntry>>,
    tag: RosterTag,
    number: u64,
    listeners: Arc<Mutex<Listeners>>,
}

impl Default for Feed {
    fn default() -> Self {
        Self {
            grown: Mutex::new(Some(watch::Sender::new(0))),
            listeners: Arc::default(),
            next: AtomicU64::new(0),
        }
    }
}

impl Feed {
    /// Tells everybody whom it concerns.
    fn tell(&self, entries: Vec<JournalEntry>) {
        let count = entries.len() as u64;
        {
            let mut listeners = self.listeners.lock();
            for entry in entries {
                listeners.tell(entry);
            }
        }
        if let Some(grown) = &*self.grown.lock() {
            grown.send_modify(|total| *total += count);
        }
    }

    /// Lets everybody go who waits for a subject: something was missed.
    fn let_all_go(&self) {
        let mut listeners = self.listeners.lock();
        listeners.watchers.clear();
        listeners.watchers_total = 0;
    }
}

impl Listeners {
    fn tell(&mut self, entry: JournalEntry) {
        let tag = entry.tag;
        let Some(watchers) = self.watchers.get_mut(&tag) else {
            return;
        };
        let entry = Arc::new(entry);
        let before = watchers.len();
        // One whose queue is full has lost its place, and hears so.
        watchers.retain(|watcher| watcher.queue.try_send(Arc::clone(&entry)).is_ok());
        self.watchers_total -= before - watchers.len();
        if watchers.is_empty() {
            self.watchers.remove(&tag);
        }
    }
}

impl Authority {
    /// Follows the journal and tells those who listen, until the store fails.
    ///
    /// One task of each process runs it; nobody is told of anything while none does.
    pub async fn follow_journal(&self) -> Result<Infallible, EngineError> {
        let mut after = self.store.latest().await?;
        loop {
            self.store.listen(after.as_ref()).await?;
            match self.store.tail(after.as_ref(), LOOK).await? {
                Tail::Page(page) => {
                    if let Some((last, _)) = page.last() {
                        after = Some(last.clone());
                    }
                    self.feed.tell(page.into_iter().map(|(_, e)| e).collect());
                }
                Tail::Gone => {
                    after = self.store.latest().await?;
                    self.feed.let_all_go();
                    self.feed.tell(Vec::new());
                }
            }
        }
    }

    /// Gives leave to the holder of a key to read the events of a tenant live; `None` if too many
    /// do.
    #[must_use]
    pub fn read_live(&self, tenant: &TenantId, key: &str) -> Option<Reader> {
        let grown = self.feed.grown.lock().as_ref()?.subscribe();
        let mut listeners = self.feed.listeners.lock();
        let readers = &mut listeners.readers;
        let of_key = readers.iter().filter(|(_, k)| k == key).count();
        let of_tenant = readers.iter().filter(|(t, _)| t == tenant).count();
        if readers.len() >= READERS_MAX
            || of_tenant >= READERS_OF_ONE_TENANT
            || of_key >= READERS_OF_ONE_KEY
        {
            return None;
        }
        readers.push((tenant.clone(), key.into()));
        Some(Reader {
            grown,
            tenant: tenant.clone(),
            key: key.into(),
            listeners: Arc::clone(&self.feed.listeners),
        })
    }

    /// Tells a session what happens to its subject, of that tenant, from now on; `None` if too many
    /// are told.
    #[must_use]
    pub fn watch(&self, tenant: &TenantId, session: SessionId) -> Option<Watch> {
        // Nobody is let in any more once all were told to go.
        let is_open = self.feed.grown.lock().is_some();
        let mut listeners = self.feed.listeners.lock();
        let tag = session.tag();
        let of_subject = listeners.watchers.get(&tag).map_or(&[][..], Vec::as_slice);
        let of_session = of_subject.iter().filter(|w| w.session == session).count();
        let all = listeners.watchers.values().flatten();
        let of_tenant = all.filter(|w| w.tenant == *tenant).count();
        let is_full = listeners.watchers_total >= WATCHERS_MAX
            || of_tenant >= WATCHERS_OF_ONE_TENANT
            || of_subject.len() >= WATCHERS_OF_ONE_SUBJECT
            || of_session >= WATCHERS_OF_ONE_SESSION;
        if !is_open || is_full {
            return None;
        }
        let (sender, queue) = mpsc::channel(QUEUE);
        let number = self.feed.next.fetch_add(1, Ordering::Relaxed);
        listeners.watchers_total += 1;
        listeners.watchers.entry(tag).or_default().push(Watcher {
            number,
            tenant: tenant.clone(),
            session,
            queue: sender,
        });
        Some(Watch {
            queue,
            tag,
            number,
            listeners: Arc::clone(&self.feed.listeners),
        })
    }

    /// Lets everybody go who listens, so that their connections can end.
    pub fn end_live(&self) {
        *self.feed.grown.lock() = None;
        self.feed.let_all_go();
    }
}

impl Reader {
    /// Waits until there may be more than at the last call; `false` once there never will be.
    pub async fn more(&mut self) -> bool {
        self.grown.changed().await.is_ok()
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let readers = &mut self.listeners.lock().readers;
        let is_it = |(tenant, key): &(_, _)| *tenant == self.tenant && *key == self.key;
        if let Some(place) = readers.iter().position(is_it) {
            readers.swap_remove(place);
        }
    }
}

impl Watch {
    /// The next entry about the subject; `None` if some were missed, or there will be no more.
    pub async fn next(&mut self) -> Option<Arc<JournalEntry>> {
        self.queue.recv().await
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let mut listeners = self.listeners.lock();
        let Some(watchers) = listeners.watchers.get_mut(&self.tag) else {
            return;
        };
        let before = watchers.len();
        watchers.retain(|watcher| watcher.number != self.number);
        let gone = before - watchers.len();
        if watchers.is_empty() {
            listeners.watchers.remove(&self.tag);
        }
        listeners.watchers_total -= gone;
    }
}
