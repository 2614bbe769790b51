//! From the order to end a session to the first check that refuses it.

use std::time::Instant;

use innkeeper_domain::check::Demand;
use innkeeper_domain::name::TenantId;
use innkeeper_domain::policy::Policy;
use innkeeper_domain::session::{EndReason, Initiator};
use innkeeper_engine::check::{Activity, CheckAnswer, CheckRequest, Renewal};
use innkeeper_engine::revoke::{Revoked, Scope};

use crate::bare::BareLog;
use crate::population::{EACH, House};
use crate::resident::nanoseconds;
use crate::row::Row;
use crate::stats::percentile;
use crate::{BenchError, Run, machine};

const SUBJECTS: u64 = 400;

pub(crate) fn measure(
    run: &Run<'_>,
    progress: &mut dyn FnMut(&str),
) -> Result<Vec<Row>, BenchError> {
    progress("revoking sessions");
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let folder = run.folder()?;
    let subjects = if run.quick { SUBJECTS / 4 } else { SUBJECTS };
    runtime.block_on(async {
        let house = House::open(&folder.path().join("store"), Policy::default()).await?;
        house.fill(0..subjects, EACH).await?;
        let bare = BareLog::create(&folder.path().join("bare"))?;
        let (mut spans, mut floors) = (Vec::new(), Vec::new());
        let mut each = 1024;
        for subject in 0..subjects {
            for number in 0..EACH {
                let before = machine::written_bytes()?;
                spans.push(revoke(&house, subject, number).await?);
                let written = machine::written_bytes()? - before;
                each = usize::try_from(written).unwrap_or(each).max(1);
                let started = Instant::now();
                bare.commit(vec![0xa5; each].into()).await?;
                floors.push(nanoseconds(started) / 1e3);
            }
        }
        house.close().await?;
        let row = Row::alone("revoke_to_effect_p99", percentile(&spans, 99), "µs");
        Ok(vec![
            row.over(
                percentile(&floors, 99),
                "p99 of one write of as many bytes and one fdatasync",
            )
            .goal("in force when it is answered (B = 0)"),
        ])
    })
}

async fn revoke(house: &House, subject: u64, number: u64) -> Result<f64, BenchError> {
    let tenant = TenantId::default();
    let request = CheckRequest {
        token: house.token(subject, number),
        tenant: Some(tenant.clone()),
        demand: Demand::default(),
        activity: Activity::Passive,
        renewal: Renewal::Never,
    };
    let CheckAnswer::Valid(passed) = house.authority.check(&request).await? else {
        return Err(BenchError::Wrong("a good token was refused"));
    };
    let started = Instant::now();
    let scope = Scope::Tenant(&tenant);
    let (reason, by) = (EndReason::RevokedByAdmin, Initiator::Admin);
    let ended = house
        .authority
        .revoke(scope, passed.id(), reason, by)
        .await?;
    let refused = house.authority.check(&request).await?;
    let span = nanoseconds(started) / 1e3;
    match (ended, refused) {
        (Revoked::Ended, CheckAnswer::NoSession(_)) => Ok(span),
        _ => Err(BenchError::Wrong("a revoked session was let in")),
    }
}
