//! From tree to model. Lenient: what has the wrong shape is left out, and the schema reports it.

use super::{
    Agent, AgentProvider, Auth, Bottle, EnvVar, Git, HeaderSpec, HostPath, Located, Manifest, MatchEntry,
    MountSpec, PathSpec, Pipelock, Place, PromptSource, Resources, Route, Source, Workspace,
};
use crate::syntax::{Entry, Node, ScalarValue, Value};
use std::path::Path;
use std::sync::Arc;

/// What a bottle's document says, without its parents.
pub fn read_bottle(source: &Source, manifest: &Manifest) -> Bottle {
    let reader = Reader { file: &source.path };
    let root = source.root(manifest);
    let get = |key: &str| root.and_then(|r| r.get(key));
    let entry = |key: &str| root.and_then(|r| r.entry(key));
    Bottle {
        name: manifest.name.clone(),
        file: source.path.clone(),
        location: source.location,
        extends: get("extends").map(|n| reader.one_or_many(n)).unwrap_or_default(),
        provider: reader.provider(entry("agent_provider")),
        env: get("env").map(|n| reader.env(n)).unwrap_or_default(),
        git: reader.git(get("git")),
        egress: entry("egress").map(|e| reader.egress(e)),
        inherits_routes: entry("egress").is_none_or(|e| reader.inherits_routes(&e.value)),
        supervise: get("supervise").and_then(|n| reader.boolean(n)),
        workspace: entry("workspace").map(|e| reader.whole(e, reader.workspace(&e.value))),
        resources: entry("resources").map(|e| reader.whole(e, reader.resources(&e.value))),
        prompt: reader.prompt(root),
        skills: get("skills").map(|n| reader.texts(n)).unwrap_or_default(),
    }
}

/// What an agent's document says.
pub fn read_agent(source: &Source, manifest: &Manifest) -> Agent {
    let reader = Reader { file: &source.path };
    let root = source.root(manifest);
    let get = |key: &str| root.and_then(|r| r.get(key));
    Agent {
        name: manifest.name.clone(),
        file: source.path.clone(),
        location: source.location,
        bottle: get("bottle").and_then(|n| reader.text(n)),
        skills: get("skills").map(|n| reader.texts(n)).unwrap_or_default(),
        git: reader.git(get("git")),
        prompt: reader.prompt(root),
        body: source.body_text().to_owned(),
    }
}

struct Reader<'a> {
    file: &'a Arc<Path>,
}

impl Reader<'_> {
    fn place(&self, node: &Node) -> Place {
        Place { file: self.file.clone(), span: node.span, origin: node.origin }
    }

    /// The place of a whole entry: where it came through `<<`, the merge's.
    fn entry_place(&self, entry: &Entry) -> Place {
        let (key, value) = (&entry.key, &entry.value);
        let span = if key.origin.is_some() { key.span } else { key.span.join(value.span) };
        Place { file: self.file.clone(), span, origin: key.origin }
    }

    fn whole<T>(&self, entry: &Entry, value: T) -> Located<T> {
        Located { value, place: self.entry_place(entry) }
    }

    fn text(&self, node: &Node) -> Option<Located<String>> {
        node.text().map(|t| Located { value: t.to_owned(), place: self.place(node) })
    }

    /// Text, a number or a boolean, as written.
    fn scalar(&self, node: &Node) -> Option<Located<String>> {
        let Value::Scalar(scalar) = &node.value else { return None };
        (!node.is_null()).then(|| Located { value: scalar.text.to_string(), place: self.place(node) })
    }

    fn boolean(&self, node: &Node) -> Option<Located<bool>> {
        match node.scalar()? {
            ScalarValue::Bool(value) => Some(Located { value, place: self.place(node) }),
            _ => None,
        }
    }

    fn texts(&self, node: &Node) -> Vec<Located<String>> {
        node.items().iter().filter_map(|n| self.text(n)).collect()
    }

    fn one_or_many(&self, node: &Node) -> Vec<Located<String>> {
        match self.text(node) {
            Some(one) => vec![one],
            None => self.texts(node),
        }
    }

    fn provider(&self, entry: Option<&Entry>) -> AgentProvider {
        let Some(entry) = entry else { return AgentProvider::default() };
        let get = |key: &str| entry.value.get(key);
        AgentProvider {
            place: Some(self.entry_place(entry)),
            template: get("template").and_then(|n| self.text(n)),
            dockerfile: get("dockerfile").and_then(|n| self.host_path(n)),
            context: get("context").and_then(|n| self.host_path(n)),
            auth_token: get("auth_token").and_then(|n| self.text(n)),
            api_key: get("api_key").and_then(|n| self.text(n)),
            forward_host_credentials: get("forward_host_credentials").and_then(|n| self.boolean(n)),
        }
    }

    fn env(&self, node: &Node) -> Vec<EnvVar> {
        let variable = |entry: &Entry| {
            let key = &entry.key;
            let place = Place { file: self.file.clone(), span: key.span, origin: key.origin };
            Some(EnvVar {
                name: Located { value: key.text.to_string(), place },
                value: self.scalar(&entry.value)?,
            })
        };
        node.entries().iter().filter_map(variable).collect()
    }

    fn git(&self, node: Option<&Node>) -> Git {
        let user = |key: &str| node?.get("user")?.get(key).and_then(|n| self.text(n));
        let remotes = node.and_then(|n| n.entry("remotes")).map(|entry| {
            let name = |e: &Entry| {
                let place = Place { file: self.file.clone(), span: e.key.span, origin: e.key.origin };
                Located { value: e.key.text.to_string(), place }
            };
            self.whole(entry, entry.value.entries().iter().map(name).collect())
        });
        Git { name: user("name"), email: user("email"), remotes }
    }

    /// Whatever stands under `egress`, if it is no list of routes there are none.
    fn egress(&self, entry: &Entry) -> Located<Vec<Route>> {
        let routes = entry.value.get("routes").map(Node::items).unwrap_or_default();
        self.whole(entry, routes.iter().map(|n| self.route(n)).collect())
    }

    fn inherits_routes(&self, egress: &Node) -> bool {
        let stated = egress.get("inherit").and_then(|n| self.boolean(n)).is_none_or(|l| l.value);
        let empty = egress.get("routes").is_some_and(|routes| routes.items().is_empty());
        stated && !empty
    }

    fn route(&self, node: &Node) -> Route {
        let role = |entry: &Entry| {
            // A list of one role, and a block scalar's line break, say the same as the role itself.
            let one = match entry.value.items() {
                [only] => only.text(),
                _ => entry.value.text(),
            };
            self.whole(entry, one.unwrap_or_default().trim().to_owned())
        };
        let pipelock = node.get("pipelock");
        Route {
            place: self.place(node),
            layer: 0,
            host: node.get("host").and_then(|n| self.text(n)),
            ports: node.entry("ports").map(|e| {
                let ports = e.value.items().iter().filter_map(|n| self.scalar(n));
                self.whole(e, ports.collect())
            }),
            protocol: node.get("protocol").and_then(|n| self.text(n)),
            auth: node.get("auth").map(|n| Auth {
                place: self.place(n),
                scheme: n.get("scheme").and_then(|n| self.text(n)),
                user: n.get("user").and_then(|n| self.text(n)),
                header: n.get("header").and_then(|n| self.text(n)),
                token_ref: n.get("token_ref").and_then(|n| self.text(n)),
            }),
            pass_headers: node.get("pass_headers").map(|n| self.texts(n)).unwrap_or_default(),
            path_allowlist: node.entry("path_allowlist").map(|e| self.whole(e, self.texts(&e.value))),
            matches: node
                .entry("matches")
                .map(|e| self.whole(e, e.value.items().iter().map(|n| self.match_entry(n)).collect())),
            git: node.get("git").and_then(|n| self.text(n)),
            pipelock: Pipelock {
                tls_passthrough: pipelock
                    .and_then(|n| n.get("tls_passthrough"))
                    .and_then(|n| self.boolean(n)),
                ssrf_ip_allowlist: pipelock
                    .and_then(|n| n.get("ssrf_ip_allowlist"))
                    .map(|n| self.texts(n))
                    .unwrap_or_default(),
            },
            role: node.entry("role").map(role),
        }
    }

    fn match_entry(&self, node: &Node) -> MatchEntry {
        let path = |n: &Node| {
            let value = self.text(n.get("value")?)?;
            Some(PathSpec { kind: n.get("type").and_then(|n| self.text(n)), value })
        };
        let header = |n: &Node| {
            Some(HeaderSpec { name: self.text(n.get("name")?)?, value: self.scalar(n.get("value")?)? })
        };
        MatchEntry {
            headers: node.get("headers").map(|n| n.items().iter().filter_map(header).collect()),
            paths: node.get("paths").map(|n| n.items().iter().filter_map(path).collect()),
            methods: node.get("methods").map(|n| self.texts(n)),
        }
    }

    fn workspace(&self, node: &Node) -> Workspace {
        let mount = |n: &Node| MountSpec {
            place: self.place(n),
            source: n.get("source").and_then(|n| self.host_path(n)),
            target: n.get("target").and_then(|n| self.text(n)),
            read_only: n.get("read_only").and_then(|n| self.boolean(n)),
        };
        Workspace {
            path: node.get("path").and_then(|n| self.host_path(n)),
            mode: node.get("mode").and_then(|n| self.text(n)),
            mounts: node.get("mounts").map(Node::items).unwrap_or_default().iter().map(mount).collect(),
        }
    }

    fn resources(&self, node: &Node) -> Resources {
        let get = |key: &str| node.get(key).and_then(|n| self.scalar(n));
        Resources { cpus: get("cpus"), memory: get("memory"), pids: get("pids") }
    }

    fn prompt(&self, root: Option<&Node>) -> PromptSource {
        let get = |key: &str| root?.get(key);
        PromptSource {
            prompt: get("prompt").and_then(|n| self.text(n)),
            prompt_file: get("prompt_file").and_then(|n| self.host_path(n)),
        }
    }

    fn host_path(&self, node: &Node) -> Option<HostPath> {
        self.text(node).map(HostPath::new)
    }
}
