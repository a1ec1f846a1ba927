//! Why the egress did not carry a request, in words for the guest and codes for the audit.

use crate::egress::code::Code;
use crate::egress::policy::{Denial, narrowest_port, narrowest_route};

/// An answer of the egress's own: a refusal by policy, or a fault on the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) code: Code,
    /// Why, in a sentence.
    pub(crate) message: String,
    /// Manifest lines that would allow the request.
    pub(crate) allow: Option<String>,
}

impl Refusal {
    /// For a reason that no manifest line changes.
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), allow: None }
    }

    /// Where no answer can be given, or none is heard.
    pub(crate) fn silent(code: Code) -> Self {
        Self::new(code, "")
    }

    /// Refused by the policy. The path is without its query; `None` for a CONNECT.
    pub(crate) fn policy(denial: &Denial, method: &str, path: Option<&str>) -> Self {
        let never = method.eq_ignore_ascii_case("TRACE") || method.eq_ignore_ascii_case("CONNECT");
        let allow = match denial {
            Denial::Host { host } => Some(narrowest_route(host, method, path.filter(|_| !never))),
            Denial::Path { route, path } => Some(narrowest_route(&route.host, method, Some(path))),
            Denial::Method { route, .. } if !never => Some(narrowest_route(&route.host, method, path)),
            Denial::Port { host, port, .. } => Some(narrowest_port(host, *port)),
            Denial::GitPush { route } => {
                Some(format!("  routes:\n    - host: {}\n      git: write\n", route.host))
            }
            _ => None,
        };
        Self { allow, ..Self::new(denial.code(), denial.to_string()) }
    }

    /// As text. `policy` is the guest's file that says what it may do.
    pub(crate) fn text(&self, policy: Option<&str>) -> String {
        let verb = if self.code.is_refusal() { "refused" } else { "failed" };
        let mut text = format!("bot-bottle {verb} this request: {}.\n", self.message);
        if let Some(lines) = &self.allow {
            text.push_str("The narrowest manifest lines that would allow it, if its owner wants that:\n");
            text.push_str(&format!("egress:\n{lines}"));
        }
        if let Some(policy) = policy {
            text.push_str(&format!("What is allowed, and how to ask for more: {policy}\n"));
        }
        text
    }

    /// The same as JSON.
    pub(crate) fn json(&self, policy: Option<&str>) -> String {
        let manifest = self.allow.as_ref().map(|lines| format!("egress:\n{lines}"));
        let kind = if self.code.is_refusal() { "egress_denied" } else { "egress_failed" };
        let mut error = serde_json::json!({"type": kind, "code": self.code.word(), "message": self.message, "manifest": manifest});
        if let Some(policy) = policy {
            error["policy"] = policy.into();
        }
        serde_json::json!({"error": error}).to_string()
    }
}
