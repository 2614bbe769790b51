//! `serve`: runs the authority until it is told to stop.

pub(crate) mod certificate;
mod listener;
mod manager;
mod reload;
mod telling;

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use innkeeper_domain::name::TenantId;
use innkeeper_engine::entropy::OsEntropy;
use innkeeper_engine::follow::FOLLOWED_WITHIN;
use innkeeper_engine::metrics::Metrics;
use innkeeper_engine::{Authority, Services};
use innkeeper_gateway::{Cost, Demo, Gateway, Users};
use innkeeper_http::cookies::SessionCookie;
use innkeeper_http::direct::Direct;
use innkeeper_http::envelope::enveloped;
use innkeeper_http::forward_auth::{ForwardAuth, SignInPage};
use innkeeper_http::layer::Door;
use innkeeper_http::origin::{OriginRule, PublicOrigin};
use innkeeper_http::rest::{self, PREFIX};
use innkeeper_http::server::{self, House, Limits};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinHandle;

use crate::admin_key;
use crate::args::ServeArguments;
use crate::config::{Config, Doors, Refused};
use crate::exit::Failure;
use crate::key_file;
use crate::open_store::{self, OpenStore};
use crate::print;
use crate::providers;
use reload::Reload;
use telling::Telling;

/// How often expiries are recorded, so that the journal tells of each within a minute (D7).
const SWEEP_EVERY: Duration = Duration::from_secs(30);

/// How long to wait after a failure before going on with what goes on for ever.
const TRY_AGAIN: Duration = Duration::from_secs(1);

/// How many file descriptors are for the store and for ourselves, whatever connections do.
const FILES_OF_OUR_OWN: u64 = 320;

/// Runs `serve`.
pub(crate) async fn run(arguments: ServeArguments) -> Result<(), Failure> {
    let config = load(&arguments)
        .map_err(|refused| Failure::usage(format!("configuration refused\n{refused}")))?;
    let telling = Telling::start(&config)?;
    log_settings(&config);

    let limits = limits();
    outlive_full_files();

    // Before the store is opened: a start that cannot listen changes nothing.
    let tls = certificate::load(&config)?;
    let mut lapsed = None;
    if let Some(file) = &config.tls.cert_file {
        certificate::warn_if_lapsed(file, &mut lapsed);
    }
    let listener = listener::listener(config.server.listen)?;
    let for_metrics = match config.server.metrics_listen {
        Some(address) => Some(listener::for_metrics(address)?),
        None => None,
    };

    let data = config.store.path.clone();
    let store = OpenStore::open(&config.store).await?;
    warn_if_others_may_write(&data);
    let authority = authority_over(&store, &config).await?;
    let authority = Arc::new(authority.counting(Metrics::by(stopwatch)));
    reload::put(&authority, &config).await;
    admin_key::ensure(&authority, &data)
        .await
        .map_err(|error| Failure::cannot_run("no administrator's key", error))?;
    warn_of_a_key_that_opens_nothing(&data);

    let address = address_of(&listener)?;

    let door = door(&config, &authority, arguments.demo)?;
    let users = Users::new(Arc::clone(&authority), TenantId::default(), Cost::OWASP);
    let metrics = rest::metrics_router(door.clone());
    let gate = Arc::new(forward_auth(
        &config,
        arguments.demo || config.gateway.is_on(),
    ));
    let direct = Arc::new(Direct::new(door.clone(), Arc::clone(&gate)));
    let mut router = rest::router_with_users(door.clone(), Arc::new(users.clone()))
        .merge(rest::forward_auth_router(door.clone(), gate));
    match &for_metrics {
        Some(own) => print::lines(format_args!(
            "innkeeper shows metrics on http://{}/metrics",
            address_of(own)?
        ))?,
        None => router = router.merge(metrics.clone()),
    }
    if let Some(gateway) = gateway(&config, arguments.demo, door, users).await? {
        router = router.merge(innkeeper_gateway::router(gateway));
    }
    // Whoever is told that we serve may tell us to stop, or to read the settings again.
    let told_to_stop = hear_stop();
    let hangup = hear(SignalKind::hangup(), "SIGHUP");
    let scheme = if tls.is_some() { "https" } else { "http" };
    print::lines(format_args!("innkeeper listens on {scheme}://{address}"))?;
    manager::tell("READY=1");

    let keep = config.journal.keep;
    let trusted_peers = config.server.trusted_peers.clone();
    let cert_file = config.tls.cert_file.clone();
    let reload = Reload { arguments, config };
    let mut beside = vec![
        tokio::spawn(sweep(Arc::clone(&authority), keep)),
        tokio::spawn(reload.follow(Arc::clone(&authority), hangup)),
        tokio::spawn(follow(Arc::clone(&authority))),
        tokio::spawn(work(Arc::clone(&authority))),
    ];
    if store.is_shared() {
        beside.push(tokio::spawn(follow_keys(Arc::clone(&authority))));
    }
    let shown = tls.clone().zip(cert_file);
    beside.extend(shown.map(|(tls, file)| tokio::spawn(certificate::follow(tls, file, lapsed))));
    let shown = House {
        limits,
        ..House::new(enveloped(metrics))
    };
    beside.extend(for_metrics.map(|own| tokio::spawn(show_metrics(own, shown))));
    let told = async {
        tokio::select! {
            () = told_to_stop => {}
            // It says nothing but no until it is opened anew. What waits is answered, and whoever
            // started us sees by the exit code that it is to be done again.
            () = store.failed() => {}
        }
        manager::tell("STOPPING=1");
        // Those who listen would listen on: the drain would wait for them in vain.
        authority.end_live();
    };
    let house = House {
        router: enveloped(router),
        direct: Some(direct),
        limits,
        tls,
        trusted_peers,
    };
    let drained = server::serve(listener, house, told).await;
    stop(beside).await;
    if drained.cut > 0 {
        tracing::warn!(
            cut = drained.cut,
            "requests were cut at the end of the drain"
        );
    }
    telling.stop().await;
    store.close().await
}

/// The authority over a store, which says what it promises.
async fn authority_over(store: &OpenStore, config: &Config) -> Result<Authority, Failure> {
    tracing::info!("{}", store.promises().line());
    if let Some(name) = store.preview() {
        tracing::warn!(
            "{name} as a store is a preview: docs/stores.md says what does not hold yet"
        );
    }
    let elsewhere = open_store::elsewhere(&config.store)?;
    if let Some(elsewhere) = &elsewhere {
        open_store::leave(&config.store.path, elsewhere)?;
    }
    let services = Services {
        store: store.sessions(),
        register: store.register(),
        entropy: Arc::new(OsEntropy),
    };
    let authority = Authority::open(services, config.policy.clone())
        .await
        .map_err(|error| Failure::cannot_run("the store cannot be used", error))?;
    Ok(match (store.archive(), elsewhere) {
        (Some(archive), _) => authority.with_archive(archive),
        (None, Some(elsewhere)) => authority.copied_elsewhere(elsewhere.words()),
        (None, None) => authority,
    })
}

/// Shows metrics on a listener of their own, for good.
async fn show_metrics(listener: TcpListener, house: House) {
    server::serve(listener, house, std::future::pending()).await;
}

/// The settings that these arguments lead to.
fn load(arguments: &ServeArguments) -> Result<Config, Refused> {
    Config::load(Doors {
        file: arguments.config.as_deref(),
        environment: std::env::vars_os().collect(),
        listen: arguments.listen,
        data: arguments.data.clone(),
    })
}

fn warn_of_a_key_that_opens_nothing(data: &Path) {
    let file = admin_key::file(data);
    if !file.exists() {
        tracing::warn!(
            file = %file.display(),
            "the administrator's key is not in its file; commands need --key-file"
        );
    } else if let Err(error) = key_file::read(&file) {
        tracing::warn!(
            file = %file.display(),
            %error,
            "the file of the administrator's key holds none that can be read; commands need \
             --key-file"
        );
    }
}

/// Stops what runs beside the requests. What was at the store has left it when this returns.
async fn stop(tasks: Vec<JoinHandle<()>>) {
    for task in &tasks {
        task.abort();
    }
    for task in tasks {
        let _ = task.await;
    }
}

fn address_of(listener: &TcpListener) -> Result<SocketAddr, Failure> {
    listener
        .local_addr()
        .map_err(|error| Failure::cannot_run("cannot listen", error))
}

/// What durations are measured by: the time since the first look at it.
fn stopwatch() -> Duration {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    START.elapsed()
}

/// A folder that we made is for this user only; one that was there keeps the mode it had.
fn warn_if_others_may_write(data: &Path) {
    let mode = std::fs::metadata(data).map(|folder| folder.permissions().mode());
    if mode.is_ok_and(|mode| mode & 0o022 != 0) {
        tracing::warn!(
            folder = %data.display(),
            "others may write to the data folder, and so replace the store: chmod 700 it"
        );
    }
}

/// How many connections are served at a time: never so many that the store finds no file
/// descriptor left, since a store that cannot write may stop, and we with it.
fn limits() -> Limits {
    let mut limits = Limits::default();
    let files = open_files_max();
    let room = usize::try_from(files.saturating_sub(FILES_OF_OUR_OWN)).unwrap_or(usize::MAX);
    if room < limits.connections_max {
        limits.connections_max = room.max(1);
        tracing::warn!(
            connections_max = limits.connections_max,
            open_files = files,
            "fewer connections than usual: raise the limit of open files (ulimit -n)"
        );
    }
    limits
}

/// Raises the limit of open files as far as this process may, and says where it is then.
fn open_files_max() -> u64 {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::debug!(%error, "the limit of open files cannot be raised");
    }
    // No limit at all reads as none.
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

fn log_settings(config: &Config) {
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        public_url_from = %config.origin("server.public_url"),
        "innkeeper starts with these settings"
    );
    for line in config
        .effective_toml()
        .lines()
        .filter(|line| !line.is_empty())
    {
        tracing::info!("  {line}");
    }
    warn_of(config);
}

/// Says what is accepted and probably not meant.
fn warn_of(config: &Config) {
    for warning in config.warnings() {
        tracing::warn!(place = warning.place, "{}", warning.text);
    }
}

/// How requests come in: by which cookie, and from pages of which address.
fn door(config: &Config, authority: &Arc<Authority>, demo: bool) -> Result<Door, Failure> {
    let origins = match &config.server.public_url {
        Some(url) => OriginRule::Public(PublicOrigin::parse(url).map_err(|error| {
            Failure::usage(format!("configuration refused\nserver.public_url: {error}"))
        })?),
        None => OriginRule::Loopback,
    };
    let secure = config
        .server
        .public_url
        .as_ref()
        .is_some_and(|url| url.starts_with("https://"));
    let cookie = if demo && !secure {
        let name = SessionCookie::LOOPBACK.name();
        tracing::warn!(
            cookie = name,
            "plain http in the demo: the cookie has no __Host- prefix"
        );
        SessionCookie::LOOPBACK
    } else {
        SessionCookie::HOST
    };
    Ok(Door {
        authority: Arc::clone(authority),
        cookie,
        origins,
        clears_storage: config.server.clear_storage_at_logout,
    })
}

/// The pages on which people sign in, if they are served.
async fn gateway(
    config: &Config,
    demo: bool,
    door: Door,
    users: Users,
) -> Result<Option<Gateway>, Failure> {
    let providers = providers::providers(config)?;
    if demo {
        let gateway = gateway_of_the_demo(door, users).await?;
        return Ok(Some(gateway.with_providers(providers)));
    }
    if !config.gateway.is_on() {
        return Ok(None);
    }
    if let Some(url) = &config.server.public_url {
        tracing::info!("people sign in at {url}{PREFIX}/sign-in");
    } else {
        tracing::info!(
            "people sign in from browsers of this machine only; for others set server.public_url"
        );
    }
    let client = config.gateway.client.clone();
    let gateway = Gateway::new(door, TenantId::default(), client).with_users(users);
    Ok(Some(gateway.with_providers(providers)))
}

/// How we stand in front of applications.
fn forward_auth(config: &Config, has_pages: bool) -> ForwardAuth {
    ForwardAuth {
        sign_in: match &config.server.public_url {
            _ if !has_pages => SignInPage::None,
            Some(url) => SignInPage::At(url.clone()),
            None => SignInPage::SameHost,
        },
        names: config.headers.names(),
        public: config.public.clone().into(),
        tenant: TenantId::default(),
    }
}

/// The sign-in of the demo, with its users, whose passwords are printed.
async fn gateway_of_the_demo(door: Door, users: Users) -> Result<Gateway, Failure> {
    let gateway = Gateway::demo(door, TenantId::default()).with_users(users);
    let demo = Demo::prepare(&gateway)
        .await
        .map_err(|error| Failure::cannot_run("the demo has no users", error))?;
    if demo.replaced {
        print::lines("the demo's users were here before: they have new passwords")?;
    }
    for user in &demo.users {
        print::lines(format_args!(
            "demo user {} password {}",
            user.name, user.password
        ))?;
    }
    Ok(gateway)
}

async fn sweep(authority: Arc<Authority>, keep: Duration) {
    let mut ticks = tokio::time::interval(SWEEP_EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        match authority.sweep().await {
            Ok(swept) if swept.expired > 0 => {
                tracing::info!(expired = swept.expired, rosters = swept.rosters, "swept");
            }
            Ok(_) => {}
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "the sweep was cut off; the next one goes on");
            }
        }
        if let Err(error) = authority.forget_logouts().await {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, "what providers told was not tidied up");
        }
        match authority.trim_journal(keep).await {
            Ok(0) => {}
            Ok(entries) => tracing::info!(entries, "let go of the oldest of the journal"),
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(
                    error,
                    "the journal was not shortened; the next time it may be"
                );
            }
        }
    }
}

/// Follows the keys that other nodes make and revoke.
async fn follow_keys(authority: Arc<Authority>) {
    let mut ticks = tokio::time::interval(FOLLOWED_WITHIN);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Err(error) = authority.follow_keys().await {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, "which keys there are could not be looked up");
        }
    }
}

/// Follows the journal for those who listen, and begins again where the store failed.
async fn follow(authority: Arc<Authority>) {
    loop {
        let Err(error) = authority.follow_journal().await;
        {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, "the journal cannot be followed; trying again");
        }
        tokio::time::sleep(TRY_AGAIN).await;
    }
}

/// Carries out bulk revocations, those from before a restart first, and again where the store
/// failed. It rests for as long as it worked, so that at most half of the time is its own.
async fn work(authority: Arc<Authority>) {
    loop {
        let Err(error) = authority.carry_out_orders(tokio::time::sleep).await;
        {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, "a bulk revocation was held up; trying again");
        }
        tokio::time::sleep(TRY_AGAIN).await;
    }
}

/// Lets a write beyond the limit of file sizes (`ulimit -f`) fail, as on a full disk: without a
/// listener its signal would end the process.
fn outlive_full_files() {
    let kind = SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw());
    // Heard for good: what hears a signal is never taken away again.
    drop(hear(kind, "SIGXFSZ"));
}

/// Hears SIGINT and SIGTERM from now on. What is returned ends with the first of them.
fn hear_stop() -> impl Future<Output = ()> {
    let mut terminate = hear(SignalKind::terminate(), "SIGTERM");
    let mut interrupt = hear(SignalKind::interrupt(), "SIGINT");
    async move {
        tokio::select! {
            () = heard(&mut terminate) => {}
            () = heard(&mut interrupt) => {}
        }
        tracing::info!("told to stop");
    }
}

/// Hears a signal from now on. Until then it would have ended the process.
fn hear(kind: SignalKind, name: &str) -> Option<Signal> {
    signal(kind)
        .inspect_err(|error| tracing::warn!(%error, "{name} is not heard"))
        .ok()
}

async fn heard(signal: &mut Option<Signal>) {
    match signal {
        Some(signal) => {
            signal.recv().await;
        }
        None => std::future::pending().await,
    }
}
