//! A world: nodes over one store, callers and a clock, all in one thread and from one seed.

mod clock;
mod close;
mod far;

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use innkeeper_domain::policy::{BindTo, Policy};
use innkeeper_engine::{Authority, EngineError, Services};
use innkeeper_store::clock::ManualClock;
use innkeeper_store::memory::MemoryStore;

use crate::checker::Violation;
use crate::dice::{Dice, SeededEntropy};
use crate::flaws::Flaw;
pub use crate::guests::Door;
use crate::guests::{self, Calling, Known};
use crate::history::{Answer, Call, Enacted, History, Operation, Subject};
use crate::mood::{ABSOLUTE, Ask, IDLE, Mood, Turn, draw_policy};
use crate::on_disk::OnDisk;
use crate::scribe::{self, Reply, Scribe};
use crate::tally::Tally;
use crate::weather::{Backend, Weather};
use far::Far;

const CALLERS: usize = 6;
const NODES: usize = 2;
const STEPS: usize = 1000;
/// A call over a slow line takes more of them.
const STEPS_FAR: usize = 4000;

/// What a run came to.
#[derive(Debug)]
pub struct Run {
    /// What happened.
    pub history: History,
    /// What it exercised.
    pub tally: Tally,
    /// What it broke.
    pub violations: Vec<Violation>,
}

/// Runs one seed over the reference store.
#[must_use]
pub fn run(seed: u64) -> Run {
    run_over(seed, |clock, _| Arc::new(MemoryStore::new(clock)))
}

/// Runs one seed over the embedded store, which crashes at any write and sync.
#[must_use]
pub fn run_embedded(seed: u64) -> Run {
    run_over(seed, |clock, dice| Arc::new(OnDisk::new(clock, dice)))
}

/// Runs one seed in which nodes get a new policy one by one, as in a rolling upgrade.
#[must_use]
pub fn run_rolling(seed: u64) -> Run {
    let mut world = World::new(seed, |clock, _| Arc::new(MemoryStore::new(clock)));
    world.rollout = Rollout::OneByOne;
    world.play()
}

/// Runs one seed in which nodes share a store, each behind a line of its own and with leases.
#[must_use]
pub fn run_nodes(seed: u64) -> Run {
    World::far(seed, None).play()
}

/// Runs one seed of nodes that share a store, with a flaw in their leases.
#[must_use]
pub fn run_leases(flaw: Flaw, seed: u64) -> Run {
    World::far(seed, Some(flaw)).play()
}

/// Runs one seed with callers who are let in by this door.
#[must_use]
pub fn run_through(door: Door, seed: u64) -> Run {
    let mut world = World::new(seed, |clock, _| Arc::new(MemoryStore::new(clock)));
    world.door = door;
    world.play()
}

/// Runs one seed over the store that `build` makes.
#[must_use]
pub fn run_over(seed: u64, build: impl FnOnce(Arc<ManualClock>, Dice) -> Arc<dyn Backend>) -> Run {
    World::new(seed, build).play()
}

/// How nodes come by a new policy.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Rollout {
    /// All of them go down, and come back with it.
    Together,
    /// The last one stays as it was until the next restart.
    OneByOne,
}

/// Names the seed of a run that panics, so that it can be had again.
struct Named(u64);

impl Drop for Named {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("seed {}: it panicked", self.0);
        }
    }
}

struct World {
    _named: Named,
    dice: Dice,
    mood: Mood,
    clock: Arc<ManualClock>,
    backend: Arc<dyn Backend>,
    /// Over all nodes, or over each of them.
    weathers: Vec<Arc<Weather>>,
    far: Option<Far>,
    nodes: Vec<Arc<Authority>>,
    rollout: Rollout,
    policy: Policy,
    calls: Vec<Option<UnderWay>>,
    known: Vec<Known>,
    labels: u32,
    door: Door,
    scribe: Scribe,
    history: History,
    place: usize,
    tally: Tally,
    stuck: Vec<Violation>,
}

impl World {
    fn new(seed: u64, build: impl FnOnce(Arc<ManualClock>, Dice) -> Arc<dyn Backend>) -> Self {
        let named = Named(seed);
        let mut dice = Dice::new(seed);
        let clock = Arc::new(ManualClock::at(1_800_000_000));
        let backend = build(Arc::clone(&clock), dice.split());
        let mood = Mood::drawn(&mut dice);
        let sky = dice.split();
        let weather = Arc::new(Weather::over(Arc::clone(&backend), sky, mood.faults));
        let mut world = Self::begun(named, dice, mood, clock, backend);
        world.weathers.push(weather);
        world.open();
        world
    }

    /// Nodes that share a store.
    fn far(seed: u64, flaw: Option<Flaw>) -> Self {
        let named = Named(seed);
        let mut dice = Dice::new(seed);
        let clock = Arc::new(ManualClock::at(1_800_000_000));
        let mood = Mood::drawn(&mut dice).among_nodes(&mut dice);
        let far = Far::new(Arc::clone(&clock), dice.split(), mood.faults, flaw);
        let mut world = Self::begun(named, dice, mood, clock, far.hub());
        world.weathers = far.weathers();
        world.history.lease = millis(far.span());
        world.far = Some(far);
        world.open();
        world
    }

    fn begun(
        named: Named,
        mut dice: Dice,
        mood: Mood,
        clock: Arc<ManualClock>,
        backend: Arc<dyn Backend>,
    ) -> Self {
        let policy = draw_policy(&mut dice);
        Self {
            _named: named,
            dice,
            mood,
            clock,
            backend,
            weathers: Vec::new(),
            far: None,
            nodes: Vec::new(),
            rollout: Rollout::Together,
            policy,
            calls: (0..CALLERS).map(|_| None).collect(),
            known: scribe::subjects().map(|_| Known::default()).collect(),
            labels: 0,
            door: Door::default(),
            scribe: Scribe::default(),
            history: History {
                tenants: scribe::tenants(),
                idle: millis(IDLE),
                absolute: millis(ABSOLUTE),
                ..History::default()
            },
            place: 0,
            tally: Tally::default(),
            stuck: Vec::new(),
        }
    }

    fn play(mut self) -> Run {
        let steps = if self.far.is_some() { STEPS_FAR } else { STEPS };
        for _ in 0..steps {
            self.step();
        }
        self.close()
    }

    fn step(&mut self) {
        if self.backend.has_crashed() {
            self.tally.crashes += 1;
            self.begin_anew();
        }
        if let Some(far) = &mut self.far {
            self.place += 1;
            far.work(self.place);
        }
        let caller = self.dice.place(CALLERS);
        match self.mood.turn(&mut self.dice) {
            Turn::Poll => self.poll(caller),
            Turn::Begin => self.begin(caller),
            Turn::GiveUp => self.give_up(caller),
            Turn::Pass => self.pass_a_while(),
            Turn::Approach => self.approach_a_deadline(),
            Turn::Deliver => {
                let place = self.dice.place(self.weathers.len());
                finish(self.weathers[place].deliver_late());
            }
            Turn::Befall => self.befall(),
            Turn::MoveClock => self.move_clock(),
            Turn::Restart => self.restart(),
        }
    }

    /// Something befalls a node, or what all of them share.
    fn befall(&mut self) {
        let Some(far) = &mut self.far else { return };
        self.place += 1;
        let befallen = far.befall(self.place);
        self.history.outages.extend(befallen.outages);
        self.history.losses.extend(befallen.loss);
        if befallen.is_failover {
            self.history.crashes.push(self.place);
        }
        self.place += 1;
    }

    /// Opens the nodes, in whatever weather.
    fn open(&mut self) {
        let stays = self.nodes.pop();
        self.nodes.clear();
        let count = self.far.as_ref().map_or(NODES, Far::count);
        if let Some(far) = &mut self.far {
            self.history.outages.extend(far.close(self.place));
        }
        for number in 0..count {
            let wired = self.far.as_mut().map(|far| far.wire(number));
            let node = loop {
                let entropy = Arc::new(SeededEntropy::new(self.dice.split()));
                let services = match &wired {
                    Some((store, register)) => Services {
                        store: Arc::clone(store),
                        register: Arc::clone(register),
                        entropy,
                    },
                    None => Services {
                        store: Arc::clone(&self.weathers[0]) as _,
                        register: Arc::clone(&self.weathers[0]) as _,
                        entropy,
                    },
                };
                if let Some(Ok(node)) = finish(Authority::open(services, self.policy.clone())) {
                    break node;
                }
            };
            self.nodes.push(Arc::new(node));
        }
        if let Some(far) = &mut self.far {
            far.catch_up(self.place);
            far.stir();
        }
        if let Some(stays) = stays.filter(|_| self.rollout == Rollout::OneByOne) {
            self.nodes[NODES - 1] = stays;
        }
        let version = self.nodes[0].policy().version.0;
        let followed_at = self.followed_at();
        if self
            .history
            .policies
            .last()
            .is_none_or(|p| p.version < version)
        {
            self.history.policies.push(Enacted {
                version,
                limit: self.policy.terms.max_sessions.get(),
                idle: millis(self.policy.terms.idle),
                binds_devices: self.policy.terms.binding == BindTo::Device,
                seats: self.policy.tenants.first().map(|limit| limit.seats.get()),
                protects_for: millis(self.policy.terms.protect_trusted_for),
                from: self.place,
                followed_at,
            });
        }
    }

    fn restart(&mut self) {
        self.give_all_up();
        self.tally.restarts += 1;
        if self.dice.once_in(2) {
            // A store that comes back knows of nothing that is still under way.
            self.deliver_all();
            self.backend.crash();
            self.tally.crashes += 1;
        }
        if self.dice.once_in(2) {
            self.policy = draw_policy(&mut self.dice);
            self.tally.policies += 1;
        }
        self.begin_anew();
    }

    fn deliver_all(&self) {
        for weather in &self.weathers {
            while weather.is_late() {
                finish(weather.deliver_late());
            }
        }
    }

    /// The nodes are opened after a crash: whoever was waiting waits no longer.
    fn begin_anew(&mut self) {
        self.give_all_up();
        self.history.crashes.push(self.place);
        self.place += 1;
        self.open();
    }

    fn give_all_up(&mut self) {
        for caller in 0..CALLERS {
            self.give_up(caller);
        }
    }

    fn begin(&mut self, caller: usize) {
        if self.calls[caller].is_some() {
            return self.poll(caller);
        }
        let subject = Subject(*self.dice.one_of(&[0, 0, 0, 0, 1, 2]).unwrap_or(&0));
        let ask = self.mood.ask(&mut self.dice);
        let anywhere = self.dice.place(self.nodes.len());
        let left_by = self.known[subject.0 as usize].left_by();
        // Who comes back comes back to where it left, or comes by another way.
        let returns = left_by.filter(|_| ask == Ask::Return);
        let number = returns.filter(|_| self.dice.once_in(2)).unwrap_or(anywhere);
        if self.far.as_ref().is_some_and(|far| far.is_paused(number)) {
            return;
        }
        self.tally.returns += u64::from(returns.is_some());
        let node = Arc::clone(&self.nodes[number]);
        let known = &mut self.known[subject.0 as usize];
        let (call, calling) = guests::ask(
            ask,
            node,
            self.door,
            subject,
            known,
            &mut self.labels,
            &mut self.dice,
        );
        let operation = self.note(subject, number, call);
        self.calls[caller] = Some(UnderWay {
            operation,
            node: number,
            calling,
        });
    }

    fn note(&mut self, subject: Subject, node: usize, call: Call) -> usize {
        let begun = self.point();
        self.tally.operations += 1;
        self.history.operations.push(Operation {
            subject,
            node,
            call,
            begun,
            ended: begun,
            answer: Answer::Unknown,
            is_void: false,
        });
        self.history.operations.len() - 1
    }

    fn poll(&mut self, caller: usize) {
        let far = self.far.as_ref();
        if let Some(under_way) = &mut self.calls[caller]
            && !far.is_some_and(|far| far.is_paused(under_way.node))
            && let Poll::Ready(reply) = poll_once(&mut under_way.calling)
        {
            let number = under_way.operation;
            self.calls[caller] = None;
            self.answered(number, reply);
        }
    }

    fn give_up(&mut self, caller: usize) {
        if let Some(under_way) = self.calls[caller].take() {
            drop(under_way.calling);
            self.tally.dropped += 1;
            self.history.operations[under_way.operation].ended = self.point();
        }
    }

    fn answered(&mut self, number: usize, reply: Result<Reply, EngineError>) {
        let subject = self.history.operations[number].subject;
        let known = &mut self.known[subject.0 as usize];
        if let Ok(Reply::Standing(standing)) = &reply {
            known.look_at(number, standing, &mut self.scribe);
        }
        let call = &self.history.operations[number].call;
        known.learn(call, &reply, &mut self.scribe);
        let (answer, token) = self.scribe.answer(reply);
        if let Some(token) = token {
            let tok = self.scribe.token(&token);
            known.keep(tok, &token, &answer);
        }
        let ended = self.point();
        let operation = &mut self.history.operations[number];
        (operation.ended, operation.answer) = (ended, answer);
        self.known[subject.0 as usize].note(operation);
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

/// A call that a node has not answered yet.
struct UnderWay {
    operation: usize,
    node: usize,
    calling: Calling,
}

fn context() -> Context<'static> {
    Context::from_waker(Waker::noop())
}

fn poll_once(calling: &mut Calling) -> Poll<Result<Reply, EngineError>> {
    calling.as_mut().poll(&mut context())
}

/// Polls to the end, or to a bound: then it waits for something that nobody does.
fn finish<F: Future>(future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    (0..20_000).find_map(|_| match future.as_mut().poll(&mut context()) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    })
}
