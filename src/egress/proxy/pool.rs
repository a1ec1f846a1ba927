//! Upstream connections that serve again, kept apart by route and host.
//!
//! A connection is only ever used for the route and host that it was opened for, so that a
//! credential cannot cross to another.

use super::dial::{Dialer, Target};
use super::exchange::Exchange;
use super::outgoing::Outgoing;
use super::refusal::Refusal;
use super::sender::{Multiplexed, Sender, Single, broken, multiplex, single, stalled};
use super::share::Shares;
use crate::egress::Limits;
use crate::egress::code::Code;
use crate::egress::policy::Scheme;
use hyper::body::Incoming;
use hyper::{Request, Response};
use std::collections::HashMap;
use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use tokio::time::{sleep, timeout};

/// Idle HTTP/1.1 connections kept for one host.
const IDLE: usize = 128;
/// Hosts remembered before those without a connection are forgotten.
const HOSTS: usize = 256;

type Key = (usize, bool, u16, String);

/// All upstream connections of an egress.
pub(crate) struct Pool {
    dialer: Dialer,
    limits: Limits,
    /// What upstreams may send ahead.
    windows: Arc<Shares>,
    slots: Mutex<HashMap<Key, Arc<Slot>>>,
}

/// The connections of one route and host.
#[derive(Default)]
struct Slot {
    state: Mutex<State>,
    /// Held while a first connection is opened: many requests at once to a host that turns out
    /// to speak HTTP/2 then share it.
    opening: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    idle: Vec<Idle>,
    shared: Vec<Multiplexed>,
    /// The host speaks HTTP/1.1, so that connections are opened side by side.
    http1: bool,
}

struct Idle {
    connection: Single,
    since: Instant,
}

/// Keeps a connection for the time that an answer's body takes.
pub(crate) struct Lease {
    sender: Sender,
    slot: Option<Arc<Slot>>,
}

impl Lease {
    /// The body is through: the connection may serve again.
    pub(crate) fn give_back(self) {
        let (Sender::One { connection, .. }, Some(slot)) = (self.sender, self.slot) else { return };
        let mut state = slot.state();
        if state.idle.len() < IDLE && !connection.sender.is_closed() {
            state.idle.push(Idle { connection, since: Instant::now() });
        }
    }
}

impl Pool {
    pub(crate) fn new(dialer: Dialer, limits: Limits) -> Self {
        let windows = Shares::new(limits.download_windows);
        Self { dialer, limits, windows, slots: Mutex::default() }
    }

    pub(crate) fn dialer(&self) -> &Dialer {
        &self.dialer
    }

    /// Sends a request whose headers are complete but for the host.
    ///
    /// It is tried again only when the upstream cannot have acted on it: nothing of it was
    /// written, or it is safe, without a body, and the connection was an old one that had died.
    pub(crate) async fn send(
        &self,
        to: Target<'_>,
        mut request: Request<Outgoing>,
    ) -> Result<(Response<Incoming>, Lease), Refusal> {
        let slot = self.slot(to);
        let exchange = request.body().exchange().clone();
        for attempt in 0..3 {
            let mut sender = slot.sender(self, to, attempt > 0).await?;
            let spare = sender.spare(&request);
            sender.address(&mut request, to);
            to.exchange.depart()?;
            let sent = self.head(&exchange, sender.send(request)).await.ok_or_else(|| stalled(to.host))?;
            let failed = match sent {
                Ok(response) => return Ok((response, Lease { sender, slot: Some(slot) })),
                Err(failed) => failed,
            };
            if failed.unsent.is_some() {
                slot.retire(&sender);
            }
            match failed.unsent.or(spare) {
                Some(again) => request = again,
                None => return Err(broken(to.host, &failed.error)),
            }
        }
        Err(Refusal::new(Code::UpstreamReset, format!("{} closed each connection", to.host)))
    }

    /// Sends a WebSocket's opening request on a connection of its own.
    pub(crate) async fn send_upgrade(
        &self,
        to: Target<'_>,
        mut request: Request<Outgoing>,
    ) -> Result<(Response<Incoming>, Lease), Refusal> {
        let (stream, _) = self.dialer.http(to, true).await?;
        let mut sender =
            Sender::One { connection: single(stream, to.host, &self.limits).await?, reused: false };
        let exchange = request.body().exchange().clone();
        sender.address(&mut request, to);
        to.exchange.depart()?;
        match self.head(&exchange, sender.send(request)).await {
            Some(Ok(response)) => Ok((response, Lease { sender, slot: None })),
            Some(Err(failed)) => Err(broken(to.host, &failed.error)),
            None => Err(stalled(to.host)),
        }
    }

    /// Waits for the head of an answer. The clock starts anew while the request's body moves.
    async fn head<T>(&self, exchange: &Exchange, answer: impl Future<Output = T>) -> Option<T> {
        let mut answer = pin!(answer);
        let mut before = None;
        loop {
            tokio::select! {
                answer = &mut answer => return Some(answer),
                () = sleep(self.limits.response) => {
                    let now = Some((exchange.bytes_in(), exchange.is_request_sent()));
                    if now == before {
                        return None;
                    }
                    before = now;
                }
            }
        }
    }

    fn slot(&self, to: Target<'_>) -> Arc<Slot> {
        let key = (to.route, to.scheme == Scheme::Https, to.port, to.host.to_owned());
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if slots.len() >= HOSTS && !slots.contains_key(&key) {
            slots.retain(|_, slot| Arc::strong_count(slot) > 1 || !slot.is_unused());
        }
        slots.entry(key).or_default().clone()
    }

    /// Closes what has been idle for too long.
    pub(crate) fn sweep(&self) {
        let slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        for slot in slots.values() {
            let mut state = slot.state();
            state.idle.retain(|i| i.since.elapsed() < self.limits.idle && !i.connection.sender.is_closed());
            state.shared.retain(|m| !m.sender.is_closed());
        }
    }
}

impl Slot {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_unused(&self) -> bool {
        let state = self.state();
        state.idle.is_empty() && state.shared.is_empty()
    }

    async fn sender(self: &Arc<Self>, pool: &Pool, to: Target<'_>, fresh: bool) -> Result<Sender, Refusal> {
        let limits = &pool.limits;
        if let Some(sender) = self.reuse(limits, fresh) {
            return Ok(sender);
        }
        let alone = !self.state().http1;
        let _turn = if alone {
            let turn = timeout(limits.connect, self.opening.lock()).await.map_err(|_| stalled(to.host))?;
            if let Some(sender) = self.reuse(limits, fresh) {
                return Ok(sender);
            }
            Some(turn)
        } else {
            None
        };
        let (stream, http2) = pool.dialer.http(to, false).await?;
        if !http2 {
            self.state().http1 = true;
            return Ok(Sender::One { connection: single(stream, to.host, limits).await?, reused: false });
        }
        let share = pool.windows.take();
        let connection = multiplex(stream, to.host, limits, share).await?;
        let stream = connection.stream().ok_or_else(|| stalled(to.host))?;
        let mut state = self.state();
        state.shared.push(connection.clone());
        Ok(Sender::Many { sender: connection.sender, stream })
    }

    /// A connection that is open already. After a failure only a shared one: idle ones may have
    /// died together.
    fn reuse(&self, limits: &Limits, fresh: bool) -> Option<Sender> {
        let mut state = self.state();
        state.shared.retain(|m| !m.sender.is_closed());
        let shared = state.shared.iter().find_map(|m| Some((m.sender.clone(), m.stream()?)));
        if let Some((sender, stream)) = shared {
            return Some(Sender::Many { sender, stream });
        }
        if fresh {
            state.idle.clear();
            return None;
        }
        while let Some(idle) = state.idle.pop() {
            if !idle.connection.sender.is_closed() && idle.since.elapsed() < limits.idle {
                return Some(Sender::One { connection: idle.connection, reused: true });
            }
        }
        None
    }

    /// Takes a shared connection out that accepts no more streams, as after a GOAWAY.
    fn retire(&self, sender: &Sender) {
        if let Sender::Many { stream, .. } = sender {
            self.state().shared.retain(|m| !Arc::ptr_eq(&m.active, &stream.0));
        }
    }
}
