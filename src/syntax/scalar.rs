//! Scalars, read by YAML 1.2's core schema.

/// How a scalar is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Without quotes.
    Plain,
    /// `'…'` or `"…"`.
    Quoted,
    /// `|` or `>`.
    Block,
}

/// A scalar as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scalar {
    /// The text after escapes and folding.
    pub text: Box<str>,
    /// How it is written; only a plain one can be anything but text.
    pub style: Style,
    /// `!!str` makes a plain scalar text.
    pub forced_text: bool,
}

/// What a scalar means.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ScalarValue<'a> {
    /// `null`, `~` or nothing.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number that fits.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// Text.
    Text(&'a str),
}

impl Scalar {
    /// The scalar's meaning. YAML 1.2: `yes`, `on` and `0777` are not what they were in 1.1.
    pub fn value(&self) -> ScalarValue<'_> {
        if self.style != Style::Plain || self.forced_text {
            return ScalarValue::Text(&self.text);
        }
        match &*self.text {
            "" | "~" | "null" | "Null" | "NULL" => ScalarValue::Null,
            "true" | "True" | "TRUE" => ScalarValue::Bool(true),
            "false" | "False" | "FALSE" => ScalarValue::Bool(false),
            text => number(text).unwrap_or(ScalarValue::Text(text)),
        }
    }
}

fn number(text: &str) -> Option<ScalarValue<'_>> {
    if !text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.')) {
        return None;
    }
    let radix = |digits: &str, radix| i64::from_str_radix(digits, radix).ok().map(ScalarValue::Int);
    if let Some(digits) = text.strip_prefix("0x") {
        return radix(digits, 16);
    }
    if let Some(digits) = text.strip_prefix("0o") {
        return radix(digits, 8);
    }
    if let Ok(int) = text.parse::<i64>() {
        return Some(ScalarValue::Int(int));
    }
    let unsigned = text.trim_start_matches(['+', '-']);
    if text.len() - unsigned.len() > 1 {
        return None;
    }
    match unsigned {
        ".inf" | ".Inf" | ".INF" => return Some(ScalarValue::Float(f64::INFINITY)),
        ".nan" | ".NaN" | ".NAN" => return Some(ScalarValue::Float(f64::NAN)),
        _ => {}
    }
    // Rust's float grammar is the core schema's, but for the words `inf` and `nan`.
    let plausible =
        unsigned.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'+' | b'-'));
    (plausible && unsigned.bytes().any(|b| b.is_ascii_digit()))
        .then(|| text.parse().ok().map(ScalarValue::Float))
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_core_schema_decides() {
        let plain = |text: &str| Scalar { text: text.into(), style: Style::Plain, forced_text: false };
        for text in ["yes", "on", "1.2.3", "4GiB", "2026-01-01", "-", "+", "e5", "1_000", "--1"] {
            assert_eq!(plain(text).value(), ScalarValue::Text(text));
        }
        assert_eq!(plain("0777").value(), ScalarValue::Int(777));
        assert_eq!(plain("0x1F").value(), ScalarValue::Int(31));
        assert_eq!(plain("-1.5e3").value(), ScalarValue::Float(-1500.0));
        assert_eq!(plain("~").value(), ScalarValue::Null);
        let quoted = Scalar { style: Style::Quoted, ..plain("true") };
        assert_eq!(quoted.value(), ScalarValue::Text("true"));
    }
}
