//! Mending what has one right answer: a misspelt key or stage, a key that says the same twice, a key that means nothing any more.
//!
//! The rule easiest to break: nothing else of the text changes, so comments, order and layout are as somebody wrote them. Whether a
//! mended file is better is for the caller to find out, by reading the project again.

use std::ops::Range;

use serde_json::Value;

use crate::diagnostic::Diagnostic;
use crate::source::SourceFile;

impl Diagnostic {
    /// The spelling that was probably meant, of a finding whose help asks for it.
    #[must_use]
    pub fn meant(&self) -> Option<&str> {
        self.help.as_deref()?.strip_prefix("did you mean '")?.strip_suffix("'?")
    }

    /// The text of the file without the fault, where there is one right answer to it.
    #[must_use]
    pub fn mended(&self, source: &SourceFile) -> Option<String> {
        let pointer = self.location.pointer.as_str();
        let (range, with) = match self.rule {
            "unknown-key" => {
                let meant = self.meant()?;
                let (parent, _) = pointer.rsplit_once('/')?;
                let siblings = source.parse().ok()?.value;
                if siblings.pointer(parent)?.get(meant).is_some() {
                    return None;
                }
                (source.key_range(pointer)?, source.as_key(meant)?)
            }
            "unknown-stage" => {
                let range = source.value_range(pointer)?;
                let written: Value = serde_json::from_str(source.text().get(range.clone())?).ok()?;
                // What a name stands for is written elsewhere.
                written.as_str().filter(|text| !text.contains("&{"))?;
                (range, Value::from(self.meant()?).to_string())
            }
            "old-key" => (source.member_range(pointer)?, String::new()),
            "duplicate-key" => (source.repeated_member(pointer)?, String::new()),
            _ => return None,
        };
        let mut text = source.text().to_owned();
        replace(&mut text, range, &with)?;
        Some(text)
    }
}

fn replace(text: &mut String, range: Range<usize>, with: &str) -> Option<()> {
    text.get(range.clone())?;
    text.replace_range(range, with);
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Severity;

    fn mended(rule: &'static str, pointer: &str, help: Option<&str>, text: &str) -> Option<String> {
        let file = SourceFile::new("conf/a.json", text);
        let mut found = Diagnostic::new(Severity::Warning, rule, file.locate(pointer), "m");
        found.help = help.map(|meant| format!("did you mean '{meant}'?"));
        found.mended(&file)
    }

    #[test]
    fn a_key_is_spelt_right_and_nothing_else_changes() {
        let text = "{ // who\n  \"stageConfigs\": [ {\"b\":1, /* odd */ \"nmae\" : \"nmae\"} ],\n}";
        let expected = "{ // who\n  \"stageConfigs\": [ {\"b\":1, /* odd */ \"name\" : \"nmae\"} ],\n}";
        // A trailing comma is no JSON, so nothing is touched there.
        assert_eq!(mended("unknown-key", "/stageConfigs/0/nmae", Some("name"), text), None);
        let (text, expected) = (text.replace(",\n}", "\n}"), expected.replace(",\n}", "\n}"));
        assert_eq!(mended("unknown-key", "/stageConfigs/0/nmae", Some("name"), &text), Some(expected));
        assert_eq!(mended("unknown-key", "/nmae", Some("name"), "{\"nmae\": 1, \"name\": 2}"), None, "both are there");
        assert_eq!(mended("unknown-key", "/nmae", None, "{\"nmae\": 1}"), None, "nobody knows what was meant");
    }

    #[test]
    fn a_stage_is_spelt_right_where_its_name_is_written() {
        let text = "{\"stageConfigs\": [{\"name\": \"userQeury\"}]}";
        let found = mended("unknown-stage", "/stageConfigs/0/name", Some("userQuery"), text);
        assert_eq!(found.as_deref(), Some("{\"stageConfigs\": [{\"name\": \"userQuery\"}]}"));
        let elsewhere = "{\"stageConfigs\": [{\"name\": \"&{stage}\"}]}";
        assert_eq!(mended("unknown-stage", "/stageConfigs/0/name", Some("userQuery"), elsewhere), None);
    }

    #[test]
    fn a_member_goes_with_its_comma_and_its_line() {
        for (text, left) in [
            ("{\n  \"a\": 1,\n  \"x\": {\"y\": [1]},\n  \"b\": 2\n}", "{\n  \"a\": 1,\n  \"b\": 2\n}"),
            ("{\n  \"a\": 1,\n  \"x\": 5\n}", "{\n  \"a\": 1\n}"),
            ("{\"x\": 5}", "{}"),
            ("{\"x\": 5, \"a\": 1}", "{\"a\": 1}"),
            ("{\"a\": 1, \"x\": 5}", "{\"a\": 1}"),
        ] {
            let found = mended("old-key", "/x", None, text).unwrap();
            assert_eq!(found, left, "{text}");
            serde_json::from_str::<Value>(&found).unwrap();
        }
    }

    #[test]
    fn of_two_equal_members_the_earlier_goes_and_of_different_ones_neither() {
        let found = mended("duplicate-key", "/o/a", None, "{\"o\": {\"a\": [1, 2], \"b\": 0, \"a\": [1,2]}}");
        assert_eq!(found.as_deref(), Some("{\"o\": {\"b\": 0, \"a\": [1,2]}}"));
        assert_eq!(mended("duplicate-key", "/a", None, "{\"a\": 1, \"a\": 2}"), None);
    }

    #[test]
    fn keys_of_toml_are_spelt_right_too() {
        let file = SourceFile::new("vestibule.toml", "[server]\nlisten-on = 1 # here\n");
        let found =
            Diagnostic::new(Severity::Error, "unknown-key", file.locate_key("/server/listen-on"), "m").with_help("did you mean 'listen'?");
        assert_eq!(found.mended(&file).as_deref(), Some("[server]\nlisten = 1 # here\n"));
    }
}
