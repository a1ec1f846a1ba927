//! `diff` beside the policy, request by request, for random pairs of manifests. The seeds are fixed.

use crate::rig::Project;
use bot_bottle::egress::policy::{Policy, Request, Scheme, host_matches};
use bot_bottle::manifest::{Catalog, Found, Layout, MemoryFiles};
use bot_bottle::plan::draft;
use bot_bottle::provider::{EgressRoute, Start};
use std::path::Path;

const PAIRS: u64 = 20;
const HOSTS: [&str; 4] = ["a.example.com", "b.example.com", "*.example.com", "*.a.example.com"];
const METHODS: [&str; 3] = ["GET", "POST", "PUT"];
const PATHS: [&str; 5] = ["/", "/a", "/a/", "/a/b", "/c"];
const ASKED: [&str; 4] = ["a.example.com", "b.example.com", "x.example.com", "x.a.example.com"];
const TARGETS: [&str; 9] = [
    "/",
    "/a",
    "/a/b",
    "/a/b/c",
    "/c",
    "/c/d",
    "/a/../c",
    "/a/r/info/refs?service=git-upload-pack",
    "/a/r/git-receive-pack",
];

/// Numbers that look random and are the same in every run (xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).expect("64 bits") % n
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }

    fn list(&mut self, mut item: impl FnMut(&mut Self) -> String) -> String {
        let items: Vec<_> = (0..self.below(3)).map(|_| item(self)).collect();
        format!("[{}]", items.join(", "))
    }

    fn manifest(&mut self) -> String {
        let mut text = String::from("egress:\n  routes:\n    - {host: other.example.com}\n");
        for _ in 0..self.below(4) {
            text.push_str(&format!("    - host: '{}'\n", self.one(&HOSTS)));
            if self.below(3) == 0 {
                let paths = self.list(|r| r.one(&PATHS).to_owned());
                text.push_str(&format!("      path_allowlist: {paths}\n"));
            }
            if self.below(3) == 0 {
                let entry = |r: &mut Self| {
                    let (kind, value) = (r.one(&["exact", "prefix", "glob"]), r.one(&PATHS));
                    format!("{{paths: [{{type: {kind}, value: {value}}}], methods: [{}]}}", r.one(&METHODS))
                };
                text.push_str(&format!("      matches: {}\n", self.list(entry)));
            }
            if self.below(4) == 0 {
                text.push_str(&format!("      git: {}\n", self.one(&["read", "write"])));
            }
            if self.below(4) == 0 {
                text.push_str("      auth: {scheme: Bearer, token_ref: TOKEN}\n");
            }
        }
        text
    }
}

fn routes(text: &str) -> Vec<EgressRoute> {
    let mut files = MemoryFiles::default();
    files.insert("/p/a.bottle.yaml", text);
    let layout = Layout::default();
    let catalog = Catalog::new(&files, &layout);
    let source = catalog.source(Path::new("/p/a.bottle.yaml")).expect("a manifest");
    let manifest = source.manifests[0].clone();
    draft(&Found { source, manifest }, &catalog, &Start::default()).expect("a plan").egress_routes
}

/// What `diff --format json` says of the way out: `direction area` and host pattern.
fn told(project: &Project) -> Vec<(String, String)> {
    let json =
        project.run(&["diff", "old.bottle.yaml", "new.bottle.yaml", "--format", "json"]).expect(0).json();
    let manifests = json["manifests"].as_array().expect("manifests");
    let changes = manifests.iter().flat_map(|m| m["changes"].as_array().expect("changes"));
    let text = |v: &serde_json::Value| v.as_str().expect("a text").to_owned();
    changes
        .map(|c| (format!("{} {}", text(&c["direction"]), text(&c["area"])), text(&c["subject"])))
        .collect()
}

#[test]
fn diff_agrees_with_the_policy_request_by_request() {
    let (mut opened, mut closed) = (0, 0);
    for seed in 1..=PAIRS {
        let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let (old, new) = (random.manifest(), random.manifest());
        let project = Project::new(&[("old.bottle.yaml", &old), ("new.bottle.yaml", &new)]);
        let told = told(&project);
        let says = |host: &str, words: &[&str]| {
            told.iter().any(|(way, pattern)| words.contains(&way.as_str()) && host_matches(pattern, host))
        };
        let (before, after) = (routes(&old), routes(&new));
        let (before, after) = (Policy::new(&before), Policy::new(&after));
        for (host, method, target, scheme) in requests() {
            let request = Request { scheme, host, port: scheme.port(), method, target };
            let (was, is) = (before.request(&request).is_ok(), after.request(&request).is_ok());
            let what = || format!("seed {seed}: {method} {host}{target}\n{old}\n{new}\n{told:?}");
            if !was && is {
                opened += 1;
                // A credential that goes opens plain HTTP.
                let words = ["widened egress", "changed egress", "changed credential"];
                assert!(says(host, &words), "opened, and not told: {}", what());
            }
            if was && !is {
                closed += 1;
                let words = ["narrowed egress", "changed egress"];
                // A credential that comes closes plain HTTP, and is a widening all the same.
                let by_credential = scheme == Scheme::Http && says(host, &["widened credential"]);
                assert!(says(host, &words) || by_credential, "closed, and not told: {}", what());
            }
        }
        // The command line answers for both sides what the policy answers.
        for _ in 0..5 {
            let (host, method) = (random.one(&ASKED), random.one(&METHODS));
            let target = random.one(&TARGETS);
            let request = Request { scheme: Scheme::Https, host, port: 443, method, target };
            for (file, policy) in [("old.bottle.yaml", &before), ("new.bottle.yaml", &after)] {
                let code = i32::from(policy.request(&request).is_err());
                project.run(&["can", file, method, &format!("https://{host}{target}")]).expect(code);
            }
        }
    }
    // The pairs put something to the test.
    assert!(opened > 100 && closed > 100, "{opened} opened, {closed} closed");
}

fn requests() -> impl Iterator<Item = (&'static str, &'static str, &'static str, Scheme)> {
    let schemes = [Scheme::Http, Scheme::Https];
    ASKED.into_iter().flat_map(move |host| {
        METHODS.into_iter().chain(["DELETE"]).flat_map(move |method| {
            TARGETS.into_iter().flat_map(move |target| schemes.map(|s| (host, method, target, s)))
        })
    })
}

#[test]
fn equal_manifests_differ_in_nothing() {
    for seed in 1..=PAIRS {
        let text = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15)).manifest();
        let project = Project::new(&[("old.bottle.yaml", &text), ("new.bottle.yaml", &text)]);
        assert_eq!(told(&project), [], "{text}");
    }
}
