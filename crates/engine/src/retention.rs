//! Retention: how long the journal is kept, and who still has to read it.
//!
//! Neutral to every verdict (S18): no verdict rests on the journal. An entry stays for the span
//! that was asked for, at least as long as a session may live, so that whoever held one can be told
//! how it ended (V5), and until every consumer has it or was switched off (D7).

use std::time::Duration;

use innkeeper_domain::policy::Policy;
use innkeeper_domain::roster::StoreGeneration;
use innkeeper_store::register::Put;
use innkeeper_store::{Cursor, JournalEntry, Tail};
use serde::{Deserialize, Serialize};

use crate::{Authority, EngineError, ask};

const CONSUMERS: &str = "consumer/";
/// How many entries one look at the store brings, and one call looks at: the next goes on.
const LOOK: usize = 512;
const LOOKED_MAX: usize = 262_144;

/// One who carries the journal outward, and how far it has come.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Consumer {
    name: String,
    version: u64,
    place: Place,
}

#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
struct Place {
    /// The generation of the store whose journal it is a place in.
    store: u64,
    /// After this entry; `None` for the beginning.
    after: Option<Vec<u8>>,
}

impl Consumer {
    /// After which entry it goes on; `None` for the first that is kept.
    #[must_use]
    pub fn after(&self) -> Option<Cursor> {
        self.place.after.clone().map(|bytes| Cursor(bytes.into()))
    }
}

impl Authority {
    /// A consumer as it stands, or a new one at the first entry that is kept.
    ///
    /// Of a restored store the journal is another one: there, each begins anew.
    pub async fn consumer(&self, name: &str) -> Result<Consumer, EngineError> {
        let key = format!("{CONSUMERS}{name}");
        let store = ask::ground(&*self.store).await?.store_generation.0;
        let start = Place { store, after: None };
        loop {
            let held = self.register.get(&key).await?;
            let seen = held.as_ref().map(|held| held.version);
            if let Some(held) = held {
                let place = read(&key, &held.value)?;
                if place.store == store {
                    return Ok(Consumer {
                        name: name.to_owned(),
                        version: held.version,
                        place,
                    });
                }
            }
            let put = self.register.put(&key, seen, Some(write(&start)));
            if let Put::Done(version) = put.await? {
                return Ok(Consumer {
                    name: name.to_owned(),
                    version,
                    place: start,
                });
            }
        }
    }

    /// Moves a consumer behind an entry that it has carried out; `None` if another has moved it
    /// since, and whoever asks is no longer the one that carries.
    pub async fn move_consumer(
        &self,
        consumer: &Consumer,
        after: &Cursor,
    ) -> Result<Option<Consumer>, EngineError> {
        let key = format!("{CONSUMERS}{}", consumer.name);
        let place = Place {
            after: Some(after.0.to_vec()),
            ..consumer.place
        };
        let seen = Some(consumer.version);
        let put = self.register.put(&key, seen, Some(write(&place))).await?;
        Ok(match put {
            Put::Done(version) => Some(Consumer {
                name: consumer.name.clone(),
                version,
                place,
            }),
            Put::Stale => None,
        })
    }

    /// Switches a consumer off: nothing is kept for it any more.
    pub async fn end_consumer(&self, name: &str) -> Result<(), EngineError> {
        let key = format!("{CONSUMERS}{name}");
        while let Some(held) = self.register.get(&key).await? {
            let put = self.register.put(&key, Some(held.version), None).await?;
            if let Put::Done(_) = put {
                break;
            }
        }
        Ok(())
    }

    /// Lets go of the entries that are older than `keep`, or than a session may become if that is
    /// longer, as far as every consumer has them. Returns how many it let go of.
    pub async fn trim_journal(&self, keep: Duration) -> Result<usize, EngineError> {
        let policy = self.newest_policy().await?;
        let keep = keep.max(longest_life(&policy));
        let ground = ask::ground(&*self.store).await?;
        let standing = self.consumers(ground.store_generation).await?;
        let now = self.now().await?;
        let (mut through, mut count) = (None, 0);
        let mut is_first_look = true;
        'looks: while count < LOOKED_MAX {
            let Tail::Page(page) = self.store.tail(through.as_ref(), LOOK).await? else {
                // Another node let go of them meanwhile.
                return Ok(0);
            };
            if std::mem::take(&mut is_first_look)
                && self.is_anybody_before(&standing, &page).await?
            {
                return Ok(0);
            }
            let is_end = page.len() < LOOK;
            for (cursor, entry) in page {
                if entry.at.plus(keep) > now {
                    break 'looks;
                }
                count += 1;
                let is_next_to_read = standing.contains(&Some(cursor.clone()));
                through = Some(cursor);
                if is_next_to_read {
                    break 'looks;
                }
            }
            if is_end {
                break;
            }
        }
        if let Some(through) = through {
            self.store.trim(&through).await?;
        }
        Ok(count)
    }

    /// Whether a consumer still has to read the first entry that is kept.
    async fn is_anybody_before(
        &self,
        standing: &[Option<Cursor>],
        kept: &[(Cursor, JournalEntry)],
    ) -> Result<bool, EngineError> {
        let first = kept.first().map(|(cursor, _)| cursor);
        for after in standing {
            let Some(after) = after else { return Ok(true) };
            // One whose next entry is gone has nothing left to lose.
            if let Tail::Page(next) = self.store.tail(Some(after), 1).await?
                && next.first().map(|(cursor, _)| cursor) == first
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Where the consumers of this generation of the store stand.
    async fn consumers(&self, store: StoreGeneration) -> Result<Vec<Option<Cursor>>, EngineError> {
        let mut standing = Vec::new();
        for (key, held) in self.register.list(CONSUMERS).await? {
            let place = read(&key, &held.value)?;
            // One that stood in another journal begins with the first entry that is kept.
            let after = place.after.filter(|_| place.store == store.0);
            standing.push(after.map(|bytes| Cursor(bytes.into())));
        }
        Ok(standing)
    }
}

/// The longest that a session may live under a policy.
fn longest_life(policy: &Policy) -> Duration {
    let rules = policy.rules.iter().filter_map(|rule| rule.set.absolute);
    rules.fold(policy.terms.absolute, Duration::max)
}

fn write(place: &Place) -> Vec<u8> {
    serde_json::to_vec(place).expect("numbers can be written")
}

fn read(key: &str, value: &[u8]) -> Result<Place, EngineError> {
    serde_json::from_slice(value).map_err(|source| EngineError::Register {
        name: key.to_owned(),
        source: Box::new(source),
    })
}
