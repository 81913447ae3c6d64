//! What became of specifications, for people, CI servers and code hosts.

use std::collections::HashMap;
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::Ran;
use crate::output::Output;

/// A line, and what is wrong below it.
pub(super) fn text(ran: &Ran, replayed: bool, output: &mut Output) {
    let failures = ran.failures();
    let word = match (failures.is_empty(), replayed) {
        (true, _) => "ok",
        (false, false) => "failed",
        (false, true) => "differs",
    };
    let about = ran.description.as_deref().map(|text| format!(": {text}")).unwrap_or_default();
    output.line(format_args!("{word} {} ({}){about}", ran.file.display(), ran.process));
    for failure in failures {
        output.line(format_args!("  {failure}"));
    }
}

/// JUnit's XML, as CI servers read it. What was reached is its output.
pub(super) fn junit(all: &[Ran], coverage: &[String]) -> String {
    let failed = all.iter().filter(|one| !one.failures().is_empty()).count();
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites tests=\"{0}\" failures=\"{failed}\" errors=\"0\">\n  <testsuite name=\"vestibule\" tests=\"{0}\" failures=\"{failed}\" errors=\"0\">\n",
        all.len()
    );
    let mut named: HashMap<(&str, String), usize> = HashMap::new();
    for one in all {
        let mut name = one.description.clone().unwrap_or_else(|| one.file.display().to_string());
        // A recording holds several runs, and CI servers take what has one name for one test.
        let times = named.entry((one.process.as_str(), name.clone())).or_default();
        *times += 1;
        if *times > 1 {
            let _ = write!(name, " ({times})");
        }
        let file = escaped(&one.file.display().to_string());
        let _ = writeln!(out, "    <testcase classname=\"{}\" name=\"{}\">", escaped(&one.process), escaped(&name));
        let failures = one.failures();
        if let Some(first) = failures.first() {
            let all = escaped(&failures.join("\n"));
            let _ = writeln!(out, "      <failure type=\"specification\" message=\"{}\">{all}</failure>", escaped(first));
        }
        // The schema by which Jenkins reads such files has no attribute for a test's file.
        let _ = writeln!(out, "      <system-out>{file}</system-out>\n    </testcase>");
    }
    if !coverage.is_empty() {
        let _ = writeln!(out, "    <system-out>{}</system-out>", escaped(&coverage.join("\n")));
    }
    out.push_str("  </testsuite>\n</testsuites>");
    out
}

/// Text in XML; what XML cannot hold at all is left out (XML 1.0, section 2.2).
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push_str("&#10;"),
            '\t' => out.push(letter),
            control if control.is_control() || matches!(control, '\u{fffe}' | '\u{ffff}') => {}
            other => out.push(other),
        }
    }
    out
}

/// SARIF 2.1.0: a result for everything that is not as it was to be. What was reached is a property of the run.
pub(super) fn sarif(all: &[Ran], coverage: &[String]) -> Value {
    let results: Vec<Value> = all
        .iter()
        .flat_map(|one| {
            one.failures().into_iter().map(|failure| {
                json!({
                    "ruleId": "specification",
                    "ruleIndex": 0,
                    "level": "error",
                    "message": { "text": format!("{}: {failure}", one.process) },
                    "locations": [{ "physicalLocation": { "artifactLocation": { "uri": crate::check::sarif::reference(&one.file.display().to_string()) } } }],
                })
            })
        })
        .collect();
    let mut report = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "vestibule",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": [{ "id": "specification", "shortDescription": { "text": "A process does not do what a specification says." } }],
            } },
            "results": results,
        }],
    });
    if let Some(run) = report.pointer_mut("/runs/0").and_then(Value::as_object_mut).filter(|_| !coverage.is_empty()) {
        run.insert("properties".to_owned(), json!({ "coverage": coverage }));
    }
    report
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_runs_of_one_file_are_several_tests() {
        let ran =
            |process: &str| Ran { file: "runs.har".into(), process: process.to_owned(), description: None, tested: Err("no".to_owned()) };
        let xml = junit(&[ran("reset"), ran("reset"), ran("username"), ran("reset")], &[]);
        for (process, name) in [("reset", "runs.har"), ("reset", "runs.har (2)"), ("reset", "runs.har (3)"), ("username", "runs.har")] {
            assert_eq!(xml.matches(&format!("classname=\"{process}\" name=\"{name}\"")).count(), 1, "{xml}");
        }
    }

    #[test]
    fn xml_holds_nothing_that_ends_it() {
        assert_eq!(escaped("a<b & \"c\"\u{1}\n>"), "a&lt;b &amp; &quot;c&quot;&#10;&gt;");
    }
}
