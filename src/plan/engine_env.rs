//! The guest variables that the engine sets: the way to the egress, and the launch's CA.
//!
//! A manifest may not set them (rule `engine-owned-env`): a proxy of its own would lead nowhere,
//! and another CA file would break every connection that the egress looks into.

/// Where the relay listens in every guest; loopback of the guest's own network, so it is never taken.
pub const PROXY_PORT: u16 = 47128;

/// The guest's trust store with the launch's CA in it.
pub const CA_BUNDLE: &str = "/etc/ssl/certs/ca-certificates.crt";

/// Variables that hold the proxy's address.
pub const PROXY_VARS: [&str; 6] =
    ["ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY", "all_proxy", "http_proxy", "https_proxy"];

/// Variables that name what is reached without the proxy: the guest's own loopback.
pub const NO_PROXY_VARS: [&str; 2] = ["NO_PROXY", "no_proxy"];

/// Variables that name a CA file: OpenSSL, Node.js, Python, pip, curl, git, cargo, the AWS tools,
/// Deno, Nix and gRPC each read their own.
pub const CA_VARS: [&str; 11] = [
    "AWS_CA_BUNDLE",
    "CARGO_HTTP_CAINFO",
    "CURL_CA_BUNDLE",
    "DENO_CERT",
    "GIT_SSL_CAINFO",
    "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",
    "NIX_SSL_CERT_FILE",
    "NODE_EXTRA_CA_CERTS",
    "PIP_CERT",
    "REQUESTS_CA_BUNDLE",
    "SSL_CERT_FILE",
];

/// Makes Node.js's own `fetch` heed the proxy variables (from Node.js 24).
pub const NODE_PROXY_VAR: &str = "NODE_USE_ENV_PROXY";

/// Every variable that the engine sets, each with its value.
pub fn all() -> Vec<(&'static str, String)> {
    let proxy = format!("http://127.0.0.1:{PROXY_PORT}");
    let mut vars: Vec<(&'static str, String)> = Vec::new();
    vars.extend(PROXY_VARS.map(|name| (name, proxy.clone())));
    vars.extend(NO_PROXY_VARS.map(|name| (name, "localhost,127.0.0.1,::1".to_owned())));
    vars.extend(CA_VARS.map(|name| (name, CA_BUNDLE.to_owned())));
    vars.push((NODE_PROXY_VAR, "1".to_owned()));
    vars
}

/// Every name that the engine owns, in order; what the checker compares `env` keys with.
pub const NAMES: [&str; 20] = [
    "ALL_PROXY",
    "AWS_CA_BUNDLE",
    "CARGO_HTTP_CAINFO",
    "CURL_CA_BUNDLE",
    "DENO_CERT",
    "GIT_SSL_CAINFO",
    "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NIX_SSL_CERT_FILE",
    "NODE_EXTRA_CA_CERTS",
    "NODE_USE_ENV_PROXY",
    "NO_PROXY",
    "PIP_CERT",
    "REQUESTS_CA_BUNDLE",
    "SSL_CERT_FILE",
    "all_proxy",
    "http_proxy",
    "https_proxy",
    "no_proxy",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_are_those_that_are_set() {
        let mut names: Vec<_> = all().into_iter().map(|(name, _)| name).collect();
        names.sort_unstable();
        assert_eq!(names, NAMES);
    }
}
