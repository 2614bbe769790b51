//! The locks, flags, queues and threads of this crate.
//!
//! They are the machine's. With the feature `shuttle` they are shuttle's, by which a test chooses
//! at each of them who goes on (`tests/schedules`); a store then works nowhere else.

#[cfg(not(feature = "shuttle"))]
pub(crate) use {
    parking_lot::{Mutex, RwLock, RwLockReadGuard, RwLockWriteGuard},
    std::sync::{atomic, mpsc},
    std::thread,
};

#[cfg(feature = "shuttle")]
pub(crate) use {
    scheduled::{Mutex, RwLock},
    shuttle::sync::{RwLockReadGuard, RwLockWriteGuard, atomic, mpsc},
    shuttle::thread,
};

/// Shuttle's locks, which are made after those of the standard library, as the crate calls them.
#[cfg(feature = "shuttle")]
mod scheduled {
    use std::sync::PoisonError;

    use shuttle::sync::{self, MutexGuard, RwLockReadGuard, RwLockWriteGuard};

    #[derive(Debug, Default)]
    pub(crate) struct Mutex<T>(sync::Mutex<T>);

    impl<T> Mutex<T> {
        pub(crate) fn new(value: T) -> Self {
            Self(sync::Mutex::new(value))
        }

        pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner)
        }
    }

    #[derive(Debug, Default)]
    pub(crate) struct RwLock<T>(sync::RwLock<T>);

    impl<T> RwLock<T> {
        pub(crate) fn new(value: T) -> Self {
            Self(sync::RwLock::new(value))
        }

        pub(crate) fn read(&self) -> RwLockReadGuard<'_, T> {
            self.0.read().unwrap_or_else(PoisonError::into_inner)
        }

        pub(crate) fn write(&self) -> RwLockWriteGuard<'_, T> {
            self.0.write().unwrap_or_else(PoisonError::into_inner)
        }
    }
}
