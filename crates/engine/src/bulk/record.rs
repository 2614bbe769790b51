//! A bulk revocation as the register keeps it.

use std::error::Error;

use innkeeper_domain::device::DeviceId;
use innkeeper_domain::filter::{BindingKind, SessionFilter, network};
use innkeeper_domain::name::{ClientId, GroupName, SubjectId, TenantId};
use innkeeper_domain::session::{EndReason, SessionClass, SessionId, Timestamp};
use innkeeper_domain::token::RosterTag;
use serde::{Deserialize, Serialize};

use super::{BulkRevocation, RevocationId, State};
use crate::EngineError;

#[derive(Deserialize, Serialize)]
struct Record {
    tenant: String,
    filter: FilterRecord,
    reason: ReasonRecord,
    started_at: u64,
    finished_at: Option<u64>,
    state: StateRecord,
    subjects: u64,
    matched: u64,
    ended: u64,
    walks: u32,
    has_found: bool,
    after: Option<[u8; 16]>,
    batch: Vec<String>,
}

#[derive(Deserialize, Serialize)]
struct FilterRecord {
    subject: Option<String>,
    client: Option<String>,
    class: Option<ClassRecord>,
    group: Option<String>,
    network: Option<String>,
    device: Option<String>,
    binding: Option<BindingRecord>,
    created_before: Option<u64>,
    idle_since: Option<u64>,
}

macro_rules! words {
    ($record:ident of $word:ty: $($name:ident)+) => {
        #[derive(Clone, Copy, Deserialize, Serialize)]
        #[serde(rename_all = "snake_case")]
        enum $record { $($name),+ }

        impl From<$record> for $word {
            fn from(record: $record) -> Self {
                match record { $($record::$name => Self::$name),+ }
            }
        }

        impl From<$word> for $record {
            fn from(word: $word) -> Self {
                match word { $(<$word>::$name => Self::$name),+ }
            }
        }
    };
}

words! { ClassRecord of SessionClass: Interactive Machine Impersonation }
words! { BindingRecord of BindingKind: None DeviceCookie }
words! { StateRecord of State: Waiting Running Cancelling Cancelled Done }
words! { ReasonRecord of EndReason: Logout Idle Absolute Evicted Superseded RevokedByUser
RevokedByAdmin CredentialChange SubjectDisabled ReuseDetected DeviceMismatch Risk Federation
PolicyChange }

pub(super) fn encode(order: &BulkRevocation) -> Vec<u8> {
    let filter = &order.filter;
    let record = Record {
        tenant: order.tenant.to_string(),
        filter: FilterRecord {
            subject: filter.subject.as_ref().map(ToString::to_string),
            client: filter.client.as_ref().map(ToString::to_string),
            class: filter.class.map(Into::into),
            group: filter.group.as_ref().map(ToString::to_string),
            network: filter.network.map(|n| n.to_string()),
            device: filter.device.map(|d| d.to_string()),
            binding: filter.binding.map(Into::into),
            created_before: filter.created_before.map(Timestamp::as_millis),
            idle_since: filter.idle_since.map(Timestamp::as_millis),
        },
        reason: order.reason.into(),
        started_at: order.started_at.as_millis(),
        finished_at: order.finished_at.map(Timestamp::as_millis),
        state: order.state.into(),
        subjects: order.subjects,
        matched: order.matched,
        ended: order.ended,
        walks: order.walks,
        has_found: order.has_found,
        after: order.after.map(|tag| *tag.as_bytes()),
        batch: order.batch.iter().map(ToString::to_string).collect(),
    };
    serde_json::to_vec(&record).expect("a record is valid JSON")
}

pub(super) fn decode(
    id: RevocationId,
    name: &str,
    value: &[u8],
) -> Result<BulkRevocation, EngineError> {
    let record: Record = serde_json::from_slice(value).map_err(|e| unreadable(name, e.into()))?;
    record.revive(id).map_err(|e| unreadable(name, e))
}

pub(super) fn unreadable(name: &str, source: Box<dyn Error + Send + Sync>) -> EngineError {
    EngineError::Register {
        name: name.into(),
        source,
    }
}

impl Record {
    fn revive(self, id: RevocationId) -> Result<BulkRevocation, Box<dyn Error + Send + Sync>> {
        Ok(BulkRevocation {
            id,
            tenant: TenantId::parse(&self.tenant)?,
            filter: self.filter.revive()?,
            reason: self.reason.into(),
            started_at: Timestamp::from_millis(self.started_at),
            finished_at: self.finished_at.map(Timestamp::from_millis),
            state: self.state.into(),
            subjects: self.subjects,
            matched: self.matched,
            ended: self.ended,
            walks: self.walks,
            has_found: self.has_found,
            after: self.after.map(RosterTag::from_bytes),
            batch: self
                .batch
                .iter()
                .map(|id| SessionId::parse(id))
                .collect::<Result<_, _>>()?,
        })
    }
}

impl FilterRecord {
    fn revive(self) -> Result<SessionFilter, Box<dyn Error + Send + Sync>> {
        let network = self
            .network
            .map(|text| network(&text).ok_or("it has an impossible range of addresses"))
            .transpose()?;
        Ok(SessionFilter {
            subject: self.subject.map(|s| SubjectId::parse(&s)).transpose()?,
            client: self.client.map(|c| ClientId::parse(&c)).transpose()?,
            class: self.class.map(Into::into),
            group: self.group.map(|g| GroupName::parse(&g)).transpose()?,
            network,
            device: self.device.map(|d| DeviceId::parse(&d)).transpose()?,
            binding: self.binding.map(Into::into),
            created_before: self.created_before.map(Timestamp::from_millis),
            idle_since: self.idle_since.map(Timestamp::from_millis),
        })
    }
}
