//! Who has room in the egress, and who leaves when there is none.
//!
//! A full egress turns nobody away: the connection that is used least goes, and for one more request the
//! connection that carries most. So a guest that floods it hurts its own flood.

use super::refusal::Refusal;
use crate::egress::Limits;
use crate::egress::code::Code;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// All connections of guests.
pub(crate) struct Room {
    connections: usize,
    requests: usize,
    inside: Mutex<Inside>,
}

#[derive(Default)]
struct Inside {
    places: HashMap<u64, Place>,
    /// Requests on them.
    requests: usize,
    /// Counts what happens, so that what happened last can be told.
    clock: u64,
}

struct Place {
    requests: usize,
    used: u64,
    leave: Arc<Notify>,
}

/// A connection's place; given back when dropped.
pub(crate) struct Seat {
    room: Arc<Room>,
    number: u64,
    leave: Arc<Notify>,
}

/// A request's place; given back when dropped.
pub(crate) struct Ticket {
    room: Arc<Room>,
    number: u64,
}

impl Room {
    pub(crate) fn new(limits: &Limits, files: usize) -> Arc<Self> {
        let connections = limits.connections.min(files);
        Arc::new(Self { connections, requests: limits.requests, inside: Mutex::default() })
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets a connection in; if need be another one leaves.
    pub(crate) fn enter(self: &Arc<Self>, number: u64) -> Seat {
        let mut inside = self.inside();
        if inside.places.len() >= self.connections {
            inside.evict(|place| (place.requests > 0, place.used));
        }
        let leave = Arc::new(Notify::new());
        let used = inside.tick();
        inside.places.insert(number, Place { requests: 0, used, leave: leave.clone() });
        Seat { room: self.clone(), number, leave }
    }

    /// Lets a request of a connection in; if need be another connection leaves.
    ///
    /// # Errors
    /// When this connection carries more than any other.
    pub(crate) fn request(self: &Arc<Self>, number: u64) -> Result<Ticket, Refusal> {
        let mut inside = self.inside();
        let busy = || Refusal::new(Code::Busy, "there are too many requests at once on this connection");
        if inside.requests >= self.requests {
            let own = inside.places.get(&number).map_or(0, |place| place.requests);
            let most = inside.places.values().map(|place| place.requests).max().unwrap_or(0);
            if own >= most && most > 1 {
                return Err(busy());
            }
            inside.evict(|place| (usize::MAX - place.requests, place.used));
        }
        let used = inside.tick();
        let place = inside.places.get_mut(&number).ok_or_else(busy)?;
        place.requests += 1;
        place.used = used;
        inside.requests += 1;
        Ok(Ticket { room: self.clone(), number })
    }
}

impl Inside {
    fn tick(&mut self) -> u64 {
        self.clock += 1;
        self.clock
    }

    /// Sends away the connection with the smallest rank.
    fn evict<K: Ord>(&mut self, rank: impl Fn(&Place) -> K) {
        let Some(number) = self.places.iter().min_by_key(|(_, p)| rank(p)).map(|(n, _)| *n) else { return };
        if let Some(place) = self.places.remove(&number) {
            // What it carries counts no more: it is on its way out.
            self.requests -= place.requests;
            place.leave.notify_one();
        }
    }
}

impl Seat {
    /// Waits until the place is needed.
    pub(crate) async fn asked_to_leave(&self) {
        self.leave.notified().await;
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut inside = self.room.inside();
        if let Some(place) = inside.places.remove(&self.number) {
            inside.requests -= place.requests;
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut inside = self.room.inside();
        let used = inside.tick();
        // A connection that left took its requests with it.
        let Some(place) = inside.places.get_mut(&self.number) else { return };
        place.requests -= 1;
        place.used = used;
        inside.requests -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(connections: usize, requests: usize) -> Arc<Room> {
        Room::new(&Limits { connections, requests, ..Limits::default() }, usize::MAX)
    }

    fn inside(room: &Room) -> Vec<u64> {
        let mut all: Vec<_> = room.inside().places.keys().copied().collect();
        all.sort_unstable();
        all
    }

    #[test]
    fn who_does_nothing_leaves_before_who_works() {
        let room = room(3, 9);
        let _seats: Vec<_> = (1..=3).map(|n| room.enter(n)).collect();
        let _ticket = room.request(1).map_err(|r| r.code).expect("room");
        drop(room.request(2).map_err(|r| r.code).expect("room"));
        let _four = room.enter(4);
        assert_eq!(inside(&room), [1, 2, 4]);
        let _five = room.enter(5);
        assert_eq!(inside(&room), [1, 4, 5]);
    }

    #[test]
    fn who_carries_most_leaves_for_who_carries_little() {
        let room = room(9, 4);
        let seats: Vec<_> = (1..=3).map(|n| room.enter(n)).collect();
        let tickets: Vec<_> = [1, 2, 2, 2].map(|n| room.request(n).map_err(|r| r.code).expect("room")).into();
        assert_eq!(room.request(2).err().map(|r| r.code), Some(Code::Busy));
        let last = room.request(3).map_err(|r| r.code).expect("room");
        assert_eq!(inside(&room), [1, 3]);
        assert_eq!(room.inside().requests, 2);
        drop((tickets, last));
        assert_eq!(room.inside().requests, 0);
        drop(seats);
        assert_eq!(inside(&room), [0; 0]);
    }
}
