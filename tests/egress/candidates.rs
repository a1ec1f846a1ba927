//! Several routes for one host: the first that allows a request decides, and where one of them has a
//! credential the rules for it hold for all.

use crate::client::{Http, get};
use crate::rig::{Setup, route, secret, with_auth};
use crate::upstream::{Answer, full, hello};
use bot_bottle::provider::{AuthScheme, EgressRoute, GitAccess, RouteAuth, TokenRef};
use hyper::body::Incoming;
use hyper::{Request, Response};

const HOST: &str = "api.example.test";

fn paths(route: EgressRoute, path: &str) -> EgressRoute {
    EgressRoute { path_allowlist: Some(vec![path.to_owned()]), ..route }
}

#[tokio::test]
async fn the_first_route_that_allows_a_request_gives_its_credential() {
    let other =
        RouteAuth { scheme: AuthScheme::Header("x-key".into()), token_ref: TokenRef::variable("OTHER") };
    let mut setup = Setup::new(vec![
        paths(with_auth(HOST), "/a/"),
        EgressRoute { git: Some(GitAccess::Read), ..route("*.example.test") },
        paths(EgressRoute { auth: Some(other), ..route("*.example.test") }, "/b/"),
        paths(route(HOST), "/"),
    ]);
    let upstream = setup.upstream(HOST, &["h2"], hello).await;
    let rig = setup.start().await;
    let value = ["another", "0a1b2c"].join("-");
    rig.vault.0.lock().expect("vault").insert("OTHER".into(), value.clone());
    let mut http = Http::to(&rig, HOST, "h2").await;
    let mine = [("authorization", "Bearer mine"), ("x_key", "mine"), ("cookie", "mine")];
    for target in ["/a/1", "/b/1", "/c", "/r.git/info/refs?service=git-upload-pack"] {
        let (status, body) = http.request("GET", HOST, target, &mine, "").await;
        assert_eq!(status, 200, "{target}: {body}");
    }
    let sent: Vec<_> = upstream
        .seen()
        .iter()
        .map(|seen| {
            assert!(seen.headers.values().all(|v| v != "mine" && v != "Bearer mine"), "{:?}", seen.headers);
            ["authorization", "x-key"].map(|name| seen.header(name).map(str::to_owned))
        })
        .collect();
    let bearer = Some(format!("Bearer {}", secret()));
    assert_eq!(sent, [[bearer, None], [None, Some(value)], [None, None], [None, None]]);
    // The line names the route that decided.
    let lines = rig.audit(4).await;
    let decided: Vec<_> = lines.iter().map(|l| l.request.route.clone().unwrap_or_default()).collect();
    assert_eq!(decided, [HOST, "*.example.test", HOST, "*.example.test"]);
}

/// What one path takes, another may give away.
#[tokio::test]
async fn a24_a_credential_does_not_come_back_by_another_route() {
    let other = RouteAuth { scheme: AuthScheme::Bearer, token_ref: TokenRef::variable("OTHER") };
    let mut setup = Setup::new(vec![
        paths(with_auth(HOST), "/a/"),
        paths(EgressRoute { auth: Some(other), ..route(HOST) }, "/b/"),
        paths(route(HOST), "/"),
    ]);
    let values = [secret(), ["another", "0a1b2c"].join("-")];
    let told = values.join(" and ");
    let _upstream = setup
        .upstream(HOST, &["h2"], move |_: Request<Incoming>| -> Answer {
            let told = told.clone();
            Box::pin(async move {
                Response::builder().header("x-told", &told).body(full(told)).expect("an answer")
            })
        })
        .await;
    let rig = setup.start().await;
    rig.vault.0.lock().expect("vault").insert("OTHER".into(), values[1].clone());
    for target in ["/a/1", "/b/1", "/c"] {
        let (status, body) = get(&rig, HOST, target, &[]).await;
        assert!(status == 200 && body.contains(" and "), "{body}");
        assert!(values.iter().all(|v| !body.contains(v)), "{target}: {body}");
    }
}

#[tokio::test]
async fn a_refusal_names_the_nearest_route_and_what_it_lacks() {
    let git = EgressRoute { git: Some(GitAccess::Read), ..route(HOST) };
    let mut setup = Setup::new(vec![git, paths(route(HOST), "/a/")]);
    let upstream = setup.upstream(HOST, &["http/1.1"], hello).await;
    let rig = setup.start().await;
    let (status, body) = get(&rig, HOST, "/b", &[]).await;
    let text = "the nearest of 2 routes for api.example.test (number 2) does not allow the path /b";
    assert!(status == 403 && body.contains(text), "{body}");
    upstream.assert_untouched();
}
