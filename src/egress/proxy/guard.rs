//! What holds for every request to a host at which some route adds a credential, whichever route decides:
//! nothing of the guest's own stands in for it, and it is looked for in what comes back.

use super::credential::Prepared;
use super::needles::Needles;
use super::refusal::Refusal;
use super::{Shared, headers};
use crate::egress::policy::Allowed;
use hyper::header::{AUTHORIZATION, HeaderMap};
use std::sync::{Arc, Mutex, PoisonError};

/// Sets of credentials that are looked for together and remembered: one for each host with several.
const SETS: usize = 16;

/// The needles of several credentials, by the credentials.
#[derive(Default)]
pub(crate) struct Guards(Mutex<Vec<Set>>);

struct Set {
    credentials: Vec<Arc<Prepared>>,
    needles: Arc<Needles>,
}

/// Takes the guest's own credentials away, puts the deciding route's in, and gives what to look for in the
/// answer.
pub(crate) fn apply(
    shared: &Shared,
    host: &str,
    allowed: Allowed,
    map: &mut HeaderMap,
) -> Result<Arc<Needles>, Refusal> {
    let credentials = shared.credentials.as_ref();
    let route = &shared.routes[allowed.route];
    let own = route.injector.as_ref().map(|injector| injector.prepare(credentials)).transpose()?;
    headers::strip_credentials(map, &route.pass_headers);
    let mut others: Vec<Arc<Prepared>> = Vec::new();
    for index in shared.policy.of_host(host) {
        let Some(injector) = &shared.routes[index].injector else { continue };
        // Each spelling of that one is a credential's by its shape.
        if *injector.header() != AUTHORIZATION {
            headers::strip_named(map, injector.header());
        }
        // One that is not there (any more) cannot be looked for.
        if index != allowed.route
            && let Ok(prepared) = injector.prepare(credentials)
        {
            others.push(prepared);
        }
    }
    if let Some(own) = &own {
        map.insert(own.name.clone(), own.header.clone());
    }
    Ok(match (own, others.as_slice()) {
        (Some(own), []) => own.needles.clone(),
        (None, [one]) => one.needles.clone(),
        (own, _) => {
            others.extend(own);
            shared.guards.all(others)
        }
    })
}

impl Guards {
    fn all(&self, credentials: Vec<Arc<Prepared>>) -> Arc<Needles> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let same = |other: &&Set| {
            let other = &other.credentials;
            other.len() == credentials.len() && other.iter().zip(&credentials).all(|(a, b)| Arc::ptr_eq(a, b))
        };
        if let Some(set) = known.iter().find(same) {
            return set.needles.clone();
        }
        let needles = Arc::new(Needles::of_all(credentials.iter().map(|prepared| &*prepared.needles)));
        // The oldest goes: a credential that was renewed makes a new set.
        if known.len() == SETS {
            known.remove(0);
        }
        known.push(Set { credentials, needles: needles.clone() });
        needles
    }
}
