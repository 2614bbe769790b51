//! What one operation says: what it presented, gave out and showed.

use super::{Answer, Basis, Call, Operation, Sid, Tok, View, Word};

/// The places of one operation; one without an answer may still be done, at any time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    pub(crate) begun: usize,
    pub(crate) ended: usize,
}

impl Operation {
    /// Whether somebody knows what became of it.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.answer != Answer::Unknown && !self.is_void
    }

    /// Whether a node may answer it by a lease.
    pub(crate) const fn is_check(&self) -> bool {
        matches!(
            self.call,
            Call::Check(_) | Call::CheckAbroad(_) | Call::CheckElsewhere(_)
        )
    }

    pub(crate) fn span(&self) -> Span {
        let ended = if self.is_known() {
            self.ended.place
        } else {
            usize::MAX
        };
        Span {
            begun: self.begun.place,
            ended,
        }
    }

    /// What it showed of the roster.
    #[must_use]
    pub fn view(&self) -> Option<&View> {
        match &self.answer {
            _ if self.is_void => None,
            Answer::Seen(view) => Some(view),
            Answer::Admitted { view, .. }
            | Answer::Valid { view, .. }
            | Answer::Refused(_, view) => view.as_ref(),
            Answer::Unknown
            | Answer::NoSession { .. }
            | Answer::Mismatched
            | Answer::Done { .. }
            | Answer::Absent
            | Answer::Protected => None,
        }
    }

    /// What it was decided by, where that shows.
    #[must_use]
    pub fn basis(&self) -> Option<Basis> {
        self.view()?.basis
    }

    /// The sessions that it showed to be live.
    pub(crate) fn shows_live(&self) -> Vec<Sid> {
        let mut shown = self.view().map_or_else(Vec::new, |v| v.live.clone());
        match &self.answer {
            _ if self.is_void => {}
            Answer::Valid { session, .. }
            | Answer::Done {
                kept: Some((session, _)),
                ..
            } => shown.push(*session),
            _ => {}
        }
        shown.sort_unstable();
        shown.dedup();
        shown
    }

    /// The session that it found good.
    pub(crate) fn shows_valid(&self) -> Option<Sid> {
        match &self.answer {
            Answer::Valid { session, .. } if !self.is_void => Some(*session),
            _ => None,
        }
    }

    /// The token that was presented.
    #[must_use]
    pub fn presented(&self) -> Option<Tok> {
        match self.call {
            Call::Check(token)
            | Call::CheckAbroad(token)
            | Call::CheckElsewhere(token)
            | Call::Renew(token)
            | Call::Reauthenticate(token)
            | Call::CredentialChanged(Some(token))
            | Call::RevokeBy(token, _)
            | Call::Trust(_, Word::Holder(token)) => Some(token),
            _ => None,
        }
    }

    /// The token that it gave out, with its session.
    #[must_use]
    pub fn issued(&self) -> Option<(Sid, Tok)> {
        match &self.answer {
            Answer::Admitted { session, token, .. }
            | Answer::Valid {
                session,
                rotated: Some(token),
                ..
            } => Some((*session, *token)),
            Answer::Done { kept, .. } => *kept,
            _ => None,
        }
    }
}
