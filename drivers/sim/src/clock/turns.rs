//! Whose turn it is, and when: the part of the clock that knows no thread and no lock.

use std::collections::BTreeSet;
use std::thread::ThreadId;

/// The threads that take part in one virtual time, and what they wait for.
///
/// Invariant: while a seat is [`Doing::Running`], time stands still and nobody else gets a turn.
#[derive(Debug, Default)]
pub(super) struct Turns {
    seats: Vec<Seat>,
    alarms: BTreeSet<u64>,
    waits: u64,
    numbers: u64,
}

/// Names a seat; never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SeatId(u64);

#[derive(Debug)]
struct Seat {
    id: SeatId,
    /// `None` until a thread that was spawned has started.
    thread: Option<ThreadId>,
    registrations: u32,
    doing: Doing,
}

#[derive(Debug)]
enum Doing {
    Running,
    /// Blocked outside the clock: holds nobody up.
    Away,
    Waiting(Wait),
}

/// What a thread waits for, whichever comes first.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wait {
    /// A moment, in nanoseconds.
    pub(super) until: Option<u64>,
    /// The next alarm.
    pub(super) alarm: bool,
    /// The end of another seat.
    pub(super) seat: Option<SeatId>,
    /// Who came first, among those whose moments are equal.
    order: u64,
}

impl Wait {
    pub(super) const fn until(nanos: u64) -> Self {
        Self { until: Some(nanos), alarm: false, seat: None, order: 0 }
    }

    pub(super) const fn until_alarm_or(nanos: u64) -> Self {
        Self { alarm: true, ..Self::until(nanos) }
    }

    pub(super) const fn until_end_of(seat: SeatId) -> Self {
        Self { until: None, alarm: false, seat: Some(seat), order: 0 }
    }
}

impl Turns {
    /// A seat for a thread that has not started yet: it waits for its first turn.
    pub(super) fn reserve(&mut self, now: u64) -> SeatId {
        let id = self.add(None, Doing::Away);
        self.wait(id, Wait::until(now));
        id
    }

    /// The thread that a reserved seat is for has started.
    pub(super) fn occupy(&mut self, id: SeatId, thread: ThreadId) {
        if let Some(seat) = self.seat(id) {
            seat.thread = Some(thread);
        }
    }

    /// The seat of `thread`, a new one if it had none; each call is undone by one of `leave`.
    pub(super) fn enter(&mut self, thread: ThreadId) -> SeatId {
        if let Some(seat) = self.seats.iter_mut().find(|seat| seat.thread == Some(thread)) {
            seat.registrations += 1;
            return seat.id;
        }
        self.add(Some(thread), Doing::Running)
    }

    /// Undoes one `enter`, or `reserve`.
    pub(super) fn leave(&mut self, id: SeatId, now: u64) {
        let Some(seat) = self.seat(id) else { return };
        seat.registrations = seat.registrations.saturating_sub(1);
        if seat.registrations > 0 {
            return;
        }
        self.seats.retain(|seat| seat.id != id);
        for wait in self.waits_mut().filter(|wait| wait.seat == Some(id)) {
            wait.until = Some(now);
        }
    }

    /// The seat of `thread`, if it takes part.
    pub(super) fn find(&self, thread: ThreadId) -> Option<SeatId> {
        self.seats.iter().find(|seat| seat.thread == Some(thread)).map(|seat| seat.id)
    }

    pub(super) fn exists(&self, id: SeatId) -> bool {
        self.seats.iter().any(|seat| seat.id == id)
    }

    /// Gives the turn of this seat up.
    pub(super) fn wait(&mut self, id: SeatId, wait: Wait) {
        self.waits += 1;
        let order = self.waits;
        if let Some(seat) = self.seat(id) {
            seat.doing = Doing::Waiting(Wait { order, ..wait });
        }
    }

    /// This seat is blocked on something that the clock does not know.
    pub(super) fn go_away(&mut self, id: SeatId) {
        if let Some(seat) = self.seat(id) {
            seat.doing = Doing::Away;
        }
    }

    /// Whether the seat has its turn; one that is gone cannot wait for it.
    pub(super) fn runs(&self, id: SeatId) -> bool {
        let seat = self.seats.iter().find(|seat| seat.id == id);
        seat.is_none_or(|seat| matches!(seat.doing, Doing::Running))
    }

    pub(super) fn anybody_away(&self) -> bool {
        self.seats.iter().any(|seat| matches!(seat.doing, Doing::Away))
    }

    /// How often anybody waited: stands still when everything does.
    pub(super) fn progress(&self) -> u64 {
        self.waits
    }

    /// Wakes those who wait for an alarm, at that moment.
    pub(super) fn set_alarm(&mut self, at: u64, now: u64) {
        if at > now {
            self.alarms.insert(at);
        } else {
            self.ring(now);
        }
    }

    /// Gives the turn to who is due next, if nobody has it. Answers the time it is then, and whose
    /// turn has come.
    pub(super) fn advance(&mut self, now: u64) -> (u64, Option<SeatId>) {
        if self.seats.iter().any(|seat| matches!(seat.doing, Doing::Running)) {
            return (now, None);
        }
        let alarm = self.alarms.first().copied();
        let due = self.waits_mut().filter_map(|wait| wait.due(alarm)).min();
        let Some(due) = due else { return (now, None) };
        let now = now.max(due);
        if alarm.is_some_and(|alarm| alarm <= now) {
            self.alarms = self.alarms.split_off(&now.saturating_add(1));
            self.ring(now);
        }
        let key = |seat: &Seat| match &seat.doing {
            Doing::Waiting(Wait { until: Some(until), order, .. }) => Some((*until, *order)),
            _ => None,
        };
        let due = |seat: &&mut Seat| key(seat).is_some_and(|(until, _)| until <= now);
        let next = self.seats.iter_mut().filter(due).min_by_key(|seat| key(seat));
        let given = next.map(|seat| {
            seat.doing = Doing::Running;
            seat.id
        });
        (now, given)
    }

    fn ring(&mut self, now: u64) {
        for wait in self.waits_mut().filter(|wait| wait.alarm) {
            wait.until = Some(wait.until.map_or(now, |until| until.min(now)));
        }
    }

    fn add(&mut self, thread: Option<ThreadId>, doing: Doing) -> SeatId {
        self.numbers += 1;
        let id = SeatId(self.numbers);
        self.seats.push(Seat { id, thread, registrations: 1, doing });
        id
    }

    fn seat(&mut self, id: SeatId) -> Option<&mut Seat> {
        self.seats.iter_mut().find(|seat| seat.id == id)
    }

    fn waits_mut(&mut self) -> impl Iterator<Item = &mut Wait> {
        self.seats.iter_mut().filter_map(|seat| match &mut seat.doing {
            Doing::Waiting(wait) => Some(wait),
            Doing::Running | Doing::Away => None,
        })
    }
}

impl Wait {
    fn due(&self, alarm: Option<u64>) -> Option<u64> {
        let alarm = alarm.filter(|_| self.alarm);
        self.until.into_iter().chain(alarm).min()
    }
}
