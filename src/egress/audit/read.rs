//! An audit's lines as requests again, for whoever asks what a run did.

use super::{AuditLine, EndLine, RequestLine, VERSION};
use crate::egress::code::Code;
use std::collections::HashMap;
use std::io::{self, BufRead};

/// A longer line is none of ours: a head that the egress reads is shorter.
const LONGEST: usize = 1 << 20;

/// One request as an audit has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// How it began.
    pub request: RequestLine,
    /// How it ended; `None` while it lasts, or when the egress was killed.
    pub end: Option<EndLine>,
}

impl Recorded {
    /// Why it was refused, or what went wrong.
    pub fn code(&self) -> Option<Code> {
        self.request.code.or_else(|| self.end.as_ref()?.code)
    }

    /// Whether it was refused, at once or after its connection was open.
    pub fn is_denied(&self) -> bool {
        self.code().is_some_and(Code::is_refusal)
    }

    /// The status that the guest got; `None` when it got none.
    pub fn status(&self) -> Option<u16> {
        self.end.as_ref().map(|end| end.status).filter(|status| *status != 0)
    }

    /// Tells the requests of an audit as they ended, then those that did not. What is not a line of this
    /// version's form is left out: a line of an older version, a torn one, another program's.
    ///
    /// # Errors
    /// When it cannot be read on.
    pub fn each(mut from: impl BufRead, mut tell: impl FnMut(Self)) -> io::Result<()> {
        let mut open: HashMap<String, (usize, RequestLine)> = HashMap::new();
        let (mut line, mut number) = (Vec::new(), 0);
        while next_line(&mut from, &mut line)? {
            match serde_json::from_slice(&line) {
                Ok(AuditLine::Request(request)) if request.version == VERSION => {
                    number += 1;
                    // Two of one name: another program's, or a copy.
                    if let Some((_, request)) = open.insert(request.id.clone(), (number, request)) {
                        tell(Self { request, end: None });
                    }
                }
                Ok(AuditLine::End(end)) if end.version == VERSION => {
                    if let Some((_, request)) = open.remove(&end.id) {
                        tell(Self { request, end: Some(end) });
                    }
                }
                _ => {}
            }
        }
        let mut rest: Vec<_> = open.into_values().collect();
        rest.sort_unstable_by_key(|(number, _)| *number);
        rest.into_iter().for_each(|(_, request)| tell(Self { request, end: None }));
        Ok(())
    }
}

/// The next line; one that is too long comes as an empty one.
fn next_line(from: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<bool> {
    line.clear();
    let mut too_long = false;
    loop {
        let bytes = from.fill_buf()?;
        if bytes.is_empty() {
            return Ok(!line.is_empty() || too_long);
        }
        let end = memchr::memchr(b'\n', bytes);
        let part = end.unwrap_or(bytes.len());
        line.extend_from_slice(&bytes[..part]);
        from.consume(end.map_or(part, |end| end + 1));
        if line.len() > LONGEST {
            line.clear();
            too_long = true;
        }
        if end.is_some() {
            if too_long {
                line.clear();
            }
            return Ok(true);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &[u8]) -> Vec<Recorded> {
        let mut all = Vec::new();
        Recorded::each(text, |recorded| all.push(recorded)).expect("read");
        all
    }

    fn line(line: &AuditLine) -> String {
        serde_json::to_string(line).expect("JSON") + "\n"
    }

    #[test]
    fn lines_of_other_forms_are_left_out() {
        let mut newer = RequestLine::new("9", "", "GET", "a.test", "/");
        newer.version = VERSION + 1;
        let good = line(&AuditLine::Request(RequestLine::new("1", "", "GET", "a.test", "/")));
        let older = r#"{"time":"2026-01-01T00:00:00.000Z","method":"GET","host":"a.test","path":"/","verdict":"denied","code":"host","status":403,"bytes_in":0,"bytes_out":0}"#;
        let long = "x".repeat(3 * LONGEST);
        let newer = line(&AuditLine::Request(newer));
        let text = [older, "\n[]\n{\n\n", &newer, &long, "\n", &good, "{\"event\":\"requ"].concat();
        let all = told(text.as_bytes());
        assert_eq!(all.iter().map(|r| &*r.request.id).collect::<Vec<_>>(), ["1"]);
        assert!(!all[0].is_denied() && all[0].status().is_none());
        assert_eq!(told(b"\xff\xfe\n\0"), []);
    }

    #[test]
    fn a_request_and_its_end_come_together_and_what_goes_on_comes_last() {
        let request = |id: &str| RequestLine::new(id, "", "CONNECT", "a.test", "");
        let end = EndLine { code: Some(Code::SniMismatch), ..EndLine::new("2", 200) };
        let text: String = [
            AuditLine::Request(request("1")),
            AuditLine::Request(request("2").refused(Code::Host)),
            AuditLine::Request(request("3")),
            AuditLine::End(EndLine::new("2", 403)),
            AuditLine::End(EndLine { id: "3".into(), ..end }),
            AuditLine::End(EndLine::new("nobody", 200)),
        ]
        .iter()
        .map(line)
        .collect();
        let all = told(text.as_bytes());
        let seen: Vec<_> = all.iter().map(|r| (&*r.request.id, r.code(), r.is_denied())).collect();
        let late = Some(Code::SniMismatch);
        assert_eq!(seen, [("2", Some(Code::Host), true), ("3", late, true), ("1", None, false)]);
    }
}
