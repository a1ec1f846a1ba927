//! `extends` in layers: what a random family of bottles allows, against a model of the rule's own words.

use bot_bottle::egress::policy::Policy;
use bot_bottle::manifest::{Catalog, Found, Layout, MemoryFiles, resolve};
use bot_bottle::plan::build;
use bot_bottle::provider::{RouteOwner, Start};
use proptest::prelude::*;
use std::path::Path;

const HOSTS: [&str; 4] = ["a.example.com", "b.example.com", "*.example.com", "api.github.com"];

/// A bottle of the family; its parents stand behind it, so that there is no circle.
#[derive(Debug, Clone)]
struct Member {
    /// How far behind, in the order of `extends`.
    parents: Vec<usize>,
    /// `None` does not speak of egress.
    egress: Option<Egress>,
}

#[derive(Debug, Clone)]
struct Egress {
    inherit: Option<bool>,
    /// `None` where the key is missing. By their place in [`HOSTS`].
    routes: Option<Vec<usize>>,
}

impl Egress {
    /// Speaks of no route and drops none.
    fn says_nothing(&self) -> bool {
        self.inherit != Some(false) && self.routes.is_none()
    }
}

fn member() -> impl Strategy<Value = Member> {
    let routes = prop::option::of(prop::collection::vec(0..HOSTS.len(), 0..3));
    let egress =
        (prop::option::of(any::<bool>()), routes).prop_map(|(inherit, routes)| Egress { inherit, routes });
    (prop::collection::vec(1..4usize, 0..3), prop::option::of(egress)).prop_map(|(mut parents, egress)| {
        parents.dedup();
        Member { parents, egress }
    })
}

fn yaml(at: usize, members: &[Member]) -> String {
    let member = &members[at];
    let parents: Vec<_> =
        member.parents.iter().filter(|p| at + **p < members.len()).map(|p| format!("m{}", at + p)).collect();
    let mut text = format!("extends: [{}]\n", parents.join(", "));
    if let Some(egress) = &member.egress {
        let mut fields = Vec::new();
        fields.extend(egress.inherit.map(|inherit| format!("inherit: {inherit}")));
        fields.extend(egress.routes.as_ref().map(|routes| {
            // The path names the bottle, so that the route that decides can be told.
            let one = |host: &usize| format!("{{host: '{}', path_allowlist: [/m{at}/]}}", HOSTS[*host]);
            format!("routes: [{}]", routes.iter().map(one).collect::<Vec<_>>().join(", "))
        }));
        text += &format!("egress: {{{}}}\n", fields.join(", "));
    }
    text
}

/// The layers below and with a bottle, the nearest first, and whether what stands behind them counts too.
fn layers(at: usize, members: &[Member]) -> (Vec<(usize, Vec<usize>)>, bool) {
    let member = &members[at];
    let egress = member.egress.as_ref().filter(|egress| !egress.says_nothing());
    let mut all = Vec::new();
    if let Some(egress) = egress {
        let routes = egress.routes.clone().unwrap_or_default();
        let closed = egress.inherit == Some(false) || egress.routes.as_ref().is_some_and(Vec::is_empty);
        all.push((at, routes));
        if closed {
            return (all, false);
        }
    }
    for parent in member.parents.iter().rev().map(|p| at + p).filter(|p| *p < members.len()) {
        let (below, open) = layers(parent, members);
        all.extend(below);
        if !open {
            return (all, false);
        }
    }
    (all, true)
}

fn matches(pattern: &str, host: &str) -> bool {
    match pattern.strip_prefix('*') {
        Some(end) => host.ends_with(end) && host.len() > end.len(),
        None => pattern == host,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, ..ProptestConfig::default() })]

    #[test]
    fn the_nearest_layer_with_a_route_to_the_host_decides_alone(members in prop::collection::vec(member(), 1..6)) {
        let mut files = MemoryFiles::default();
        for at in 0..members.len() {
            files.insert(format!("/p/m{at}.bottle.yaml"), yaml(at, &members).as_str());
        }
        let layout = Layout::default();
        let catalog = Catalog::new(&files, &layout);
        let source = catalog.source(Path::new("/p/m0.bottle.yaml")).expect("a bottle");
        let manifest = source.manifests[0].clone();
        let bottle = resolve(&Found { source, manifest }, &catalog).bottle;
        let plan = build(&bottle, None, &Start::default(), &layout).expect("a plan");
        let routes: Vec<_> = plan.egress_routes.into_iter().filter(|r| r.owner == RouteOwner::Manifest).collect();
        let policy = Policy::new(&routes);
        let (layers, _) = layers(0, &members);
        for host in ["a.example.com", "b.example.com", "c.example.com", "api.github.com", "example.com"] {
            let wanted = layers
                .iter()
                .find(|(_, routes)| routes.iter().any(|r| matches(HOSTS[*r], host)))
                .map(|(at, _)| format!("/m{at}/"));
            let decides = policy.deciding(host).ok().and_then(|i| policy.route(i));
            let found = decides.and_then(|r| r.path_allowlist.clone()).map(|paths| paths.concat());
            prop_assert_eq!(found, wanted, "{} of {:?}", host, (0..members.len()).map(|i| yaml(i, &members)).collect::<Vec<_>>());
        }
        // Layers are numbered from the child, without going back.
        let numbers: Vec<_> = routes.iter().map(|r| r.layer).collect();
        prop_assert!(numbers.windows(2).all(|w| w[0] <= w[1]), "{:?}", numbers);
    }
}
