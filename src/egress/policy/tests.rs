use super::*;
use crate::provider::{AuthScheme, GitAccess, Match, PathKind, PathPattern, RouteAuth, RouteOwner, TokenRef};

fn route(host: &str) -> EgressRoute {
    EgressRoute::new(host, RouteOwner::Manifest)
}

fn ask(policy: &Policy, method: &str, url: &str) -> Result<usize, &'static str> {
    let (scheme, rest) = match url.strip_prefix("https://") {
        Some(rest) => (Scheme::Https, rest),
        None => (Scheme::Http, url.strip_prefix("http://").expect("a URL")),
    };
    let slash = rest.find('/').expect("a path");
    let (host, target) = rest.split_at(slash);
    policy
        .request(&Request { scheme, host, port: scheme.port(), method, target })
        .map_err(|d| d.code().word())
}

#[test]
fn a_wildcard_covers_subdomains_and_nothing_else() {
    let policy = Policy::new(&[route("*.example.com")]);
    assert!(policy.connect("a.example.com", 443).is_ok());
    assert!(policy.connect("A.B.Example.Com", 443).is_ok());
    for host in [
        "example.com",
        "evil-example.com",
        "example.com.evil.net",
        ".example.com",
        "a.example.com.",
        "a.exаmple.com",
        "a%2eexample.com",
        "x@a.example.com",
        "a.example.com\0",
        "a.example.com\r\nx",
        "127.0.0.1",
        "2130706433",
        "[::1]",
        "0x7f.0.0.1",
    ] {
        assert!(policy.connect(host, 443).is_err(), "{host}");
    }
    assert_eq!(policy.connect("a.example.com", 22).map_err(|d| d.code().word()), Err("port"));
}

#[test]
fn of_one_layer_the_first_route_that_allows_a_request_decides() {
    let paths = |host, paths: &[&str]| EgressRoute {
        path_allowlist: Some(paths.iter().map(|p| (*p).to_owned()).collect()),
        ..route(host)
    };
    let below = |layer, route| EgressRoute { layer, ..route };
    let policy = Policy::new(&[
        paths("api.example.com", &["/v1/"]),
        paths("other.example.net", &["/x/"]),
        paths("*.example.com", &["/v2/", "/v1/"]),
        paths("api.example.com", &["/v3/"]),
        below(2, route("api.example.com")),
        below(2, route("*.example.net")),
    ]);
    assert_eq!(ask(&policy, "GET", "https://api.example.com/v1/x"), Ok(0));
    assert_eq!(ask(&policy, "GET", "https://api.example.com/v2/x"), Ok(2));
    assert_eq!(ask(&policy, "GET", "https://api.example.com/v3/x"), Ok(3));
    assert_eq!(ask(&policy, "GET", "https://www.example.com/v1/x"), Ok(2));
    // The nearest layer decides alone.
    assert_eq!(ask(&policy, "GET", "https://api.example.com/v4/x"), Err("path"));
    assert_eq!(ask(&policy, "GET", "https://www.example.com/v3/x"), Err("path"));
    assert_eq!(ask(&policy, "GET", "https://other.example.net/y/"), Err("path"));
    assert_eq!(ask(&policy, "GET", "https://new.example.net/y/"), Ok(5));
    assert_eq!(policy.candidates("api.example.com"), Ok(vec![0, 2, 3]));
}

#[test]
fn ports_are_those_of_the_routes() {
    use crate::provider::Protocol;
    let on = |ports: &[u16], host| EgressRoute { ports: Some(ports.to_vec()), ..route(host) };
    let tcp = EgressRoute { protocol: Protocol::Tcp, ..on(&[5432], "a.example.com") };
    let auth = Some(RouteAuth { scheme: AuthScheme::Bearer, token_ref: TokenRef::variable("T") });
    let policy = Policy::new(&[
        tcp,
        on(&[8080], "a.example.com"),
        route("a.example.com"),
        on(&[], "none.example.com"),
        EgressRoute { auth, ..on(&[443, 8443], "key.example.com") },
        on(&[9000], "key.example.com"),
    ]);
    let handled =
        |host, port| policy.connect(host, port).map(|(_, handling)| handling).map_err(|d| d.code().word());
    assert_eq!(handled("a.example.com", 5432), Ok(Handling::Raw));
    assert_eq!(handled("a.example.com", 8080), Ok(Handling::Tunnel));
    // The first route for HTTP does not open it.
    assert_eq!(handled("a.example.com", 443), Ok(Handling::Inspect));
    assert_eq!(handled("key.example.com", 9000), Ok(Handling::Inspect));
    for (host, port) in [("a.example.com", 5433), ("a.example.com", 80), ("none.example.com", 443)] {
        assert_eq!(handled(host, port), Err("port"), "{host} {port}");
    }
    assert_eq!(policy.raw("a.example.com", 5432), Ok(0));
    assert_eq!(policy.raw("a.example.com", 8080).map_err(|d| d.code().word()), Err("not-tcp"));
    let ask = |scheme, host, port| {
        policy
            .request(&Request { scheme, host, port, method: "GET", target: "/" })
            .map_err(|d| d.code().word())
    };
    assert_eq!(ask(Scheme::Http, "a.example.com", 8080), Ok(1));
    assert_eq!(ask(Scheme::Https, "a.example.com", 8080), Ok(1));
    assert_eq!(ask(Scheme::Http, "a.example.com", 80), Ok(2));
    assert_eq!(ask(Scheme::Https, "a.example.com", 80), Err("port"));
    assert_eq!(ask(Scheme::Https, "a.example.com", 5432), Err("port"));
    // No route with a credential is anywhere near the clear, whichever route opens the port.
    assert_eq!(ask(Scheme::Http, "key.example.com", 9000), Err("plain-http"));
    assert_eq!(ask(Scheme::Http, "key.example.com", 443), Err("port"));
    let denial = policy.connect("key.example.com", 22).expect_err("closed").to_string();
    assert_eq!(denial, "port 22 of key.example.com is not open (443, 8443, 9000 are)");
}

#[test]
fn a_refusal_names_the_nearest_route() {
    let methods = |path: &str, method: &str| EgressRoute {
        matches: Some(vec![Match {
            paths: Some(vec![PathPattern { kind: PathKind::Prefix, value: path.into() }]),
            methods: Some(vec![method.into()]),
            headers: None,
        }]),
        ..route("a.example.com")
    };
    let git = EgressRoute { git: Some(GitAccess::Read), ..route("a.example.com") };
    let policy = Policy::new(&[git, methods("/x", "GET"), methods("/y", "PUT")]);
    let denial = |method, target| {
        let request = Request { scheme: Scheme::Https, host: "a.example.com", port: 443, method, target };
        policy.request(&request).expect_err("refused")
    };
    let told = denial("POST", "/y/1");
    assert_eq!(told.nearest().map(|n| (n.index, n.number, n.of)), Some((2, 3, 3)));
    let text = "the nearest of 3 routes for a.example.com (number 3) does not allow POST";
    assert_eq!(told.to_string(), text);
    assert_eq!(denial("GET", "/z").nearest().map(|n| n.number), Some(2));
    assert_eq!(denial("POST", "/a.git/git-receive-pack").code().word(), "git-push");
}

#[test]
fn one_credential_guards_every_route_of_the_host() {
    let auth = Some(RouteAuth { scheme: AuthScheme::Bearer, token_ref: TokenRef::variable("T") });
    let only = |path: &str| Some(vec![path.to_owned()]);
    let policy = Policy::new(&[
        EgressRoute { path_allowlist: only("/open"), ..route("a.example.com") },
        EgressRoute { auth, path_allowlist: only("/key"), ..route("*.example.com") },
        route("b.example.com"),
    ]);
    let judge = |scheme: Scheme, host, target| {
        policy.judge(&Request { scheme, host, port: scheme.port(), method: "GET", target }, &())
    };
    assert_eq!(judge(Scheme::Https, "a.example.com", "/open").map(|a| (a.route, a.guarded)), Ok((0, true)));
    assert_eq!(judge(Scheme::Https, "b.example.com", "/").map(|a| (a.route, a.guarded)), Ok((2, true)));
    assert_eq!(judge(Scheme::Http, "a.example.com", "/open").map_err(|d| d.code().word()), Err("plain-http"));
    // The first route is not open, so that nothing is tunnelled.
    assert_eq!(policy.connect("b.example.com", 443), Ok((1, Handling::Inspect)));
    let open_first = Policy::new(&[route("a.example.com"), policy.route(1).expect("a route").clone()]);
    assert_eq!(open_first.connect("a.example.com", 443), Ok((0, Handling::Tunnel)));
}

#[test]
fn an_empty_list_allows_nothing() {
    for route in [
        EgressRoute { path_allowlist: Some(vec![]), ..route("a.example.com") },
        EgressRoute { matches: Some(vec![]), ..route("a.example.com") },
        EgressRoute {
            matches: Some(vec![Match { paths: Some(vec![]), ..Match::default() }]),
            ..route("a.example.com")
        },
        EgressRoute {
            matches: Some(vec![Match { methods: Some(vec![]), ..Match::default() }]),
            ..route("a.example.com")
        },
    ] {
        assert!(ask(&Policy::new(&[route]), "GET", "https://a.example.com/").is_err());
    }
    assert!(Policy::new(&[]).connect("a.example.com", 443).is_err());
}

#[test]
fn an_entry_needs_its_path_and_its_method_together() {
    let entry = |kind, value: &str, methods: &[&str]| Match {
        paths: Some(vec![PathPattern { kind, value: value.into() }]),
        methods: Some(methods.iter().map(|m| (*m).to_owned()).collect()),
        headers: None,
    };
    let policy = Policy::new(&[EgressRoute {
        matches: Some(vec![entry(PathKind::Exact, "/r", &["GET"]), entry(PathKind::Prefix, "/w", &["POST"])]),
        ..route("a.example.com")
    }]);
    assert!(ask(&policy, "GET", "https://a.example.com/r?q=1").is_ok());
    assert!(ask(&policy, "POST", "https://a.example.com/w/1").is_ok());
    assert_eq!(ask(&policy, "POST", "https://a.example.com/r"), Err("method"));
    assert_eq!(ask(&policy, "get", "https://a.example.com/r"), Err("method"));
    assert_eq!(ask(&policy, "GET", "https://a.example.com/w/../r"), Err("ambiguous-path"));
    assert_eq!(ask(&policy, "TRACE", "https://a.example.com/r"), Err("method"));
}

#[test]
fn reading_git_is_no_push() {
    let policy = Policy::new(&[EgressRoute { git: Some(GitAccess::Read), ..route("git.example.com") }]);
    let git = |method, rest: &str| ask(&policy, method, &format!("https://git.example.com/a/b.git/{rest}"));
    assert!(git("GET", "info/refs?service=git-upload-pack").is_ok());
    assert!(git("POST", "git-upload-pack").is_ok());
    assert_eq!(git("GET", "info/refs?service=git-receive-pack"), Err("git-push"));
    assert_eq!(git("POST", "git-receive-pack"), Err("git-push"));
    for (method, rest) in [
        ("GET", "info/refs"),
        ("GET", "info/refs?service=git-upload-pack&service=git-receive-pack"),
        ("POST", "git-upload-pack?service=git-receive-pack"),
        ("PUT", "git-receive-pack"),
        ("GET", "HEAD"),
    ] {
        assert_eq!(git(method, rest), Err("not-git"), "{method} {rest}");
    }
    assert_eq!(git("POST", "%67it-receive-pack"), Err("git-push"));
}

#[test]
fn a_credential_never_goes_out_in_the_clear() {
    let auth = RouteAuth { scheme: AuthScheme::Bearer, token_ref: TokenRef::variable("T") };
    let policy =
        Policy::new(&[EgressRoute { auth: Some(auth), ..route("a.example.com") }, route("b.example.com")]);
    assert_eq!(ask(&policy, "GET", "http://a.example.com/"), Err("plain-http"));
    assert!(ask(&policy, "GET", "http://b.example.com/").is_ok());
    assert_eq!(policy.connect("a.example.com", 443), Ok((0, Handling::Inspect)));
    assert_eq!(policy.connect("b.example.com", 443), Ok((1, Handling::Tunnel)));
}

#[test]
fn one_host_covers_another_only_when_it_always_matches() {
    assert!(host_covers("*.a.com", "b.a.com") && host_covers("*.a.com", "*.b.a.com"));
    assert!(host_covers("*.a.com", "*.a.com") && host_covers("a.com", "a.com"));
    assert!(!host_covers("*.a.com", "a.com") && !host_covers("*.b.a.com", "*.a.com"));
    assert!(!host_covers("b.a.com", "*.a.com"));
}

#[test]
fn covering_and_matching_agree() {
    let names = ["a.com", "b.a.com", "c.b.a.com", "com", "ba.com", ".a.com", "x.", "a..com"];
    for name in names {
        for domain in names.into_iter().chain([""]) {
            let outer = format!("*.{domain}");
            assert_eq!(host_covers(&outer, name), host_matches(&outer, name), "{outer} {name}");
            let inner = format!("*.{name}");
            let expected = outer == inner || host_matches(&outer, name);
            assert_eq!(host_covers(&outer, &inner), expected, "{outer} {inner}");
        }
        assert!(!host_covers(name, &format!("*.{name}")) && host_covers(name, name));
    }
}

#[test]
fn what_is_shown_moves_no_terminal() {
    assert_eq!(printable("a\x1b[2Jb\u{202e}"), "a\u{fffd}[2Jb\u{fffd}");
}

/// Where the agent's own login is wanted, the lines name the field that makes the route first.
#[test]
fn the_lines_for_a_vendors_host_name_the_login_first() {
    for (host, field) in [
        ("api.anthropic.com", "agent_provider.auth_token"),
        ("chatgpt.com", "agent_provider.forward_host_credentials"),
    ] {
        let lines = narrowest_route(host, "POST", Some("/v1/messages"));
        let (login, route) = (lines.find(field), lines.find("- host"));
        assert!(login.is_some() && login < route, "{lines}");
    }
    assert!(!narrowest_route("api.github.com", "GET", None).contains("agent_provider"));
}
