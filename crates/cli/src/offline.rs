//! What is done to a data folder that no server holds.

use std::path::Path;
use std::sync::Arc;

use innkeeper_api::{KeyCreateRequest, KeyCreated, Secret};
use innkeeper_domain::name::TenantId;
use innkeeper_engine::entropy::OsEntropy;
use innkeeper_engine::keys::{Enrolled, Issuer};
use innkeeper_engine::{Authority, EngineError, Services};
use innkeeper_http::wire;
use innkeeper_store_embedded::EmbeddedStore;

use crate::exit::Failure;
use crate::open_store::{self, OpenStore};

/// Opens the store of a folder, under the policy that it holds.
///
/// The folder is locked meanwhile: a server that runs on it makes this fail, and one that is
/// started waits for its turn by failing.
pub(crate) async fn open(data: &Path) -> Result<(Arc<EmbeddedStore>, Authority), Failure> {
    let store = open_store::embedded_in(data).await?;
    let services = Services {
        store: Arc::clone(&store) as _,
        register: Arc::clone(&store) as _,
        entropy: Arc::new(OsEntropy),
    };
    let authority = Authority::open_as_it_is(services).await.map_err(failed)?;
    Ok((store, authority))
}

/// Makes a key by the right of whoever may write to the folder.
pub(crate) async fn create_key(
    data: &Path,
    request: KeyCreateRequest,
) -> Result<KeyCreated, Failure> {
    let tenant = request.tenant.as_deref().map(TenantId::parse).transpose();
    let tenant = tenant.map_err(|error| Failure::refused("--tenant", error))?;
    let (store, authority) = open(data).await?;
    let made = authority.prepare_key().map_err(failed)?;
    let now = authority.now().await.map_err(failed)?;
    let scopes = request.scopes.iter().copied().map(wire::read_scope);
    let name = request.name.as_str();
    let enrolled = authority
        .enrol_key(Issuer::Operator, &made, name, scopes.collect(), tenant, now)
        .await
        .map_err(failed)?;
    let Enrolled::Done(info) = enrolled else {
        unreachable!("an operator's word is not a key's");
    };
    drop(authority);
    OpenStore::Embedded(store).close().await?;
    Ok(KeyCreated {
        id: info.id.clone(),
        key: Secret::new(made.reveal()),
        name: request.name.as_str().to_owned(),
        scopes: request.scopes,
        tenant: request.tenant,
    })
}

fn failed(error: EngineError) -> Failure {
    Failure::cannot_run("the store cannot be used", error)
}
