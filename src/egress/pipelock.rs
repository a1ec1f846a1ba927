//! The configuration of pipelock, a DLP proxy that can stand behind the egress.
//!
//! Written for pipelock 2.3, whose parser is strict: an unknown key is an error. It is the last
//! hop, so it looks for secrets in what leaves; hosts that pass through it are not looked into.

use crate::provider::EgressRoute;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Pipelock's configuration for these routes, as YAML.
///
/// A route with a credential passes through whether or not it says so: pipelock's header scan
/// takes the credential for a leak.
pub fn pipelock_config(routes: &[EgressRoute]) -> String {
    let passes = |route: &EgressRoute| route.tls_passthrough || route.auth.is_some();
    let hosts: BTreeSet<&str> = routes.iter().map(|r| r.host.as_str()).collect();
    let through: BTreeSet<&str> = routes.iter().filter(|r| passes(r)).flat_map(|r| names(&r.host)).collect();
    let excepted: BTreeSet<&str> =
        routes.iter().flat_map(|r| &r.ssrf_ip_allowlist).map(String::as_str).collect();
    let config = json!({
        "version": 1,
        // The only mode that enforces the list of hosts, which must then not be empty.
        "mode": "strict",
        "enforce": true,
        "api_allowlist": if hosts.is_empty() { list(["bot-bottle.invalid"]) } else { list(hosts) },
        "fetch_proxy": {"listen": "0.0.0.0:8888"},
        "forward_proxy": {
            "enabled": true,
            "max_tunnel_seconds": 300,
            "idle_timeout_seconds": 120,
            "sni_verification": true,
        },
        "tls_interception": {
            "enabled": !routes.iter().all(passes),
            "ca_cert": "/etc/pipelock-ca.pem",
            "ca_key": "/etc/pipelock-ca-key.pem",
            "passthrough_domains": list(through),
        },
        "dlp": {"scan_env": true, "include_defaults": true},
        "request_body_scanning": {
            "enabled": true,
            "action": "block",
            "scan_headers": true,
            "header_mode": "all",
        },
        "response_scanning": {"enabled": true, "action": "block"},
        "logging": {"format": "json", "output": "stdout", "include_allowed": true, "include_blocked": true},
        "ssrf": {"ip_allowlist": list(excepted)},
    });
    serde_yaml::to_string(&config).unwrap_or_default()
}

/// The names that its passthrough list needs: there `*.x` does not cover `x`, as it does in its
/// list of hosts.
fn names(host: &str) -> impl Iterator<Item = &str> {
    std::iter::once(host).chain(host.strip_prefix("*."))
}

fn list<'a>(items: impl IntoIterator<Item = &'a str>) -> Value {
    items.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::{AuthScheme, RouteAuth, RouteOwner, TokenRef};

    fn route(host: &str) -> EgressRoute {
        EgressRoute::new(host, RouteOwner::Manifest)
    }

    fn read(routes: &[EgressRoute]) -> Value {
        serde_yaml::from_str(&pipelock_config(routes)).expect("YAML")
    }

    #[test]
    fn hosts_are_listed_once_and_sorted_and_credentials_pass_through() {
        let auth = Some(RouteAuth { scheme: AuthScheme::Bearer, token_ref: TokenRef::variable("T") });
        let config = read(&[
            route("b.test"),
            EgressRoute { tls_passthrough: true, ..route("*.wild.test") },
            EgressRoute { auth, ssrf_ip_allowlist: vec!["10.0.0.0/8".into()], ..route("a.test") },
            route("b.test"),
        ]);
        assert_eq!(config["api_allowlist"], json!(["*.wild.test", "a.test", "b.test"]));
        let tls = &config["tls_interception"];
        assert_eq!(tls["passthrough_domains"], json!(["*.wild.test", "a.test", "wild.test"]));
        assert_eq!(tls["enabled"], true);
        assert_eq!(config["ssrf"]["ip_allowlist"], json!(["10.0.0.0/8"]));
        assert_eq!((&config["mode"], &config["version"]), (&json!("strict"), &json!(1)));
    }

    #[test]
    fn nothing_to_look_into_needs_no_interception_and_no_route_still_parses() {
        let config = read(&[EgressRoute { tls_passthrough: true, ..route("a.test") }]);
        assert_eq!(config["tls_interception"]["enabled"], false);
        let none = read(&[]);
        assert_eq!(none["api_allowlist"], json!(["bot-bottle.invalid"]));
    }

    #[test]
    fn the_text_is_one_document_with_the_keys_that_pipelock_knows() {
        let text = pipelock_config(&[route("a.test")]);
        assert!(text.starts_with("version: 1\nmode: strict\n") && !text.contains("---"));
        let config = read(&[route("a.test")]);
        let keys: Vec<_> = config.as_object().expect("a map").keys().collect();
        let known = [
            "version",
            "mode",
            "enforce",
            "api_allowlist",
            "fetch_proxy",
            "forward_proxy",
            "tls_interception",
            "dlp",
            "request_body_scanning",
            "response_scanning",
            "logging",
            "ssrf",
        ];
        assert_eq!(keys, known);
    }
}
