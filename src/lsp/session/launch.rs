//! Launching from the editor: the question of trust, then a terminal or a task.

use super::Session;
use crate::check::masked_words;
use crate::engine::trust::{Standing, Trust};
use crate::engine::{self, Host, Looked, Options, Record};
use crate::lsp::launch::{OpenTerminal, Operator, Ready, Task, TerminalParams, Wish};
use crate::lsp::progress::Progress;
use crate::lsp::uri::file_path;
use crate::plan::shell_words;
use crate::shown::{decided_on, visible};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tower_lsp::ls_types::request::ShowMessageRequest;
use tower_lsp::ls_types::{MessageActionItem, MessageType, ShowMessageRequestParams, Uri};

/// The answer that is a yes; every other one, and none, is a no.
const YES: &str = "Trust and launch";
const NO: &str = "Do not launch";
/// A question of more lines is not read on a screen, and whoever says yes must have read it.
const LONGEST_QUESTION: usize = 60;

impl Session {
    /// Launches a manifest: in a terminal of the client, or with a task without one. A bottle that is
    /// not trusted is asked about first; the answer may come at any time, or never.
    pub(in crate::lsp) fn launch(&mut self, uri: &Uri, name: Option<&str>, wish: Wish) -> Result<(), String> {
        if wish.task.is_none() && !self.abilities.terminal {
            return Err("this editor shows no terminal; give a task as the third argument, or run \
                        `bot-bottle launch FILE` in a terminal"
                .to_owned());
        }
        let file = file_path(uri).ok_or("only a file is launched; save the document first")?;
        let ready = self.saved(&file, name)?;
        let question = match self.standing(&ready)? {
            Standing::Own | Standing::Trusted => return self.start(&ready, wish),
            asked => self.question(&ready, &asked)?,
        };
        let subject = (ready.file.clone(), ready.name.clone());
        if !self.asking.insert(subject.clone()) {
            return Err(format!("the question about {} is still open; answer it", ready.name));
        }
        let action =
            |title: &str| MessageActionItem { title: title.to_owned(), properties: Default::default() };
        let params = ShowMessageRequestParams {
            typ: MessageType::WARNING,
            message: question,
            // Where a client takes the first for what Enter means, Enter is a no.
            actions: Some(vec![action(NO), action(YES)]),
        };
        let owner = self.owner.clone();
        self.outbox.request_of_a_person::<ShowMessageRequest>(params, move |answer| {
            let yes = answer.is_ok_and(|answer| answer.is_some_and(|a| a.title == YES));
            owner.tell(move |session| {
                session.asking.remove(&subject);
                if let Err(why) = if yes { session.trusted(&ready, wish) } else { Ok(()) } {
                    session.message(MessageType::ERROR, why);
                }
            });
        });
        Ok(())
    }

    /// The question, as text of several lines in which nothing is a credential or steers the reader.
    fn question(&self, ready: &Ready, standing: &Standing) -> Result<String, String> {
        let file = ready.bottle.path();
        let in_workspace = self.roots.iter().find_map(|root| file.strip_prefix(root).ok());
        let shown = in_workspace.unwrap_or(file).display();
        let summary = standing.summary(&format!("{shown}#{}", ready.bottle.name()));
        let summary = summary + &ready.silenced;
        let lines: Vec<_> = summary.lines().map(|line| visible(&masked_words(line))).collect();
        if lines.len() > LONGEST_QUESTION {
            let file = file.display().to_string();
            let command = shell_words(&["bot-bottle".to_owned(), "trust".to_owned(), file.clone()]);
            return Err(format!(
                "{} is not trusted, and allows more than can be shown here; look at it with `{command}`, and \
                 launch it again",
                decided_on(&file)
            ));
        }
        Ok(lines.join("\n"))
    }

    /// A person said yes to what was shown, which is remembered; anything else is not launched.
    fn trusted(&mut self, shown: &Ready, wish: Wish) -> Result<(), String> {
        let now = self.saved(&shown.file, Some(&shown.name))?;
        if (now.digest.as_str(), now.bottle.digest()) != (shown.digest.as_str(), shown.bottle.digest()) {
            return Err(format!(
                "{} has changed since it was shown, and is not launched; look at it, and launch it again",
                shown.file.display()
            ));
        }
        let trust = Trust::new(&self.operator()?.state, &self.layout);
        trust.grant(&shown.bottle).map_err(|e| format!("the answer cannot be remembered: {e}"))?;
        self.start(shown, wish)
    }

    fn start(&mut self, ready: &Ready, wish: Wish) -> Result<(), String> {
        let operator = self.operator()?;
        let folder = self.project(&ready.file)?;
        let mut words = vec!["launch".to_owned(), ready.target(), format!("--digest={}", ready.digest)];
        words.push(format!("--backend={}", operator.backend.name()));
        words.extend(wish.options());
        let arguments = wish.arguments;
        let Some(task) = wish.task else {
            // An editor's terminal goes with its program, and why there was no agent with it.
            words.push("--stay".to_owned());
            let params = TerminalParams::new(&ready.name, folder, operator.argv_with(words, arguments));
            self.open_terminal(params);
            return Ok(());
        };
        words.extend(["--supervised".to_owned(), format!("--task={task}")]);
        let name = ready.name.clone();
        let task = Task { name, folder, argv: operator.argv_with(words, arguments) };
        let title = format!("{} in its bottle", ready.name);
        let shown = self.abilities.shows_progress;
        let progress = shown.then(|| Progress::start(&self.outbox, &self.cancellations, &title));
        let started = task.start(self.outbox.clone(), &self.tasks, progress);
        started.map_err(|e| format!("{} cannot be launched: {e}", ready.name))
    }

    fn open_terminal(&self, params: TerminalParams) {
        let owner = self.owner.clone();
        self.outbox.request::<OpenTerminal>(params, move |opened| {
            if let Err(why) = opened {
                let message = format!("the editor opened no terminal: {}", why.message);
                owner.tell(move |session| session.message(MessageType::ERROR, message));
            }
        });
    }

    /// Opens a terminal that shows a run's.
    pub(in crate::lsp) fn attach(&self, which: Option<&str>) -> Result<(), String> {
        if !self.abilities.terminal {
            return Err("this editor shows no terminal; run `bot-bottle attach` in one".to_owned());
        }
        let operator = self.operator()?;
        let run = find(operator, which)?;
        let argv = operator.attach(run.id);
        let folder = if run.workspace.is_dir() { run.workspace } else { PathBuf::from("/") };
        self.open_terminal(TerminalParams::new(&run.name, folder, argv));
        Ok(())
    }

    /// What ends a run and all that it made; takes as long as that takes. A task that is not yet a
    /// run is ended too.
    pub(in crate::lsp) fn stop(
        &self,
        which: Option<&str>,
    ) -> Result<impl FnOnce() -> Result<(), String> + Send + use<>, String> {
        let operator = self.operator()?;
        let state = operator.state.clone();
        let task = which.is_some_and(|which| self.tasks.end(which));
        let run = if task { None } else { Some(find(operator, which)?) };
        Ok(move || {
            let Some(run) = run else { return Ok(()) };
            let host = Host::of_this_process().ok_or("HOME names no folder; set it")?;
            engine::stop(&state, &host, &run).map_err(|e| e.to_string())
        })
    }

    /// What a launch of a document's manifest would be given, for a dry run.
    pub(in crate::lsp) fn options(&self, uri: &Uri) -> Result<Options, String> {
        let operator = self.operator()?;
        let host = self.host()?;
        let folder = self.project(&file_path(uri).unwrap_or_default())?;
        Ok(Options { backend: operator.backend, ..Options::new(operator.state.clone(), host, folder) })
    }

    fn host(&self) -> Result<Host, String> {
        let host = Host::of_this_process().ok_or("HOME names no folder; set it")?;
        // A repository can bring the editor's configuration, and with it the server's environment.
        let brought = |root: &&PathBuf| {
            let (home, root) = (real(host.home()), repository(&real(root)));
            home != root && home.starts_with(&root)
        };
        match self.roots.iter().find(brought).filter(|_| !is_users_own(host.home())) {
            Some(root) => Err(format!(
                "the home folder {} lies in the workspace {}, which could bring bottles of its own as yours; \
                 nothing is launched (see that HOME of the server is your own)",
                host.home().display(),
                root.display()
            )),
            None => Ok(host),
        }
    }

    fn operator(&self) -> Result<&Operator, String> {
        let help = "the operator's settings cannot be read (the server's log says why); nothing is launched";
        self.operator.as_ref().ok_or_else(|| help.to_owned())
    }

    fn saved(&self, file: &Path, name: Option<&str>) -> Result<Ready, String> {
        let open = |path: &Path| -> Option<Arc<str>> {
            let mut documents = self.documents.values();
            documents.find(|d| d.in_file && *d.path == *path).map(|d| d.text.clone())
        };
        // Where there is no folder, the launch itself says so.
        let folder = self.project(file).unwrap_or_else(|_| PathBuf::from("/"));
        let looked = Arc::new(Looked::new(self.host()?.home(), folder));
        Ready::read(file, name, &self.layout, &looked, open).map_err(|e| e.to_string())
    }

    fn standing(&self, ready: &Ready) -> Result<Standing, String> {
        Ok(Trust::new(&self.operator()?.state, &self.layout).standing(&ready.bottle))
    }

    /// The folder that the launch is about: the workspace's that holds the file, else its only one. Which of
    /// several, no list that a repository may have written decides.
    fn project(&self, file: &Path) -> Result<PathBuf, String> {
        let holding = self.roots.iter().filter(|root| file.starts_with(root));
        if self.roots.len() > 1 && holding.clone().next().is_none() {
            return Err(
                "several folders are open, and the bottle lies in none of them; open the one that the \
                        agent shall work in alone, or run `bot-bottle launch` there"
                    .to_owned(),
            );
        }
        if let Some(root) = holding.max_by_key(|root| root.components().count()).or(self.roots.first()) {
            return Ok(root.clone());
        }
        // The user's own manifests are nobody's project.
        let own = self.layout.store().is_some_and(|store| file.starts_with(store));
        let folder = file.parent().filter(|_| !own);
        folder
            .map(Path::to_owned)
            .ok_or_else(|| "open the project's folder first: the agent works there".to_owned())
    }
}

/// The live run that is meant: by its id or name, or the only one.
fn find(operator: &Operator, which: Option<&str>) -> Result<Record, String> {
    let live = engine::live(&operator.state);
    let named = |r: &&Record| which.is_none_or(|which| r.name == which || r.id.starts_with(which));
    match live.iter().filter(named).collect::<Vec<_>>().as_slice() {
        [one] => Ok((*one).clone()),
        [] if live.is_empty() => Err("no bottle is running".to_owned()),
        _ => {
            let names: Vec<_> = live.iter().map(|r| format!("{} ({})", r.id, visible(&r.name))).collect();
            Err(format!("give the id of a run; there are {}", names.join(", ")))
        }
    }
}

/// The repository that a folder lies in; itself where there is none.
fn repository(folder: &Path) -> PathBuf {
    folder.ancestors().find(|dir| dir.join(".git").exists()).unwrap_or(folder).to_owned()
}

fn real(path: &Path) -> PathBuf {
    std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

/// Whether a home folder is the one that the system has for this user.
fn is_users_own(home: &Path) -> bool {
    let uid = rustix::process::getuid().as_raw().to_string();
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    users.lines().any(|line| {
        let mut fields = line.split(':');
        fields.nth(2) == Some(&uid) && fields.nth(2).is_some_and(|of| real(Path::new(of)) == real(home))
    })
}
