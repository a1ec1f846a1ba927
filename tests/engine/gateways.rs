//! The manifests of docs/gateways.md, as they stand there, with the real agents against stand-ins.

use crate::containers;
use crate::rig::Rig;
use crate::upstream::{Authority, Upstream};
use bot_bottle::check::{Facts, check};
use bot_bottle::egress::Resolve;
use bot_bottle::manifest::{Catalog, Found, Layout, MemoryFiles};
use bot_bottle::plan::draft;
use bot_bottle::provider::{RouteOwner, Start};
use std::fs;
use std::path::Path;

const PAGE: &str = include_str!("../../docs/gateways.md");

fn secret() -> String {
    ["real", "gate", "way", "51b7"].join("-")
}

/// The manifest that the page has under a name.
fn manifest(name: &str) -> &'static str {
    let fence = format!("```yaml {name}.bottle.yaml\n");
    let (_, rest) = PAGE.split_once(&fence).expect("a manifest of that name");
    rest.split_once("```").expect("its end").0
}

/// Runs the agent in the page's bottle and gives back the requests that carried the credential in `header`.
fn asked(name: &str, arguments: &[&str], header: &str) -> Option<Vec<(String, String)>> {
    let mut rig = Rig::bubblewrap()?;
    let programs = containers::agents()?;
    rig.options.host.set("PATH", format!("{}:/usr/bin:/bin:/usr/local/bin", programs.display()));
    let mut files = MemoryFiles::default();
    files.insert("/p/dev.bottle.yaml", manifest(name));
    let layout = Layout::default();
    let catalog = Catalog::new(&files, &layout);
    let source = catalog.source(Path::new("/p/dev.bottle.yaml")).expect("a manifest");
    let found = Found { manifest: source.manifests[0].clone(), source };
    let start = Start {
        task: Some("say hi".into()),
        agent_args: arguments.iter().map(|a| (*a).to_owned()).collect(),
        ..Start::default()
    };
    let workspace = rig.plan.workspace.clone();
    rig.plan = draft(&found, &catalog, &start).expect("a plan");
    rig.plan.workspace = workspace;
    let own = || rig.plan.egress_routes.iter().filter(|r| r.owner == RouteOwner::Manifest);
    for variable in own().filter_map(|r| r.auth.as_ref()).map(|a| a.token_ref.name().to_owned()) {
        rig.options.host.set(&variable, secret());
    }
    let names: Vec<_> = own().map(|r| r.host.as_str()).collect();
    let authority = Authority::new();
    // It refuses for good, so that no agent tries again for minutes.
    let upstream = Upstream::tls(&authority, &names, |_| ("404 Not Found", "application/json", "{}".into()));
    for name in names {
        rig.options.upstream.resolve.push(Resolve::new(name, 443, upstream.address));
    }
    let ca = rig.home.join("upstream-ca.pem");
    fs::write(&ca, &authority.pem).expect("write");
    rig.options.upstream.ca = Some(ca);
    let ran = rig.go().unwrap_or_else(|e| panic!("{e}\n{}", rig.ui.text()));
    let seen = upstream.seen();
    assert!(!seen.is_empty(), "{name}: nothing was asked: {ran:?}");
    assert!(
        seen.iter().all(|r| !r.text().contains("egress-placeholder")),
        "{name}: the placeholder went out"
    );
    let value = |request: &crate::upstream::Request| request.header(header).map(str::to_owned);
    Some(seen.iter().map(|r| (r.target.clone(), value(r).unwrap_or_default())).collect())
}

fn works(name: &str, arguments: &[&str], header: &str, value: &str, path: &str) {
    let Some(asked) = asked(name, arguments, header) else { return };
    assert!(asked.iter().any(|(target, _)| target.starts_with(path)), "{name}: {asked:?}");
    assert!(asked.iter().all(|(_, seen)| *seen == format!("{value}{}", secret())), "{name}: {asked:?}");
}

#[test]
fn every_manifest_is_clean() {
    let names = ["gateway", "bedrock", "vertex", "azure", "codex-gateway"];
    assert_eq!(PAGE.matches("```yaml ").count(), names.len());
    for name in names {
        let mut files = MemoryFiles::default();
        files.insert("/p/dev.bottle.yaml", manifest(name));
        let layout = Layout::default();
        let catalog = Catalog::new(&files, &layout);
        let source = catalog.source(Path::new("/p/dev.bottle.yaml")).expect("a manifest");
        let found: Vec<_> =
            check(&source, &catalog, &Facts::default()).iter().map(|f| f.full_message()).collect();
        assert!(found.is_empty(), "{name}: {found:?}");
    }
}

#[test]
fn a_gateway_before_claude_code() {
    works("gateway", &[], "authorization", "Bearer ", "/v1/messages");
}

#[test]
fn bedrock_with_an_api_key() {
    works("bedrock", &[], "authorization", "Bearer ", "/model/");
}

#[test]
fn vertex_with_an_access_token() {
    works("vertex", &[], "authorization", "Bearer ", "/v1/projects/my-project/");
}

#[test]
fn azure_with_a_key() {
    works("azure", &[], "x-api-key", "", "/anthropic/");
}

#[test]
fn a_gateway_before_codex() {
    let (_, arguments) = PAGE.split_once("model_provider=gateway \\\n").expect("the arguments");
    let provider = arguments.split('\'').nth(1).expect("the second one");
    let arguments = ["-c", "model_provider=gateway", "-c", provider];
    works("codex-gateway", &arguments, "authorization", "Bearer ", "/v1/responses");
}
