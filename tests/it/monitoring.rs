//! What the book gives to a monitoring names figures that there are, with labels and values that they have.

use std::collections::{BTreeMap, BTreeSet};

use regex::Regex;

use crate::support::mailbox::repository;

/// Labels that Prometheus adds.
const ADDED: [&str; 3] = ["instance", "job", "le"];

/// Each figure of the reference, which is made of the code, with its labels and what the reference says of their values.
fn known() -> BTreeMap<String, BTreeMap<String, String>> {
    let text = std::fs::read_to_string(repository().join("docs/reference/metrics.md")).unwrap();
    let mut all = BTreeMap::new();
    for section in text.split("\n## ").skip(1) {
        let (name, rest) = section.split_once('\n').unwrap();
        let rows = rest.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` |"));
        let labels: BTreeMap<String, String> = rows.map(|(label, values)| (label.to_owned(), values.to_owned())).collect();
        if rest.trim_start().starts_with("A histogram") {
            for suffix in ["_bucket", "_sum", "_count"] {
                all.insert(format!("{name}{suffix}"), labels.clone());
            }
        }
        all.insert(name.to_owned(), labels);
    }
    all
}

#[test]
fn alerts_dashboard_and_pages_name_figures_that_there_are() {
    let known = known();
    let figure = Regex::new(r"\b(vestibule_[a-z_]+)(?:\{([^}]*)\})?").unwrap();
    let matcher = Regex::new(r#"(\w+)\s*(?:=~|!~|!=|=)\s*\\?"([^"\\]*)"#).unwrap();
    let mut named = BTreeSet::new();
    let mut files = vec!["operations.md".to_owned()];
    for entry in std::fs::read_dir(repository().join("docs/operations")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if [".md", ".json", ".yaml"].iter().any(|end| name.ends_with(end)) {
            files.push(format!("operations/{name}"));
        }
    }
    for file in files {
        let text = std::fs::read_to_string(repository().join("docs").join(&file)).unwrap();
        for found in figure.captures_iter(&text) {
            let name = &found[1];
            let labels = known.get(name).unwrap_or_else(|| panic!("{file}: there is no {name}"));
            named.insert(name.trim_end_matches("_bucket").to_owned());
            for one in matcher.captures_iter(found.get(2).map_or("", |labels| labels.as_str())) {
                let (label, value) = (&one[1], &one[2]);
                if ADDED.contains(&label) {
                    continue;
                }
                let values = labels.get(label).unwrap_or_else(|| panic!("{file}: {name} has no label {label}"));
                // Values that are not the operator's own stand in the reference; "as above" is the first label of that name.
                for value in value.split('|').filter(|_| label != "process" && label != "stage" && label != "resource") {
                    assert!(values.contains(&format!("`{value}`")), "{file}: {name}{{{label}}} is never {value}: {values}");
                }
            }
        }
    }
    let forgotten: Vec<&String> = known
        .keys()
        .filter(|name| !name.ends_with("_bucket") && !name.ends_with("_sum") && !name.ends_with("_count"))
        .filter(|name| !named.contains(*name))
        .collect();
    assert!(forgotten.is_empty(), "neither on the dashboard nor on a page: {forgotten:?}");
}
