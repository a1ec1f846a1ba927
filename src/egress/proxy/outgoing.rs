//! A request's body on its way to the upstream: counted, and without trailers where it must be.

use super::exchange::Exchange;
use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

/// A request's body on its way to the upstream.
pub(crate) struct Outgoing {
    inner: Option<Incoming>,
    exchange: Arc<Exchange>,
    /// On a route with a credential trailers are dropped: they could carry the guest's own.
    trailers: bool,
}

impl Outgoing {
    pub(crate) fn new(inner: Incoming, exchange: Arc<Exchange>, trailers: bool) -> Self {
        let inner = (!inner.is_end_stream()).then_some(inner);
        if inner.is_none() {
            exchange.request_sent();
        }
        Self { inner, exchange, trailers }
    }

    /// Another empty body of the same exchange.
    pub(crate) fn empty_like(&self) -> Self {
        Self { inner: None, exchange: self.exchange.clone(), trailers: false }
    }

    pub(crate) fn exchange(&self) -> &Arc<Exchange> {
        &self.exchange
    }
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        loop {
            let Some(inner) = &mut self.inner else { return Poll::Ready(None) };
            let frame = ready!(Pin::new(&mut *inner).poll_frame(cx));
            let ended = frame.is_none() || inner.is_end_stream();
            if ended {
                self.exchange.request_sent();
            }
            match frame {
                Some(Ok(frame)) => {
                    if let Some(data) = frame.data_ref() {
                        self.exchange.came_in(data.len() as u64);
                    } else if !self.trailers {
                        continue;
                    }
                    return Poll::Ready(Some(Ok(frame)));
                }
                other => return Poll::Ready(other),
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}
