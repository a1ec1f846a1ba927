//! What the last runs of a bottle or agent were refused, for `denied-egress`.

use super::runs::log_files;
use super::state::StateDir;
use super::subject::Subject;
use crate::check::Denied;
use crate::egress::Recorded;
use crate::egress::code::Code;
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};

/// How many runs are looked at, the last ones.
const RUNS: usize = 5;
/// How much of one run's audit is read: its end, for an agent that asks without end.
const MOST_BYTES: u64 = 4 << 20;
/// How many different requests are told apart.
const MOST_REQUESTS: usize = 200;

/// What the last runs of this manifest were refused, each request once, with how often and when first.
/// The latest run's come first. What is not an audit line is left out.
///
/// The refusals are those of the routes of their time; the rule judges them by today's.
pub fn refusals(state: &StateDir, subject: &Subject) -> Vec<Denied> {
    let mut all = Refusals { subject, requests: Vec::new(), places: HashMap::new() };
    for path in log_files(state, subject, "audit.jsonl").iter().take(RUNS) {
        // A run's audit may go while it is read.
        let _ = state.open(path).and_then(|file| all.read(file));
    }
    all.requests
}

/// What makes a refused request: host, method, path and code.
type Request = (String, String, Option<String>, Code);

struct Refusals<'a> {
    subject: &'a Subject,
    requests: Vec<Denied>,
    /// Where in `requests` each one is.
    places: HashMap<Request, usize>,
}

impl Refusals<'_> {
    fn read(&mut self, mut file: File) -> io::Result<()> {
        let begin = file.metadata()?.len().saturating_sub(MOST_BYTES);
        file.seek(SeekFrom::Start(begin))?;
        // A run may still be writing: no more than was there at the beginning.
        Recorded::each(BufReader::new(file.take(MOST_BYTES)), |recorded| self.add(recorded))
    }

    fn add(&mut self, recorded: Recorded) {
        let refused = recorded.code().filter(|code| code.is_refusal());
        let line = recorded.request;
        // Without a host nobody was asked for.
        let Some(code) = refused.filter(|_| !line.host.is_empty()) else { return };
        let path = Some(line.path).filter(|p| !p.is_empty());
        let request = (line.host, line.method, path, code);
        if let Some(known) = self.places.get(&request).and_then(|i| self.requests.get_mut(*i)) {
            known.count += 1;
            // Times of one form, so that their order is that of the texts.
            if line.time < known.first {
                known.first = line.time;
            }
        } else if self.requests.len() < MOST_REQUESTS {
            self.places.insert(request.clone(), self.requests.len());
            let (host, method, path, code) = request;
            let (bottle, file) = (self.subject.name.clone(), self.subject.file.clone());
            let first = line.time;
            self.requests.push(Denied { file, bottle, host, method, path, code, count: 1, first });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::egress::{Audit, AuditLine, EndLine, FileAudit, RequestLine};
    use std::path::Path;

    struct Runs(tempfile::TempDir);

    fn subject(name: &str) -> Subject {
        Subject::of(Path::new("/p/dev.bottle.yaml"), name)
    }

    impl Runs {
        fn new() -> Self {
            Self(tempfile::tempdir().expect("a folder"))
        }

        fn state(&self) -> StateDir {
            StateDir::new(self.0.path())
        }

        fn path(&self, name: &str, run: &str) -> std::path::PathBuf {
            let folder = self.state().logs(&subject(name).key());
            std::fs::create_dir_all(&folder).expect("a folder");
            folder.join(format!("{run}.audit.jsonl"))
        }

        fn wrote(&self, run: &str, lines: &[RequestLine]) {
            let audit = FileAudit::open(&self.path("dev", run)).expect("an audit");
            for line in lines {
                let end = EndLine::new(&line.id, 403);
                audit.write(&AuditLine::Request(line.clone())).expect("written");
                audit.write(&AuditLine::End(end)).expect("written");
            }
        }
    }

    fn line(second: &str, host: &str, path: &str, code: Option<Code>) -> RequestLine {
        let time = format!("2026-01-01T00:00:{second}.000Z");
        let method = if path.is_empty() { "CONNECT" } else { "GET" };
        let line = RequestLine::new(second, &time, method, host, path);
        code.map_or(line.clone(), |code| line.refused(code))
    }

    #[test]
    fn refused_requests_are_grouped_over_runs_with_count_and_first_time() {
        let runs = Runs::new();
        runs.wrote(
            "1",
            &[line("01", "a.test", "/x", Some(Code::Path)), line("02", "old.test", "", Some(Code::Host))],
        );
        runs.wrote(
            "2",
            &[
                line("03", "a.test", "/x", Some(Code::Path)),
                line("04", "a.test", "/x", Some(Code::Method)),
                line("05", "a.test", "/y", None),
                line("06", "", "", Some(Code::Malformed)),
                line("07", "a.test", "/x", Some(Code::Path)),
            ],
        );
        let found = refusals(&runs.state(), &subject("dev"));
        let seen: Vec<_> = found
            .iter()
            .map(|d| (d.host.as_str(), d.path.as_deref(), d.code.word(), d.count, &d.first[17..19]))
            .collect();
        assert_eq!(
            seen,
            [
                ("a.test", Some("/x"), "path", 3, "01"),
                ("a.test", Some("/x"), "method", 1, "04"),
                ("old.test", None, "host", 1, "02"),
            ]
        );
        assert!(found.iter().all(|d| d.bottle == "dev"));
        assert_eq!(refusals(&runs.state(), &subject("other")), []);
    }

    #[test]
    fn only_the_last_runs_count_and_lines_that_are_none_do_not() {
        let runs = Runs::new();
        for run in 1..=6 {
            runs.wrote(&run.to_string(), &[line("01", &format!("h{run}.test"), "", Some(Code::Host))]);
        }
        std::fs::write(runs.path("dev", "6"), b"\xff{\n[]\n{\"time\":1}\n\n").expect("written");
        let hosts: Vec<_> = refusals(&runs.state(), &subject("dev")).into_iter().map(|d| d.host).collect();
        assert_eq!(hosts, ["h5.test", "h4.test", "h3.test", "h2.test"]);
    }

    #[test]
    fn a_huge_audit_is_read_from_its_end_and_tells_so_many_requests_apart() {
        let runs = Runs::new();
        let text = |host: &str| {
            serde_json::to_string(&AuditLine::Request(line("01", host, "", Some(Code::Host)))).expect("JSON")
                + "\n"
        };
        let mut all = text("first.test");
        let mut n = 0;
        while all.len() < 5 << 20 {
            all.push_str(&text(&format!("h{}.test", n % 1000)));
            n += 1;
        }
        std::fs::write(runs.path("dev", "1"), all).expect("written");
        let found = refusals(&runs.state(), &subject("dev"));
        assert_eq!(found.len(), MOST_REQUESTS);
        assert!(found.iter().all(|d| d.host != "first.test" && d.count > 10), "{:?}", found[0]);
    }
}
