//! An answer's body on its way to the guest: counted, and on routes with a credential looked through.

use super::exchange::Exchange;
use super::needles::Needles;
use super::pool::Lease;
use super::redact::Redactor;
use crate::egress::code::Code;
use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use hyper::header::HeaderMap;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

/// An answer's body on its way to the guest.
pub(crate) enum Reply {
    /// The egress's own words; `None` when they have gone out.
    Text(Option<Bytes>),
    /// The upstream's.
    Upstream(Box<Relayed>),
}

impl Reply {
    pub(crate) fn text(text: impl Into<Bytes>) -> Self {
        let text = text.into();
        Self::Text((!text.is_empty()).then_some(text))
    }

    pub(crate) fn upstream(
        inner: Incoming,
        exchange: Arc<Exchange>,
        needles: Option<Arc<Needles>>,
        lease: Lease,
    ) -> Self {
        let redactor = needles.map(Redactor::new);
        Self::Upstream(Box::new(Relayed {
            inner,
            exchange,
            redactor,
            trailers: None,
            ended: false,
            broken: false,
            lease: Some(lease),
        }))
    }
}

/// The upstream's body.
pub(crate) struct Relayed {
    inner: Incoming,
    exchange: Arc<Exchange>,
    redactor: Option<Redactor>,
    trailers: Option<HeaderMap>,
    ended: bool,
    broken: bool,
    lease: Option<Lease>,
}

impl Relayed {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        loop {
            if let Some(trailers) = self.trailers.take() {
                return Poll::Ready(Some(Ok(Frame::trailers(trailers))));
            }
            if self.ended {
                return Poll::Ready(None);
            }
            match ready!(Pin::new(&mut self.inner).poll_frame(cx)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => {
                        let data =
                            self.redactor.as_mut().map_or_else(|| data.clone(), |r| r.push(data.clone()));
                        if !data.is_empty() {
                            return Poll::Ready(Some(Ok(self.data(data))));
                        }
                    }
                    Err(frame) => {
                        self.trailers = frame.into_trailers().ok().map(|t| self.masked(t));
                        if let Some(rest) = self.rest() {
                            return Poll::Ready(Some(Ok(rest)));
                        }
                    }
                },
                Some(Err(error)) => {
                    self.broken = true;
                    self.exchange.failed(Code::UpstreamReset);
                    return Poll::Ready(Some(Err(error)));
                }
                None => {
                    self.ended = true;
                    if let Some(rest) = self.rest() {
                        return Poll::Ready(Some(Ok(rest)));
                    }
                }
            }
        }
    }

    fn data(&self, data: Bytes) -> Frame<Bytes> {
        self.exchange.went_out(data.len() as u64);
        Frame::data(data)
    }

    /// What the redactor still holds when the data has ended.
    fn rest(&mut self) -> Option<Frame<Bytes>> {
        let rest = self.redactor.as_mut()?.finish();
        (!rest.is_empty()).then(|| self.data(rest))
    }

    fn masked(&self, mut trailers: HeaderMap) -> HeaderMap {
        if let Some(redactor) = &self.redactor {
            super::headers::redact(&mut trailers, redactor.needles());
        }
        trailers
    }

    fn held(&self) -> u64 {
        self.redactor.as_ref().map_or(0, |r| r.held() as u64)
    }
}

impl Drop for Relayed {
    fn drop(&mut self) {
        let whole = self.ended || self.inner.is_end_stream();
        if !whole && !self.broken {
            self.exchange.failed(Code::CutShort);
        }
        // A connection serves again only when both bodies went through it whole.
        if let Some(lease) = self.lease.take().filter(|_| whole && self.exchange.is_request_sent()) {
            lease.give_back();
        }
    }
}

impl Body for Reply {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        match &mut *self {
            Self::Text(text) => Poll::Ready(text.take().map(|t| Ok(Frame::data(t)))),
            Self::Upstream(relayed) => relayed.poll(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Text(text) => text.is_none(),
            Self::Upstream(r) => {
                (r.ended || r.inner.is_end_stream()) && r.held() == 0 && r.trailers.is_none()
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Text(text) => SizeHint::with_exact(text.as_ref().map_or(0, |t| t.len() as u64)),
            Self::Upstream(r) => {
                let (inner, held) = (r.inner.size_hint(), r.held());
                let mut hint = SizeHint::new();
                hint.set_lower(inner.lower() + held);
                if let Some(upper) = inner.upper() {
                    hint.set_upper(upper + held);
                }
                hint
            }
        }
    }
}
