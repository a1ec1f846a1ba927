//! Why a request was refused or failed: one word each, for the audit, the guest and the log.

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// Who decides on a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Decider {
    /// The manifest's routes.
    Policy,
    /// The table of addresses that no bottle reaches.
    Address,
    /// The rules on what is a request at all: what is ambiguous is not judged but refused.
    Form,
    /// The egress itself: it cannot do its part, or will not for this client.
    Egress,
}

/// What a code stands for.
#[derive(Clone, Copy)]
enum Meaning {
    /// Nothing of it goes out.
    Refused(Decider),
    /// It was allowed, and something went wrong on its way.
    Failed,
}

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $name:ident = $word:literal, $status:literal, $meaning:expr;)+) => {
        /// Why a request was refused, or what went wrong on its way. A closed set: the words stand here
        /// and nowhere else.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Code {
            $($(#[doc = $doc])+ $name,)+
        }

        impl Code {
            /// All of them, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            const fn row(self) -> (&'static str, u16, Meaning) {
                match self {
                    $(Self::$name => ($word, $status, $meaning),)+
                }
            }
        }
    };
}

use Decider::{Address, Egress, Form, Policy};
use Meaning::{Failed, Refused};

codes! {
    /// The text names no host that could be allowed.
    NotAHost = "not-a-host", 403, Refused(Policy);
    /// No route lists the host.
    Host = "host", 403, Refused(Policy);
    /// The host is listed, the port is not.
    Port = "port", 403, Refused(Policy);
    /// The port is open for HTTP and TLS alone, and this is neither.
    NotTcp = "not-tcp", 403, Refused(Policy);
    /// Plain HTTP to a route with a credential.
    PlainHttp = "plain-http", 403, Refused(Policy);
    /// The route does not allow the method.
    Method = "method", 403, Refused(Policy);
    /// The request lacks a header that the route asks for.
    Header = "header", 403, Refused(Policy);
    /// The route does not allow the path.
    Path = "path", 403, Refused(Policy);
    /// The path can be read in more than one way, and the route allows some paths only.
    AmbiguousPath = "ambiguous-path", 403, Refused(Policy);
    /// The route is for git, and this is something else.
    NotGit = "not-git", 403, Refused(Policy);
    /// A push through a route for reading.
    GitPush = "git-push", 403, Refused(Policy);
    /// A header would make the server act on another request than the one that was checked.
    Override = "override", 403, Refused(Policy);
    /// The host leads to addresses that no bottle reaches.
    PrivateAddress = "private-address", 403, Refused(Address);
    /// It is not HTTP as a proxy can judge it.
    Malformed = "malformed", 400, Refused(Form);
    /// Its head is larger than the egress reads.
    TooLarge = "too-large", 431, Refused(Form);
    /// Neither a CONNECT nor an absolute `http://` target.
    NotAProxyRequest = "not-a-proxy-request", 400, Refused(Form);
    /// Target, `Host` and connection name different hosts.
    HostMismatch = "host-mismatch", 421, Refused(Form);
    /// After a CONNECT no client hello came.
    NoHello = "no-hello", 0, Refused(Form);
    /// After a CONNECT something else than TLS came.
    NotTls = "not-tls", 0, Refused(Form);
    /// The client hello hides the name that it is for.
    EncryptedHello = "encrypted-hello", 0, Refused(Form);
    /// The client hello is for another name than the CONNECT.
    SniMismatch = "sni-mismatch", 0, Refused(Form);
    /// The client hello names no host.
    NoSni = "no-sni", 0, Refused(Form);
    /// The client did not log in where the egress asks for it.
    Login = "login", 407, Refused(Egress);
    /// The request could not be written down, so it does not go out.
    Audit = "audit", 503, Refused(Egress);
    /// The egress carries as much as it may already.
    Busy = "busy", 503, Refused(Egress);
    /// The host lacks the route's credential, or no header can carry it.
    NoCredential = "no-credential", 502, Failed;
    /// The name cannot be resolved.
    UnknownHost = "unknown-host", 502, Failed;
    /// No address of the host takes a connection.
    Unreachable = "unreachable", 502, Failed;
    /// The host did not take a connection in time.
    ConnectTimeout = "connect-timeout", 504, Failed;
    /// The parent proxy opened no way.
    UpstreamProxy = "upstream-proxy", 502, Failed;
    /// The host showed no certificate that is trusted for its name.
    UpstreamTls = "upstream-tls", 502, Failed;
    /// The host did not answer in time.
    UpstreamTimeout = "upstream-timeout", 504, Failed;
    /// The host closed the connection before its answer was whole.
    UpstreamReset = "upstream-reset", 502, Failed;
    /// The host answered something that is not HTTP, or not what was asked for.
    UpstreamGarbage = "upstream-garbage", 502, Failed;
    /// A compressed answer on a route with a credential, which cannot be searched for it.
    EncodedAnswer = "encoded-answer", 502, Failed;
    /// The launch's authority could make no certificate for the host.
    Certificate = "certificate", 0, Failed;
    /// The guest ended the TLS handshake: most often it does not trust the launch's authority.
    GuestTls = "guest-tls", 0, Failed;
    /// One side left before everything had passed.
    CutShort = "cut-short", 0, Failed;
    /// One side sent what is no WebSocket frame.
    NotWebsocket = "not-websocket", 0, Failed;
    /// The guest left before there was an answer.
    Aborted = "aborted", 0, Failed;
}

impl Code {
    /// Its word, as in the audit and the header `x-bot-bottle`.
    pub const fn word(self) -> &'static str {
        self.row().0
    }

    /// The status that the guest gets; 0 where it gets none.
    pub const fn status(self) -> u16 {
        self.row().1
    }

    /// Who refused; `None` for what went wrong after it was allowed.
    pub const fn refused_by(self) -> Option<Decider> {
        match self.row().2 {
            Refused(by) => Some(by),
            Failed => None,
        }
    }

    /// Whether nothing of the request was let out.
    pub const fn is_refusal(self) -> bool {
        self.refused_by().is_some()
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.word())
    }
}

impl<'de> Deserialize<'de> for Code {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        let known = Self::ALL.iter().find(|code| code.word() == word);
        known.copied().ok_or_else(|| D::Error::custom("an unknown code"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn each_code_has_a_word_of_its_own_that_reads_back() {
        let words: HashSet<_> = Code::ALL.iter().map(|c| c.word()).collect();
        assert_eq!(words.len(), Code::ALL.len());
        for code in Code::ALL {
            let json = serde_json::to_string(code).expect("JSON");
            assert_eq!(serde_json::from_str::<Code>(&json).expect("a code"), *code);
        }
        assert!(serde_json::from_str::<Code>("\"hots\"").is_err());
    }
}
