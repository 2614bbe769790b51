//! The store that the settings name, whichever it is.

use std::path::Path;
use std::sync::Arc;

use innkeeper_store::archive::Archive;
use innkeeper_store::clock::SystemClock;
use innkeeper_store::lease::{Leased, Shared, Terms};
use innkeeper_store::{Register, SessionStore};
use innkeeper_store_embedded::EmbeddedStore;
use innkeeper_store_postgres::PostgresStore;
use innkeeper_store_redis::{Keeps, RedisStore, Snapshots};

use crate::admin_key;
use crate::config::{LEASE_UNSET, Store, StoreKind};
use crate::elsewhere::{self, Elsewhere};
use crate::exit::Failure;
use crate::promises::{self, Configuration, EMBEDDED};

/// An open store.
#[derive(Clone, Debug)]
pub(crate) enum OpenStore {
    /// In a local folder.
    Embedded(Arc<EmbeddedStore>),
    /// In PostgreSQL, seen through leases.
    Postgres(Arc<Leased<PostgresStore>>),
    /// In Redis or Valkey, seen through leases.
    Redis(Arc<Leased<RedisStore>>),
}

impl OpenStore {
    /// Opens it.
    pub(crate) async fn open(settings: &Store) -> Result<Self, Failure> {
        match settings.kind {
            StoreKind::Embedded => embedded(&settings.path).await.map(Self::Embedded),
            StoreKind::Postgres => {
                let url = url(settings)?;
                make_folder(&settings.path)?;
                let opened = PostgresStore::open(&url).await;
                let store = opened.map_err(postgres_refused)?;
                Ok(Self::Postgres(leased(store, settings)))
            }
            StoreKind::Redis => {
                let (url, snapshots) = of_redis(settings)?;
                make_folder(&settings.path)?;
                let opened = RedisStore::open(&url, snapshots).await;
                let store = opened.map_err(redis_refused)?;
                Ok(Self::Redis(leased(store, settings)))
            }
        }
    }

    /// Its sessions.
    pub(crate) fn sessions(&self) -> Arc<dyn SessionStore> {
        match self {
            Self::Embedded(store) => Arc::clone(store) as _,
            Self::Postgres(store) => Arc::clone(store) as _,
            Self::Redis(store) => Arc::clone(store) as _,
        }
    }

    /// What it keeps besides.
    pub(crate) fn register(&self) -> Arc<dyn Register> {
        match self {
            Self::Embedded(store) => Arc::clone(store) as _,
            Self::Postgres(store) => Arc::clone(store) as _,
            Self::Redis(store) => Arc::clone(store) as _,
        }
    }

    /// Whether other nodes may have it open too.
    pub(crate) const fn is_shared(&self) -> bool {
        match self {
            Self::Embedded(_) => false,
            Self::Postgres(_) | Self::Redis(_) => true,
        }
    }

    /// What copies it, if that is our work.
    pub(crate) fn archive(&self) -> Option<Arc<dyn Archive>> {
        match self {
            Self::Embedded(store) => Some(Arc::clone(store) as _),
            Self::Postgres(_) | Self::Redis(_) => None,
        }
    }

    /// What it promises.
    pub(crate) fn promises(&self) -> Configuration {
        match self {
            Self::Embedded(_) => EMBEDDED,
            Self::Postgres(store) => promises::of_postgres(store.inner().keeps()),
            Self::Redis(store) => promises::of_redis(store.inner().keeps()),
        }
    }

    /// What to call it where it is a preview.
    pub(crate) const fn preview(&self) -> Option<&'static str> {
        match self {
            Self::Embedded(_) => None,
            Self::Postgres(_) => Some("PostgreSQL"),
            Self::Redis(_) => Some("Redis"),
        }
    }

    /// Waits until it has failed in a way from which it comes back only by being opened anew.
    pub(crate) async fn failed(&self) {
        match self {
            Self::Embedded(store) => store.failed().await,
            // What fails there is asked again.
            Self::Postgres(_) => std::future::pending().await,
            Self::Redis(store) => store.inner().failed().await,
        }
    }

    /// Ends it in order.
    pub(crate) async fn close(self) -> Result<(), Failure> {
        let closed = match self {
            Self::Embedded(store) => store.close().await,
            Self::Postgres(store) => match store.flush().await {
                Ok(()) => store.inner().close().await,
                Err(error) => Err(error),
            },
            Self::Redis(store) => match store.flush().await {
                Ok(()) => store.inner().close().await,
                Err(error) => Err(error),
            },
        };
        closed.map_err(|error| Failure::cannot_run("the store was not closed in order", error))?;
        tracing::info!("stopped");
        Ok(())
    }
}

/// Where the sessions live that these settings keep elsewhere than in their folder.
pub(crate) fn elsewhere(settings: &Store) -> Result<Option<Elsewhere>, Failure> {
    Ok(match settings.kind {
        StoreKind::Embedded => None,
        StoreKind::Postgres => {
            let address = innkeeper_store_postgres::address(&url(settings)?);
            Some(Elsewhere::in_postgres(&address.map_err(postgres_refused)?))
        }
        StoreKind::Redis => {
            let address = innkeeper_store_redis::address(&url(settings)?);
            Some(Elsewhere::in_redis(&address.map_err(redis_refused)?))
        }
    })
}

/// Leaves the store of a node's folder, if there is one, for the one that its sessions live in: to
/// be done before the first of them is served.
pub(crate) fn leave(data: &Path, elsewhere: &Elsewhere) -> Result<(), Failure> {
    // The order matters: whoever removes the note, or never sees it written, must find no session
    // of before valid.
    EmbeddedStore::disown(data).map_err(|error| {
        Failure::cannot_run("the store in the folder cannot be left for another", error)
    })?;
    elsewhere::note(elsewhere, data)
}

/// Opens the store in a folder, and makes it if there is none.
pub(crate) async fn embedded(data: &Path) -> Result<Arc<EmbeddedStore>, Failure> {
    refuse_another(data)?;
    open_in(data).await
}

/// Opens the store in a folder that should hold one.
pub(crate) async fn embedded_in(data: &Path) -> Result<Arc<EmbeddedStore>, Failure> {
    elsewhere::refuse_in(data)?;
    if !data.join("store").exists() {
        return Err(Failure::usage(format!(
            "{} holds no store: name its folder with --data",
            data.display()
        )));
    }
    open_in(data).await
}

async fn open_in(data: &Path) -> Result<Arc<EmbeddedStore>, Failure> {
    let data = data.to_owned();
    let opening = move || EmbeddedStore::open(&data, Arc::new(SystemClock));
    match tokio::task::spawn_blocking(opening).await {
        Ok(Ok(store)) => Ok(Arc::new(store)),
        Ok(Err(error)) => Err(Failure::cannot_run("the store cannot be opened", error)),
        Err(error) => Err(Failure::cannot_run("the store cannot be opened", error)),
    }
}

/// Refuses a folder in which the store that lies there, or would be begun, is not the one that was
/// served last.
pub(crate) fn refuse_another(data: &Path) -> Result<(), Failure> {
    elsewhere::refuse_in(data)?;
    match admin_key::without_store(data) {
        Some(lost) => Err(Failure::unsafe_to(lost)),
        None => Ok(()),
    }
}

/// Asks the Redis of the settings what it keeps, and changes nothing there.
pub(crate) async fn look_at_redis(settings: &Store) -> Result<Keeps, Failure> {
    let (url, snapshots) = of_redis(settings)?;
    let looked = RedisStore::look(&url, snapshots).await;
    looked.map_err(redis_refused)
}

/// Asks the PostgreSQL of the settings what it keeps, and changes nothing there.
pub(crate) async fn look_at_postgres(
    settings: &Store,
) -> Result<innkeeper_store_postgres::Keeps, Failure> {
    let looked = PostgresStore::look(&url(settings)?).await;
    looked.map_err(postgres_refused)
}

fn postgres_refused(error: innkeeper_store_postgres::OpenError) -> Failure {
    match error {
        innkeeper_store_postgres::OpenError::Unreachable(_) => away(error),
        _ => Failure::refused("store.url", error),
    }
}

/// Where the Redis of the settings is, and whether snapshots will do there.
fn of_redis(settings: &Store) -> Result<(String, Snapshots), Failure> {
    let snapshots = if settings.allow_snapshots {
        Snapshots::Accepted
    } else {
        Snapshots::Refused
    };
    let url = url(settings)?;
    Ok((url, snapshots))
}

fn redis_refused(error: innkeeper_store_redis::OpenError) -> Failure {
    match error {
        innkeeper_store_redis::OpenError::Unreachable(_) => away(error),
        _ => Failure::refused("store.url", error),
    }
}

/// A shared store that cannot be reached, or is not ready: trying again may help.
fn away(error: impl std::error::Error + 'static) -> Failure {
    Failure::cannot_run("the store cannot be opened", error)
}

/// Sees a shared store through the leases that are set.
fn leased<S: Shared + 'static>(store: S, settings: &Store) -> Arc<Leased<S>> {
    let terms = Terms {
        span: settings.lease.unwrap_or(LEASE_UNSET),
        ..Terms::default()
    };
    Arc::new(Leased::new(Arc::new(store), terms, Arc::new(SystemClock)))
}

/// The URL of a shared store, from the setting or from the file that it names.
fn url(settings: &Store) -> Result<String, Failure> {
    match (&settings.url, &settings.url_file) {
        (Some(url), _) => Ok(url.reveal().to_owned()),
        (None, Some(file)) => {
            let text = std::fs::read_to_string(file);
            let text = text.map_err(|error| {
                Failure::usage(format!("store.url_file: {}: {error}", file.display()))
            })?;
            Ok(text.trim_end_matches(['\r', '\n']).to_owned())
        }
        // Refused when the configuration was read.
        (None, None) => Err(Failure::usage("store.url is not set")),
    }
}

/// Makes the folder of the administrator's key, for this user only, if it is not there.
fn make_folder(path: &Path) -> Result<(), Failure> {
    use std::os::unix::fs::DirBuilderExt;

    let made = std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path);
    made.map_err(|error| {
        let folder = path.display().to_string();
        Failure::cannot_run(&format!("the folder {folder} cannot be made"), error)
    })
}
