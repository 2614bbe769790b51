//! What the authority promises on one node, story by story; each names the invariant it shows.

mod admission;
mod askers;
mod bulk;
mod bulk_tenants;
mod cancellation;
mod choice;
mod events;
mod faults;
mod idempotency;
mod journal;
mod keys;
mod mixed;
mod nodes;
mod policy;
mod policy_history;
mod policy_put;
mod replacement;
mod retention;
mod revocation;
mod rotation;
mod seats;
mod stage;
mod subjects;
mod support;
