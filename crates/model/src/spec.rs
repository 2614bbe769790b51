//! The specification: one subject, each operation one atomic step.

use std::collections::BTreeMap;

/// A session, by the number of the sign-in it is born of.
pub type Number = u8;
/// A token: 0 for the first of a session, then the number of the rotation that made it.
pub type Token = u8;

/// For how many ticks of silence a session lives.
pub const IDLE: u64 = 3;
/// For how many ticks it lives at the most.
pub const ABSOLUTE: u64 = 4;
/// For how many ticks a rotated token is good.
pub const GRACE: u64 = 2;

/// One subject.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Spec {
    /// Its generation.
    pub generation: u64,
    /// Whether it is disabled.
    pub disabled: bool,
    /// How many it may hold.
    pub limit: usize,
    /// Who goes when there is one too many: the oldest, or the newcomer.
    pub evicts: bool,
    /// Every session that was ever born.
    pub sessions: BTreeMap<Number, State>,
    born: u64,
}

/// What became of a session.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum State {
    /// It is recorded as live.
    Live(Live),
    /// It has ended, for good.
    Dead,
}

/// A session that is recorded as live.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Live {
    order: u64,
    generation: u64,
    heard_at: u64,
    born_at: u64,
    token: Token,
    previous: Option<(Token, u64)>,
}

/// The answer to a sign-in.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Answer {
    /// A session is born.
    Admitted,
    /// No seat.
    Full,
    /// The subject is disabled.
    Disabled,
    /// The evidence is too old.
    Stale,
}

impl Spec {
    /// A subject that was never seen.
    #[must_use]
    pub fn new(limit: usize, evicts: bool) -> Self {
        Self {
            generation: 1,
            disabled: false,
            limit,
            evicts,
            sessions: BTreeMap::new(),
            born: 0,
        }
    }

    fn is_live(&self, session: &Live, now: u64) -> bool {
        !self.disabled
            && session.generation == self.generation
            && now < session.heard_at + IDLE
            && now < session.born_at + ABSOLUTE
    }

    /// Who is live.
    #[must_use]
    pub fn live(&self, now: u64) -> Vec<Number> {
        self.sessions
            .keys()
            .copied()
            .filter(|n| self.find(*n, now).is_some())
            .collect()
    }

    fn find(&self, number: Number, now: u64) -> Option<&Live> {
        match self.sessions.get(&number)? {
            State::Live(live) => self.is_live(live, now).then_some(live),
            State::Dead => None,
        }
    }

    /// What has expired is dead, and stays so whatever comes.
    pub fn tick(&mut self, now: u64) {
        let live = self.live(now);
        for (number, state) in &mut self.sessions {
            if !live.contains(number) {
                *state = State::Dead;
            }
        }
    }

    /// Ends those that the limit has no seat for, the oldest first.
    fn make_room(&mut self, seats: usize, now: u64) {
        let mut live = self.live(now);
        live.sort_by_key(|n| self.find(*n, now).map(|s| s.order));
        let surplus = live.len().saturating_sub(seats);
        for number in live.into_iter().take(surplus) {
            self.sessions.insert(number, State::Dead);
        }
    }

    /// One more session, decided `at` a moment, in force `now`.
    pub fn admit(&mut self, number: Number, evidence: u64, at: u64, now: u64) -> Answer {
        if self.disabled {
            return Answer::Disabled;
        }
        if evidence != self.generation {
            return Answer::Stale;
        }
        if !self.evicts && self.live(now).len() >= self.limit {
            return Answer::Full;
        }
        self.make_room(self.limit - 1, now);
        self.born += 1;
        let session = Live {
            order: self.born,
            generation: self.generation,
            heard_at: at,
            born_at: at,
            token: 0,
            previous: None,
        };
        self.sessions.insert(number, State::Live(session));
        Answer::Admitted
    }

    /// Ends one session.
    pub fn revoke(&mut self, number: Number) {
        if let Some(state) = self.sessions.get_mut(&number) {
            *state = State::Dead;
        }
    }

    /// Ends all sessions, and raises the fence.
    pub fn revoke_all(&mut self) {
        self.generation += 1;
        for state in self.sessions.values_mut() {
            *state = State::Dead;
        }
    }

    /// Ends all, and lets nobody in.
    pub fn disable(&mut self) {
        if !self.disabled {
            self.revoke_all();
            self.disabled = true;
        }
    }

    /// Lets in again.
    pub const fn enable(&mut self) {
        self.disabled = false;
    }

    /// Another limit, in force in the same step.
    pub fn set_limit(&mut self, limit: usize, now: u64) {
        self.limit = limit;
        self.make_room(limit, now);
    }

    /// Records that a session was heard from.
    pub fn touch(&mut self, number: Number, now: u64) {
        if self.find(number, now).is_some()
            && let Some(State::Live(live)) = self.sessions.get_mut(&number)
        {
            live.heard_at = now;
        }
    }

    /// The token that follows `token`: a new one, or the same one as before for who repeats.
    pub fn rotate(
        &mut self,
        number: Number,
        token: Token,
        next: Token,
        at: u64,
        now: u64,
    ) -> Option<Token> {
        let live = self.find(number, now)?;
        if live.token == token {
            if let Some(State::Live(live)) = self.sessions.get_mut(&number) {
                live.previous = Some((token, at + GRACE));
                live.token = next;
                live.heard_at = live.heard_at.max(at);
            }
            return Some(next);
        }
        self.is_valid(number, token, now).then_some(live.token)
    }

    /// Whether a token is good.
    #[must_use]
    pub fn is_valid(&self, number: Number, token: Token, now: u64) -> bool {
        self.find(number, now).is_some_and(|live| {
            let before = live
                .previous
                .is_some_and(|(t, until)| t == token && now < until);
            live.token == token || before
        })
    }
}
