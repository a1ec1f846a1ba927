//! What a person can set in the editor.

use crate::check::Severity;
use serde_json::Value;
use std::path::PathBuf;

/// The settings. In `initializationOptions` and in the section `botBottle` of the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Settings {
    /// `home`: in place of the user's home folder; absolute.
    pub home: Option<PathBuf>,
    /// `severity`: findings below it are not reported.
    pub severity: Severity,
    /// `fixOnSave`: whether a save applies every safe fix.
    pub fix_on_save: bool,
}

/// The section of the configuration.
pub(super) const SECTION: &str = "botBottle";

impl Default for Settings {
    fn default() -> Self {
        Self { home: None, severity: Severity::Hint, fix_on_save: false }
    }
}

impl Settings {
    /// Takes over what an editor says, in the section or bare; what it does not say, or says wrong,
    /// stays.
    pub(super) fn take(&mut self, said: &Value) {
        let said = said.get(SECTION).unwrap_or(said);
        if let Some(home) = said.get("home").and_then(Value::as_str).map(PathBuf::from) {
            self.home = Some(home).filter(|h| h.is_absolute());
        }
        let word = said.get("severity").and_then(Value::as_str);
        if let Some(severity) = Severity::ALL.into_iter().find(|s| Some(s.word()) == word) {
            self.severity = severity;
        }
        if let Some(fix) = said.get("fixOnSave").and_then(Value::as_bool) {
            self.fix_on_save = fix;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_said_is_taken_and_nonsense_is_not() {
        let mut settings = Settings::default();
        settings.take(&json!({ "botBottle": { "severity": "warning", "fixOnSave": true, "home": "/h" } }));
        let taken = Settings { home: Some("/h".into()), severity: Severity::Warning, fix_on_save: true };
        assert_eq!(settings, taken);
        for nonsense in [json!(null), json!([]), json!({ "severity": 3, "fixOnSave": "yes", "home": 1 })] {
            settings.take(&nonsense);
            assert_eq!(settings, taken);
        }
        settings.take(&json!({ "severity": "error", "home": "relative" }));
        assert_eq!((settings.severity, settings.home), (Severity::Error, None));
    }
}
