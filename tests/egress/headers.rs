//! Attacks 17, 23 and 59 by name: the headers in which public services take credentials, those in
//! which proxies speak of their clients, those that turn a request into another, and honest ones.

use crate::client::{Http, get};
use crate::rig::{Setup, inspected, route, secret, with_auth};
use crate::upstream::hello;
use bot_bottle::egress::shape::{Shape, shape};
use bot_bottle::provider::{AuthScheme, EgressRoute, HeaderTerm, Match, RouteAuth, TokenRef};
use std::collections::BTreeSet;

const HOST: &str = "api.example.test";

/// From the documentation of public services and of the gateways before them.
const CREDENTIALS: &str = "authorization proxy-authorization x-authorization x-auth-token x-auth-key x-auth-email \
    x-auth-user x-auth-user-service-key x-api-key api-key apikey x-apikey xi-api-key x-goog-api-key \
    x-goog-iam-authorization-token x-goog-iap-jwt-assertion x-amz-security-token x-amz-access-token \
    x-amz-session-token x-shopify-access-token x-shopify-storefront-access-token x-vault-token x-consul-token \
    x-nomad-token private-token job-token deploy-token x-gitlab-token x-github-token x-github-otp npm-otp \
    x-gitea-otp x-figma-token circle-token x-circleci-token x-functions-key ocp-apim-subscription-key \
    ocp-apim-subscription-token x-ms-authorization-auxiliary x-ms-token-aad-access-token dd-api-key \
    dd-application-key x-honeycomb-team x-honeycomb-api-key x-license-key x-insert-key x-query-key \
    x-sentry-auth sentry-token x-bugsnag-api-key x-algolia-api-key x-typesense-api-key x-meili-api-key \
    x-parse-rest-api-key x-parse-master-key x-parse-session-token x-hasura-admin-secret x-hasura-access-key \
    x-master-key x-access-key x-secret-key x-client-secret x-app-secret x-webhook-secret x-rapidapi-key \
    x-mashape-key x-redmine-api-key x-postmark-server-token x-postmark-account-token x-plex-token \
    x-emby-token x-mediabrowser-token x-jfrog-art-api x-jfrog-art-apikey x-cybozu-authorization \
    x-cybozu-api-token x-acs-security-token x-oss-security-token x-obs-security-token x-tc-token \
    x-subject-token x-service-token x-storage-token fastly-key x-fauna-secret x-telegram-bot-api-secret-token \
    x-user-token x-admin-token x-bearer-token x-id-token x-refresh-token x-session-token x-access-token \
    x-csrf-token x-xsrf-token csrf-token x-okta-xsrftoken x-jwt x-jwt-assertion cf-access-jwt-assertion \
    cf-access-client-secret cf-access-token x-wsse dpop signature x-signature x-hub-signature-256 x-password \
    x-ha-access cookie cookie2 x-cookie x-stackify-key x-lc-key x-api-secret x-api-token auth authentication \
    x-authentication-token x-oauth-token x-pinterest-token x-line-signature x-goog-authenticated-user-jwt";

/// What only describes a request, or names it.
const HONEST: &str = "accept accept-language accept-charset accept-datetime content-type content-language \
    content-md5 content-disposition content-encoding content-range cache-control pragma date dnt priority \
    if-match if-none-match if-modified-since if-unmodified-since if-range range origin referer user-agent \
    from max-forwards prefer via x-request-id x-correlation-id x-trace-id traceparent tracestate baggage b3 \
    x-github-api-version x-github-media-type anthropic-version anthropic-beta openai-beta openai-organization \
    openai-project chatgpt-account-id session_id mcp-session-id mcp-protocol-version idempotency-key \
    x-idempotency-key x-stainless-lang x-stainless-retry-count x-goog-api-client x-goog-user-project \
    x-npm-session npm-command npm-scope npm-in-ci git-protocol sec-websocket-version x-amz-date \
    x-amz-content-sha256 x-amz-target x-amz-server-side-encryption-customer-key-md5 x-ms-version \
    x-ms-client-request-id grpc-timeout grpc-encoding grpc-accept-encoding x-requested-with sec-fetch-mode \
    sec-ch-ua upgrade-insecure-requests x-lfs-oid last-event-id x-max-tokens x-author x-authority \
    x-monkey surrogate-key x-cache-key x-ms-documentdb-partitionkey x-hostname";

const CLAIMS: &str = "forwarded x-forwarded-for x-forwarded-host x-forwarded-proto x-forwarded-server \
    x-forwarded-port x-forwarded-prefix x-forwarded-uri x-forwarded-user x-forwarded-email x-forwarded-ssl \
    x-forwarded-client-cert x-forwarded-by x-forward-for x-real-ip x-client-ip x-cluster-client-ip true-client-ip \
    cf-connecting-ip fastly-client-ip x-originating-ip x-remote-ip x-remote-addr x-remote-user remote-user \
    x-host x-original-host x-original-for x-original-proto x-http-host-override x-envoy-external-address \
    x-appengine-user-ip x-azure-clientip x-ssl-client-cert ssl-client-verify x-client-cert x-ms-client-principal \
    x-ms-client-principal-name x-accel-mapping x-sendfile-type";

const OVERRIDES: &str = "x-http-method-override x-http-method x-method-override http-method-override \
    x-http-verb-override x-method x-original-method x-original-url x-original-uri x-original-path x-rewrite-url \
    x-rewrite-uri x-override-url x-envoy-original-path x-tunneling-method-override x-original-request-uri";

fn names(list: &str) -> Vec<&str> {
    list.split_whitespace().collect()
}

/// A name as servers fold it: other marks, capitals, one `x-` more or less.
fn spellings(name: &str) -> Vec<String> {
    let bare = name.strip_prefix("x-").unwrap_or(name);
    vec![
        name.to_owned(),
        name.to_ascii_uppercase(),
        name.replace('-', "_"),
        name.replace('-', "."),
        name.replace('-', "--"),
        format!("x-{bare}"),
        format!("x_{}", bare.replace('-', "_")),
        format!("{name}_"),
    ]
}

#[test]
fn a_shape_is_known_in_every_spelling() {
    for (list, wanted) in [
        (CREDENTIALS, Some(Shape::Credential)),
        (CLAIMS, Some(Shape::Claim)),
        (OVERRIDES, Some(Shape::Override)),
        (HONEST, None),
    ] {
        for name in names(list) {
            for spelling in spellings(name) {
                assert_eq!(shape(&spelling), wanted, "{name} as {spelling}");
            }
        }
    }
    assert!(names(CREDENTIALS).len() > 100 && names(HONEST).len() > 60);
    for framing in ["host", "content-length", "te", "sec-websocket-key", "sec-websocket-protocol"] {
        assert_eq!(shape(framing), None, "{framing}");
    }
}

/// The names that reach the upstream of `route` when all of `sent` are sent at once.
async fn reaching(route: EgressRoute, sent: &[String]) -> BTreeSet<String> {
    let mut setup = Setup::new(vec![route]);
    let upstream = setup.upstream(HOST, &["h2"], hello).await;
    let rig = setup.start().await;
    let mut http = Http::to(&rig, HOST, "h2").await;
    let headers: Vec<_> = sent.iter().map(|n| (n.as_str(), "attacker")).collect();
    let (status, body) = http.request("GET", HOST, "/", &headers, "").await;
    assert_eq!(status, 200, "{body}");
    let seen = upstream.only();
    let ours = format!("Bearer {}", secret());
    seen.headers.iter().filter(|(_, v)| v.as_bytes() != ours.as_bytes()).map(|(n, _)| n.to_string()).collect()
}

fn lower(list: &str) -> Vec<String> {
    let mut all: Vec<_> =
        names(list).into_iter().flat_map(spellings).map(|n| n.to_ascii_lowercase()).collect();
    all.sort_unstable();
    all.dedup();
    all
}

#[tokio::test]
async fn a23_a59_no_header_by_a_credentials_name_reaches_a_route_with_one() {
    let all: Vec<String> = [CREDENTIALS, CLAIMS].iter().flat_map(|l| lower(l)).collect();
    for part in all.chunks(300) {
        let seen = reaching(with_auth(HOST), part).await;
        assert!(part.iter().all(|n| !seen.contains(n)), "{seen:?}");
    }
    let honest: Vec<String> = names(HONEST).into_iter().map(str::to_owned).collect();
    let seen = reaching(with_auth(HOST), &honest).await;
    assert!(honest.iter().all(|n| seen.contains(n)), "{seen:?}");
    // Without a credential of ours the guest's own pass, and what claims another host does not.
    let own = names(CREDENTIALS).into_iter().filter(|n| *n != "proxy-authorization").map(str::to_owned);
    let own: Vec<String> = own.collect();
    let seen = reaching(inspected(HOST), &[own.clone(), lower(CLAIMS)].concat()).await;
    assert!(
        own.iter().all(|n| seen.contains(n)) && lower(CLAIMS).iter().all(|n| !seen.contains(n)),
        "{seen:?}"
    );
}

#[tokio::test]
async fn a17_a_header_that_makes_it_another_request_is_refused() {
    let methods = Some(vec![Match { methods: Some(vec!["GET".into()]), ..Match::default() }]);
    let passed: Vec<String> = names(OVERRIDES).into_iter().map(str::to_owned).collect();
    for route in [
        with_auth(HOST),
        inspected(HOST),
        // Terms hold whatever is to be let through.
        EgressRoute { matches: methods, pass_headers: passed.clone(), ..route(HOST) },
    ] {
        let mut setup = Setup::new(vec![route]);
        let upstream = setup.upstream(HOST, &["h2"], hello).await;
        let rig = setup.start().await;
        let mut http = Http::to(&rig, HOST, "h2").await;
        for name in lower(OVERRIDES) {
            let (status, body) = http.request("GET", HOST, "/", &[(name.as_str(), "DELETE")], "").await;
            assert!(status == 403 && body.contains("another request"), "{name}: {status} {body}");
        }
        upstream.assert_untouched();
    }
    let open = EgressRoute { pass_headers: passed.clone(), ..with_auth(HOST) };
    assert!(reaching(open, &passed).await.is_superset(&passed.into_iter().collect()));
}

#[tokio::test]
async fn a_header_is_let_through_on_purpose_and_alone() {
    let passed = ["x-csrf-token", "cookie", "x-forwarded-for"].map(str::to_owned);
    let never = ["authorization", "proxy-authorization", "te"].map(str::to_owned);
    let pass_headers = [passed.as_slice(), never.as_slice()].concat();
    let mut sent = pass_headers.clone();
    sent.extend(["x_csrf_token", "x-api-key", "x-forwarded-host", "cookie2"].map(str::to_owned));
    sent.retain(|name| name != "te");
    let seen = reaching(EgressRoute { pass_headers, ..with_auth(HOST) }, &sent).await;
    for name in &sent {
        assert_eq!(seen.contains(name), passed.contains(name), "{name}");
    }
}

/// A term on a header is judged by what leaves.
#[tokio::test]
async fn a_header_term_is_judged_as_the_request_leaves() {
    let term = |name: &str| HeaderTerm { name: name.into(), value: "core".into() };
    let asks = |names: &[&str], route: EgressRoute| EgressRoute {
        matches: Some(vec![Match {
            headers: Some(names.iter().map(|n| term(n)).collect()),
            ..Match::default()
        }]),
        ..route
    };
    let other = "key.example.test";
    let own =
        RouteAuth { scheme: AuthScheme::Header("x-group".into()), token_ref: TokenRef::variable("TOKEN") };
    let mut setup = Setup::new(vec![
        asks(&["x-team"], route(HOST)),
        asks(&["x-group"], route(other)),
        asks(&["x-forwarded-for"], route(other)),
        asks(&["x-team"], EgressRoute { auth: Some(own), ..route(other) }),
    ]);
    let upstream = setup.upstream(HOST, &["http/1.1"], hello).await;
    let key = setup.upstream(other, &["http/1.1"], hello).await;
    let rig = setup.start().await;
    for (headers, status) in [
        (&[("x-team", "core")][..], 200),
        (&[("X-Team", "core"), ("x-team", "core")], 200),
        (&[], 403),
        (&[("x-team", "Core")], 403),
        (&[("x-team", "core, web")], 403),
        (&[("x-team", "core"), ("x-team", "web")], 403),
        // Servers fold names, and take the one or the other.
        (&[("x-team", "core"), ("x_team", "web")], 403),
        // It would not leave.
        (&[("x-team", "core"), ("connection", "keep-alive, X-Team")], 403),
    ] {
        let (seen, body) = get(&rig, HOST, "/", headers).await;
        assert_eq!(seen, status, "{headers:?} {body}");
        assert!(status == 200 || body.contains("with the header `x-team: core`"), "{body}");
    }
    assert_eq!(upstream.seen().len(), 2);
    let lines = rig.audit(8).await;
    let terms: Vec<_> = lines.iter().map(|line| line.request.headers.clone()).collect();
    let held = |matched| vec![bot_bottle::egress::HeaderTerm { name: "x-team".into(), matched }];
    assert_eq!(terms, [true, true, false, false, false, false, false, false].map(held));
    // Where a credential goes, and where a proxy's claim stood, nothing of the guest's counts.
    for name in ["x-group", "x-forwarded-for"] {
        assert_eq!(get(&rig, other, "/", &[(name, "core")]).await.0, 403, "{name}");
    }
    assert_eq!(get(&rig, other, "/", &[("x-team", "core"), ("x-group", "core")]).await.0, 200);
    assert_eq!(key.only().header("x-group"), Some(secret().as_str()));
}
