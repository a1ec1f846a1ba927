//! What a person can set in the editor.

use crate::check::Severity;
use serde_json::Value;

/// The settings. In `initializationOptions` and in the section `bot-bottle` of the configuration, both of
/// which a cloned repository can bring: so nothing here says whose bottles are trusted, or how one is
/// launched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Settings {
    /// `severity`: findings below it are not reported.
    pub severity: Severity,
    /// `fixOnSave`: whether a save applies every safe fix.
    pub fix_on_save: bool,
}

/// The section of the configuration.
pub(super) const SECTION: &str = "bot-bottle";

impl Default for Settings {
    fn default() -> Self {
        Self { severity: Severity::Hint, fix_on_save: false }
    }
}

impl Settings {
    /// Takes over `initializationOptions`.
    pub(super) fn of_options(said: &Value) -> Self {
        let mut settings = Self::default();
        settings.take(said);
        settings
    }

    /// Takes over what an editor says, in the section or bare; what it does not say, or says wrong,
    /// stays.
    pub(super) fn take(&mut self, said: &Value) {
        let said = said.get(SECTION).unwrap_or(said);
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
        let options = json!({ "bot-bottle": { "severity": "warning", "fixOnSave": true, "home": "/h" } });
        let mut settings = Settings::of_options(&options);
        let taken = Settings { severity: Severity::Warning, fix_on_save: true };
        assert_eq!(settings, taken);
        for nonsense in [json!(null), json!([]), json!({ "severity": 3, "fixOnSave": "yes", "home": "/x" })] {
            settings.take(&nonsense);
            assert_eq!(settings, taken);
        }
        settings.take(&json!({ "severity": "error" }));
        assert_eq!(settings.severity, Severity::Error);
    }
}
