//! Callers of one subject, who take their steps in every possible order.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use stateright::{Model, Property};

use crate::code::{Ask, Code, Decided, Decision};
use crate::spec::{Answer, Number, Spec, Token};

/// The last tick.
const LAST: u64 = 5;

/// What one caller wants.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Wish {
    /// To sign in.
    SignIn(Number),
    /// To end a session.
    Revoke(Number),
    /// To end all.
    RevokeAll,
    /// To disable.
    Disable,
    /// To enable.
    Enable,
    /// To set a limit.
    Limit(usize),
    /// To renew a token; the next one has this number.
    Rotate(Number, Token, Token),
    /// To be heard from.
    Touch(Number),
}

/// How far a caller has come.
#[derive(Clone, Debug, Hash)]
enum Stage {
    /// Has not begun.
    Idle,
    /// Has read the generation.
    Looked(u64),
    /// Has decided; the commit is on its way.
    Sent(Decided, u64),
    /// Has an answer, or will never have one.
    Over,
}

/// A small world.
#[derive(Clone, Debug)]
pub struct Bounds {
    /// The limit.
    pub limit: usize,
    /// Whether the oldest makes room, or the newcomer is refused.
    pub evicts: bool,
    /// The callers.
    pub wishes: Vec<Wish>,
}

/// A state of that world: the specification and the code, side by side.
#[derive(Clone, Debug)]
pub struct State {
    spec: Spec,
    code: Code,
    now: u64,
    crashed: bool,
    stages: Vec<Stage>,
    /// Sessions that were seen dead.
    dead: BTreeSet<Number>,
    /// Whether both have said the same so far.
    agreed: bool,
    /// What the last step showed.
    seen: BTreeSet<Seen>,
}

/// What must be seen somewhere, or the exploration shows nothing.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
enum Seen {
    Answer(Answer),
    StaleCommit,
    Eviction,
    LateCommit,
    Repeat,
}

impl Hash for State {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        (&self.spec, &self.code, self.now, self.crashed).hash(hasher);
        (&self.stages, &self.dead, self.agreed, &self.seen).hash(hasher);
    }
}

/// Two states are the same if nothing in them tells what comes next apart.
impl PartialEq for State {
    fn eq(&self, other: &Self) -> bool {
        let print = |state: &Self| {
            let mut hasher = DefaultHasher::new();
            state.hash(&mut hasher);
            hasher.finish()
        };
        print(self) == print(other)
    }
}

/// A step.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Step {
    /// A caller takes its next one.
    Caller(usize),
    /// A commit that nobody waits for any more does not arrive.
    Lose(usize),
    /// Time passes.
    Tick,
    /// The node goes down: what has not been sent never will be.
    Crash,
}

impl Bounds {
    fn tokens(&self) -> Vec<(Number, Token)> {
        let rotations = self.wishes.iter().filter_map(|wish| match wish {
            Wish::Rotate(number, _, next) => Some((*number, *next)),
            _ => None,
        });
        (0..self.sign_ins())
            .map(|n| (n, 0))
            .chain(rotations)
            .collect()
    }

    fn sign_ins(&self) -> Number {
        let count = self
            .wishes
            .iter()
            .filter(|w| matches!(w, Wish::SignIn(_)))
            .count();
        Number::try_from(count).expect("there are few")
    }

    fn act(&self, world: &mut State, caller: usize) {
        let now = world.now;
        let (wish, stage) = (self.wishes[caller], world.stages[caller].clone());
        world.stages[caller] = match (wish, stage) {
            (Wish::SignIn(_), Stage::Idle) => Stage::Looked(world.code.generation()),
            (Wish::Touch(number), _) => {
                world.spec.touch(number, now);
                world.code = world.code.touch(number, now);
                Stage::Over
            }
            (_, Stage::Idle) => decide(world, wish, 0),
            (_, Stage::Looked(evidence)) => decide(world, wish, evidence),
            (_, Stage::Sent(decided, evidence)) => commit(world, wish, &decided, evidence),
            (_, Stage::Over) => Stage::Over,
        };
        world.settle(self);
    }
}

fn ask(wish: Wish, evidence: u64) -> Ask {
    match wish {
        Wish::SignIn(number) => Ask::SignIn(number, evidence),
        Wish::Revoke(number) => Ask::Revoke(number),
        Wish::RevokeAll => Ask::RevokeAll,
        Wish::Disable => Ask::Disable,
        Wish::Enable => Ask::Enable,
        Wish::Limit(limit) => Ask::Limit(limit),
        Wish::Rotate(number, old, next) => Ask::Rotate(number, old, next),
        Wish::Touch(_) => unreachable!("a touch is one step"),
    }
}

fn decide(state: &mut State, wish: Wish, evidence: u64) -> Stage {
    let now = state.now;
    match state.code.decide(ask(wish, evidence), now) {
        Decision::Commit(decided) => Stage::Sent(decided, evidence),
        Decision::Nothing(answer) => {
            // An answer without a commit is atomic: the specification must give the same.
            let before = state.spec.clone();
            let told = carry_out(&mut state.spec, wish, evidence, now, now);
            if let Wish::Rotate(number, old, _) = wish {
                let again = state.code.repeats(number, old, now);
                state.agreed &= again == told.1;
                state.seen.extend(again.map(|_| Seen::Repeat));
            }
            state.agreed &= state.spec == before && answer == told.0;
            state.seen.extend(answer.map(Seen::Answer));
            Stage::Over
        }
    }
}

fn commit(state: &mut State, wish: Wish, decided: &Decided, evidence: u64) -> Stage {
    let now = state.now;
    let Some(code) = state.code.commit(decided, now) else {
        state.seen.insert(Seen::StaleCommit);
        // Whoever has gone does not decide again.
        return match wish {
            _ if state.crashed => Stage::Over,
            Wish::SignIn(_) => Stage::Looked(evidence),
            _ => Stage::Idle,
        };
    };
    if state.crashed {
        state.seen.insert(Seen::LateCommit);
    }
    let before = state.spec.live(now).len();
    state.code = code;
    let (answer, _) = carry_out(&mut state.spec, wish, evidence, decided.at, now);
    if let Wish::SignIn(_) = wish {
        state.agreed &= answer == Some(Answer::Admitted);
        state.seen.extend(answer.map(Seen::Answer));
        if state.spec.live(now).len() <= before {
            state.seen.insert(Seen::Eviction);
        }
    }
    Stage::Over
}

fn carry_out(
    spec: &mut Spec,
    wish: Wish,
    evidence: u64,
    at: u64,
    now: u64,
) -> (Option<Answer>, Option<Token>) {
    match wish {
        Wish::SignIn(number) => return (Some(spec.admit(number, evidence, at, now)), None),
        Wish::Rotate(number, old, next) => {
            return (None, spec.rotate(number, old, next, at, now));
        }
        Wish::Revoke(number) => spec.revoke(number),
        Wish::RevokeAll => spec.revoke_all(),
        Wish::Disable => spec.disable(),
        Wish::Enable => spec.enable(),
        Wish::Limit(limit) => spec.set_limit(limit, now),
        Wish::Touch(number) => spec.touch(number, now),
    }
    (None, None)
}

impl State {
    /// Notes who is dead.
    fn settle(&mut self, bounds: &Bounds) {
        self.spec.tick(self.now);
        let live = self.spec.live(self.now);
        let born = self.spec.sessions.keys().copied();
        self.dead.extend(born.filter(|n| !live.contains(n)));
        self.agreed &=
            self.code.agrees(&self.spec) && self.code.live(bounds.sign_ins(), self.now) == live;
    }
}

impl Model for Bounds {
    type State = State;
    type Action = Step;

    fn init_states(&self) -> Vec<State> {
        vec![State {
            spec: Spec::new(self.limit, self.evicts),
            code: Code::new(self.limit, self.evicts),
            now: 0,
            crashed: false,
            stages: vec![Stage::Idle; self.wishes.len()],
            dead: BTreeSet::new(),
            agreed: true,
            seen: BTreeSet::new(),
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Step>) {
        for (caller, stage) in state.stages.iter().enumerate() {
            let is_sent = matches!(stage, Stage::Sent(..));
            if !matches!(stage, Stage::Over) && (is_sent || !state.crashed) {
                actions.push(Step::Caller(caller));
            }
            if is_sent && state.crashed {
                actions.push(Step::Lose(caller));
            }
        }
        if state.now < LAST {
            actions.push(Step::Tick);
        }
        if !state.crashed {
            actions.push(Step::Crash);
        }
    }

    fn next_state(&self, state: &State, step: Step) -> Option<State> {
        let mut next = state.clone();
        next.seen.clear();
        match step {
            Step::Caller(caller) => self.act(&mut next, caller),
            Step::Lose(caller) => next.stages[caller] = Stage::Over,
            Step::Tick => {
                next.now += 1;
                next.settle(self);
            }
            Step::Crash => next.crashed = true,
        }
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(
                "the code does what the specification says",
                |_, s: &State| s.agreed,
            ),
            Property::always("S1: never one too many", |bounds: &Self, s: &State| {
                s.code.live(bounds.sign_ins(), s.now).len() <= s.spec.limit
            }),
            Property::always("S2: what is dead stays dead", |bounds: &Self, s: &State| {
                let live = s.code.live(bounds.sign_ins(), s.now);
                live.iter().all(|n| !s.dead.contains(n))
            }),
            Property::always(
                "S9, S12: tokens of the counted, and no others",
                |bounds: &Self, s: &State| {
                    let tokens = bounds.tokens();
                    let valid = |t: &(Number, Token)| s.code.is_valid(t.0, t.1, s.now);
                    let same = |t: &(Number, Token)| valid(t) == s.spec.is_valid(t.0, t.1, s.now);
                    let live = s.code.live(bounds.sign_ins(), s.now);
                    let of = |n: Number| tokens.iter().filter(|t| t.0 == n && valid(t)).count();
                    tokens.iter().all(same)
                        && (0..bounds.sign_ins()).all(|n| {
                            let good = of(n);
                            good <= 2 && (good > 0) == live.contains(&n)
                        })
                },
            ),
            seen("somebody is admitted", Seen::Answer(Answer::Admitted)),
            seen("somebody finds no seat", Seen::Answer(Answer::Full)),
            seen("somebody is disabled", Seen::Answer(Answer::Disabled)),
            seen("somebody's evidence is stale", Seen::Answer(Answer::Stale)),
            seen("somebody is evicted", Seen::Eviction),
            seen("a commit comes too late", Seen::StaleCommit),
            seen("a commit arrives after a crash", Seen::LateCommit),
            seen("a rotation is repeated", Seen::Repeat),
        ]
    }
}

fn seen(name: &'static str, what: Seen) -> Property<Bounds> {
    // A property is a function without memory: one for each.
    let holds: fn(&Bounds, &State) -> bool = match what {
        Seen::Answer(Answer::Admitted) => |_, s| s.seen.contains(&Seen::Answer(Answer::Admitted)),
        Seen::Answer(Answer::Full) => |_, s| s.seen.contains(&Seen::Answer(Answer::Full)),
        Seen::Answer(Answer::Disabled) => |_, s| s.seen.contains(&Seen::Answer(Answer::Disabled)),
        Seen::Answer(Answer::Stale) => |_, s| s.seen.contains(&Seen::Answer(Answer::Stale)),
        Seen::Eviction => |_, s| s.seen.contains(&Seen::Eviction),
        Seen::StaleCommit => |_, s| s.seen.contains(&Seen::StaleCommit),
        Seen::LateCommit => |_, s| s.seen.contains(&Seen::LateCommit),
        Seen::Repeat => |_, s| s.seen.contains(&Seen::Repeat),
    };
    Property::sometimes(name, holds)
}
