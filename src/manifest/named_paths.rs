//! The paths of the host that a manifest names, field by field.
//!
//! [`of_bottle`] and [`of_agent`] take what is read apart without `..`: a new field of this type does not
//! compile until it stands in that list, which the rule `sensitive-mount` judges from end to end.

use super::HostPath;
use super::model::{Agent, AgentProvider, Bottle, MountSpec, PromptSource, Workspace};
use crate::syntax::Node;

/// What a manifest names a path of the host for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// `agent_provider.dockerfile`, which the build reads.
    Dockerfile,
    /// `agent_provider.context`, which the build reads.
    Context,
    /// `prompt_file`, which is copied into the guest.
    Prompt,
    /// `workspace.path`, which the guest sees.
    Workspace,
    /// `workspace.mounts[].source` by its number, which the guest sees.
    Mount(usize),
}

/// Every path of the host that a bottle names, without empty text, which names nothing.
pub fn of_bottle(bottle: &Bottle) -> Vec<(Purpose, &HostPath)> {
    let Bottle {
        provider,
        workspace,
        prompt,
        name: _,
        file: _,
        location: _,
        extends: _,
        env: _,
        git: _,
        egress: _,
        inherits_routes: _,
        supervise: _,
        resources: _,
        // By name, below one folder.
        skills: _,
    } = bottle;
    let AgentProvider {
        dockerfile,
        context,
        place: _,
        template: _,
        auth_token: _,
        api_key: _,
        forward_host_credentials: _,
    } = provider;
    let mut all = Vec::new();
    all.extend(dockerfile.as_ref().map(|path| (Purpose::Dockerfile, path)));
    all.extend(context.as_ref().map(|path| (Purpose::Context, path)));
    all.extend(of_prompt(prompt));
    if let Some(Workspace { path, mounts, mode: _ }) = workspace.as_ref().map(|w| &w.value) {
        all.extend(path.as_ref().map(|path| (Purpose::Workspace, path)));
        for (number, MountSpec { source, place: _, target: _, read_only: _ }) in mounts.iter().enumerate() {
            all.extend(source.as_ref().map(|path| (Purpose::Mount(number), path)));
        }
    }
    all.retain(|(_, path)| !path.value.is_empty());
    all
}

/// Every path of the host that an agent names.
pub fn of_agent(agent: &Agent) -> Vec<(Purpose, &HostPath)> {
    let Agent { prompt, name: _, file: _, location: _, bottle: _, skills: _, git: _, body: _ } = agent;
    of_prompt(prompt).into_iter().filter(|(_, path)| !path.value.is_empty()).collect()
}

fn of_prompt(prompt: &PromptSource) -> Option<(Purpose, &HostPath)> {
    let PromptSource { prompt_file, prompt: _ } = prompt;
    prompt_file.as_ref().map(|path| (Purpose::Prompt, path))
}

/// Where these paths stand in a document, for what works on its text.
pub const FIELDS: [&[&str]; 5] = [
    &["prompt_file"],
    &["agent_provider", "dockerfile"],
    &["agent_provider", "context"],
    &["workspace", "path"],
    &["workspace", "mounts", "[]", "source"],
];

/// The nodes of a document that write such paths.
pub fn nodes(root: &Node) -> Vec<&Node> {
    fn below<'n>(node: &'n Node, rest: &[&str], found: &mut Vec<&'n Node>) {
        match rest.split_first() {
            None => found.push(node),
            Some((&"[]", rest)) => node.items().iter().for_each(|item| below(item, rest, found)),
            Some((key, rest)) => {
                if let Some(value) = node.get(key) {
                    below(value, rest, found);
                }
            }
        }
    }
    let mut found = Vec::new();
    FIELDS.iter().for_each(|field| below(root, field, &mut found));
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::{Layout, Source, read_agent, read_bottle};
    use std::path::Path;

    fn source(name: &str, text: &str) -> Source {
        Source::recognise(Path::new(name), text, &Layout::default(), true).expect("a manifest")
    }

    #[test]
    fn the_text_and_what_is_read_of_it_name_the_same_paths() {
        let text = "agent_provider: {dockerfile: a, context: b}\nprompt_file: c\n\
            workspace: {path: d, mounts: [{source: e, target: /x}, {source: f, target: /y}]}\n";
        let source = source("/p/x.bottle.yaml", text);
        let bottle = read_bottle(&source, &source.manifests[0]);
        let mut read: Vec<_> = of_bottle(&bottle).iter().map(|(_, path)| path.value.clone()).collect();
        let root = source.root(&source.manifests[0]).expect("a document");
        let mut written: Vec<_> = nodes(root).iter().filter_map(|n| Some(n.text()?.to_owned())).collect();
        read.sort();
        written.sort();
        assert_eq!((read.concat(), written.concat()), ("abcdef".to_owned(), "abcdef".to_owned()));
    }

    #[test]
    fn an_agents_prompt_counts_from_its_own_folder() {
        let source = source("/p/x.agent.yaml", "bottle: x\nprompt_file: ../c\n");
        let agent = read_agent(&source, &source.manifests[0]);
        assert_eq!(of_agent(&agent)[0].1.resolve(&Layout::default()), Path::new("/c"));
    }
}
