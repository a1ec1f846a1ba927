//! The places of a host that no agent should see: one table for the checker and the launch.

use crate::provider;
use std::path::Path;

const SOCKETS: [&str; 5] = ["docker.sock", "podman.sock", "containerd.sock", "crio.sock", "buildkitd.sock"];

/// What lies in a home folder, and what it is; the agents' logins are their providers'.
const IN_HOME: [(&str, &str); 53] = [
    (".ssh", "holds SSH keys"),
    (".aws", "holds cloud credentials"),
    (".config/gcloud", "holds cloud credentials"),
    (".azure", "holds cloud credentials"),
    (".kube", "holds cluster credentials"),
    (".gnupg", "holds private keys"),
    (".docker", "holds registry credentials"),
    (".netrc", "holds passwords"),
    (".git-credentials", "holds passwords"),
    (".npmrc", "holds registry credentials"),
    (".pypirc", "holds registry credentials"),
    (".config/gh", "holds credentials"),
    (".password-store", "holds passwords"),
    (".local/share/keyrings", "holds passwords"),
    (".pgpass", "holds passwords"),
    (".my.cnf", "holds passwords"),
    (".m2/settings.xml", "holds registry credentials"),
    (".m2/settings-security.xml", "holds registry credentials"),
    (".gradle/gradle.properties", "holds registry credentials"),
    (".gradle/init.d", "is obeyed by every build of yours"),
    (".cargo/credentials", "holds registry credentials"),
    (".cargo/credentials.toml", "holds registry credentials"),
    (".gem/credentials", "holds registry credentials"),
    (".composer/auth.json", "holds registry credentials"),
    (".config/composer/auth.json", "holds registry credentials"),
    (".config/containers/auth.json", "holds registry credentials"),
    (".config/hub", "holds credentials"),
    (".config/op", "holds passwords"),
    (".config/rclone", "holds cloud credentials"),
    (".config/doctl", "holds cloud credentials"),
    (".config/sops", "holds private keys"),
    (".s3cfg", "holds cloud credentials"),
    (".boto", "holds cloud credentials"),
    (".databrickscfg", "holds cloud credentials"),
    (".oci", "holds cloud credentials"),
    (".terraform.d/credentials.tfrc.json", "holds cloud credentials"),
    (".terraformrc", "holds cloud credentials"),
    (".vault-token", "holds credentials"),
    (".minikube", "holds cluster credentials"),
    (".local/share/containers", "holds every container"),
    (".local/share/docker", "holds every container"),
    (".local/share/kwalletd", "holds passwords"),
    (".mozilla", "holds a browser's logins"),
    (".thunderbird", "holds your mail and its passwords"),
    (".config/google-chrome", "holds a browser's logins"),
    (".config/chromium", "holds a browser's logins"),
    (".config/BraveSoftware", "holds a browser's logins"),
    (".config/microsoft-edge", "holds a browser's logins"),
    ("Library/Keychains", "holds passwords"),
    ("Library/Application Support/Google/Chrome", "holds a browser's logins"),
    (".bot-bottle", "holds your bottles"),
    (".config/bot-bottle", "is what this machine's bottles are launched with"),
    (".local/state/bot-bottle", "holds what your bottles' runs left, and the way out of those that run"),
];

/// What of a home is run or obeyed when its owner logs in, opens a shell or types a name: to be read by a guest
/// it may be, to be written by one never.
const OBEYED: [&str; 21] = [
    ".bash_aliases",
    ".bash_login",
    ".bash_logout",
    ".bash_profile",
    ".bashrc",
    ".profile",
    ".zlogin",
    ".zprofile",
    ".zshenv",
    ".zshrc",
    ".xinitrc",
    ".xprofile",
    ".xsessionrc",
    ".gitconfig",
    ".config/autostart",
    ".config/environment.d",
    ".config/fish",
    ".config/git",
    ".config/systemd",
    ".local/bin",
    "bin",
];

/// The system's folders, and whether what lies in them is sensitive too.
const SYSTEM: [(&str, bool, &str); 13] = [
    ("/proc", true, "is the kernel's view of every process"),
    ("/sys", true, "is the kernel's view of the machine"),
    ("/dev", true, "holds the machine's devices"),
    ("/run", true, "holds the sockets of the system"),
    ("/var/run", true, "holds the sockets of the system"),
    ("/boot", true, "holds the system's kernel"),
    ("/etc", false, "is the system's configuration"),
    ("/etc/shadow", true, "holds passwords"),
    ("/etc/ssh", true, "holds the host's keys"),
    ("/etc/kubernetes", true, "holds cluster credentials"),
    ("/var/lib/docker", true, "holds every container"),
    ("/var/lib/containerd", true, "holds every container"),
    ("/var/lib/kubelet", true, "holds every container"),
];

/// What makes a host folder or file too sensitive for any guest: «holds SSH keys». `home` is the
/// user's home folder. By the path alone: what a link leads to is asked about by its own path.
pub fn sensitive_path(path: &Path, home: Option<&Path>) -> Option<&'static str> {
    if path.file_name().and_then(|n| n.to_str()).is_some_and(|n| SOCKETS.contains(&n)) {
        return Some("is a container socket, which makes its user root on the host");
    }
    if path == Path::new("/") {
        return Some("is the whole host");
    }
    let holds_home = |path: &Path| home.is_some_and(|home| home.starts_with(path));
    if holds_home(path) || ["/home", "/Users", "/root"].iter().any(|p| path == Path::new(p)) {
        return Some("is or holds a home folder");
    }
    if let Some(rest) = below_home(path, home) {
        if rest.as_os_str().is_empty() {
            return Some("is a home folder");
        }
        let login = || provider::all().iter().flat_map(|p| p.files().logins).any(|item| meets(rest, item));
        let place = IN_HOME.iter().find(|(item, _)| meets(rest, item)).map(|(_, why)| *why);
        return place.or_else(|| login().then_some("holds the agent's login"));
    }
    let path = path.as_os_str().as_encoded_bytes();
    let hit = |(folder, below, _): &&(&str, bool, &str)| {
        within(folder.as_bytes(), path) || *below && within(path, folder.as_bytes())
    };
    SYSTEM.iter().find(hit).map(|(.., why)| *why)
}

/// What makes a host folder or file too sensitive for a guest to write, where it may be read: «is run when you
/// log in». As [`sensitive_path`], by the path alone.
pub fn obeyed_path(path: &Path, home: Option<&Path>) -> Option<&'static str> {
    let rest = below_home(path, home).filter(|rest| !rest.as_os_str().is_empty())?;
    OBEYED.iter().any(|item| meets(rest, item)).then_some("holds what is run as you on the host")
}

/// Whether one of two paths is the other, or lies in it.
fn meets(path: &Path, item: &str) -> bool {
    let path = path.as_os_str().as_encoded_bytes();
    within(path, item.as_bytes()) || within(item.as_bytes(), path)
}

/// Whether a path is a folder or lies below it. Both are in normal form, so their bytes tell, and
/// taking them apart for each entry of a list would be a tenth of a check.
fn within(path: &[u8], folder: &[u8]) -> bool {
    path.strip_prefix(folder).is_some_and(|rest| rest.first().is_none_or(|b| *b == b'/'))
}

/// The part of a path below a home folder, the user's or another's.
fn below_home<'p>(path: &'p Path, home: Option<&Path>) -> Option<&'p Path> {
    if let Some(rest) = home.and_then(|home| path.strip_prefix(home).ok()) {
        return Some(rest);
    }
    if let Ok(rest) = path.strip_prefix("/root") {
        return Some(rest);
    }
    let users = path.strip_prefix("/home").or_else(|_| path.strip_prefix("/Users")).ok()?;
    let user = users.components().next()?;
    users.strip_prefix(user.as_os_str()).ok()
}
