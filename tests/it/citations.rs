//! Whatever the tree cites is in the tree. A comment, a document or a test may name a page below `docs`, a section of it, a decision, an
//! ADR or a security requirement; each of them must exist, so that a reader can follow it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use regex::{Captures, Regex};

/// Where texts of ours are; other folders hold what is built or recorded.
const FOLDERS: [&str; 9] = ["bench", "conf", "crates", "docs", "packaging", "samples", "scripts", "tests", ".ci"];
/// Folders inside of these that hold what is built.
const BUILT: [&str; 2] = ["target", "node_modules"];
/// Endings of files that are read. Recorded exchanges and projects are JSON too, and cite nothing.
const ENDINGS: [&str; 10] = ["rs", "md", "sh", "py", "js", "mjs", "toml", "json", "yaml", "sql"];
/// Notes of the authors' that a reader does not have. In two parts, so that this file does not name them.
const ELSEWHERE: [(&str, &str); 7] = [
    ("idm", "-docs"),
    ("client", "-contract"),
    ("openidm", "-wire"),
    ("projects", ".md"),
    ("design", ".md"),
    ("next", "-capabilities"),
    ("reference/", "seeds"),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Every text of ours, by its path from the root.
fn texts() -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(root()).unwrap().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        if entry.file_type().unwrap().is_file() && (name == "Makefile" || readable(&name)) {
            found.insert(name, fs::read_to_string(entry.path()).unwrap());
        }
    }
    for folder in FOLDERS {
        collect(&root().join(folder), folder, &mut found);
    }
    found
}

fn collect(folder: &Path, name: &str, found: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(folder).into_iter().flatten().map(Result::unwrap) {
        let file = entry.file_name().into_string().unwrap();
        let path = format!("{name}/{file}");
        if entry.file_type().unwrap().is_dir() {
            if !BUILT.contains(&file.as_str()) {
                collect(&entry.path(), &path, found);
            }
        } else if readable(&file) {
            // A few fixtures are deliberately not UTF-8; nobody reads them.
            if let Ok(text) = fs::read_to_string(entry.path()) {
                found.insert(path, text);
            }
        }
    }
}

fn readable(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, ending)| ENDINGS.contains(&ending))
}

/// What makes a line one of a comment or a list.
static MARKS: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^\s*(?://[/!]?|--(?:\s|$)|#(?:\s|$)|\*(?:\s|$))?\s*").unwrap());

/// The text as one line: the marks of comments taken off, so that a citation may be broken between lines.
fn joined(text: &str) -> String {
    text.lines().map(|line| MARKS.replace(line, "")).collect::<Vec<_>>().join(" ")
}

/// The headings of a page.
fn headings(page: &str) -> BTreeSet<String> {
    page.lines().filter(|line| line.starts_with('#')).map(|line| line.trim_start_matches('#').replace('`', "").trim().to_owned()).collect()
}

/// The anchor a heading has in a rendered page.
fn anchor(heading: &str) -> String {
    let heading = heading.to_lowercase();
    let letters = heading.chars().filter_map(|letter| match letter {
        ' ' => Some('-'),
        letter if letter.is_alphanumeric() || matches!(letter, '-' | '_') => Some(letter),
        _ => None,
    });
    letters.collect()
}

/// The numbers of the rows, or of the items, that a page counts.
fn numbered(page: &str, pattern: &str) -> BTreeSet<u32> {
    let pattern = Regex::new(pattern).unwrap();
    page.lines().filter_map(|line| pattern.captures(line)?[1].parse().ok()).collect()
}

/// `12`, `12 and 21`, `7 to 9`, `1, 3 and 5`.
fn numbers(list: &str) -> Vec<u32> {
    let mut all: Vec<u32> = Vec::new();
    let mut range = false;
    for word in list.split([' ', ',']).filter(|word| !word.is_empty()) {
        match (word.parse::<u32>(), all.last().copied()) {
            (Ok(number), Some(first)) if range => all.extend(first + 1..=number),
            (Ok(number), _) => all.push(number),
            (Err(_), _) => {}
        }
        range = word == "to";
    }
    all
}

/// Reads every text with `pattern` and reports what `wrong` says of a match.
fn judge(texts: &BTreeMap<String, String>, pattern: &str, wrong: impl Fn(&Captures<'_>) -> Option<String>) -> Vec<String> {
    let pattern = Regex::new(pattern).unwrap();
    let mut faults = Vec::new();
    for (path, text) in texts {
        let text = joined(text);
        faults.extend(pattern.captures_iter(&text).filter_map(|found| Some(format!("{path}: {}", wrong(&found)?))));
    }
    faults
}

fn is_page(path: &str) -> bool {
    std::path::Path::new(path).extension().is_some_and(|ending| ending == "md")
}

#[test]
fn no_text_cites_notes_that_are_not_in_the_tree() {
    let names: Vec<String> = ELSEWHERE.iter().map(|(first, second)| format!("{first}{second}")).collect();
    let mut faults = Vec::new();
    for (path, text) in texts() {
        let text = text.to_lowercase();
        faults.extend(names.iter().filter(|name| text.contains(name.as_str())).map(|name| format!("{path} cites {name}")));
    }
    assert_eq!(faults, Vec::<String>::new());
}

#[test]
fn every_page_and_section_that_is_cited_exists() {
    let texts = texts();
    let page = r"docs/[A-Za-z0-9_./-]*[A-Za-z0-9_]";
    let cited = format!(r#"(^|[^/\w.-])({page})(#[a-z0-9-]+)?`?(?:, ("[^"]+"(?:(?:, | and )"[^"]+")*))?"#);
    let titles = Regex::new(r#""([^"]+)""#).unwrap();
    let faults = judge(&texts, &cited, |found| {
        let path = &found[2];
        if path.contains("NNNN") {
            return None;
        }
        if !root().join(path).exists() {
            return Some(format!("there is no {path}"));
        }
        let here = texts.get(path).map(|page| headings(page)).unwrap_or_default();
        if let Some(section) = found.get(3).filter(|_| is_page(path))
            && !here.iter().any(|heading| anchor(heading) == section.as_str()[1..])
        {
            return Some(format!("{path} has no section {}", section.as_str()));
        }
        let sections = found.get(4).filter(|_| is_page(path))?;
        let missing = titles.captures_iter(sections.as_str()).find(|title| !here.contains(&title[1]))?;
        Some(format!("{path} has no section {}", &missing[0]))
    });
    assert_eq!(faults, Vec::<String>::new());
}

#[test]
fn every_link_between_pages_leads_somewhere() {
    let texts: BTreeMap<_, _> = texts().into_iter().filter(|(path, _)| is_page(path)).collect();
    let link = Regex::new(r"\]\(([^()\s]+)\)").unwrap();
    let mut faults = Vec::new();
    for (path, text) in &texts {
        let folder = root().join(path).parent().unwrap().to_owned();
        for target in link.captures_iter(text).map(|found| found[1].to_owned()).filter(|target| !target.contains("://")) {
            let (file, section) = target.split_once('#').unwrap_or((&target, ""));
            let file = if file.is_empty() { root().join(path) } else { folder.join(file) };
            let page = fs::read_to_string(&file).unwrap_or_default();
            let there = section.is_empty() || headings(&page).iter().any(|heading| anchor(heading) == section);
            if !file.exists() || !there {
                faults.push(format!("{path} links to {target}"));
            }
            // The book is made of `docs` alone.
            let book = root().join("docs").canonicalize().unwrap();
            if path.starts_with("docs/") && file.canonicalize().is_ok_and(|file| !file.starts_with(&book)) {
                faults.push(format!("{path} links to {target}, which is not in the book"));
            }
        }
    }
    assert_eq!(faults, Vec::<String>::new());
}

#[test]
fn every_page_is_in_the_book() {
    let texts = texts();
    let summary = &texts["docs/SUMMARY.md"];
    let pages = texts.keys().filter_map(|path| path.strip_prefix("docs/")).filter(|path| is_page(path) && *path != "SUMMARY.md");
    let missing: Vec<&str> = pages.filter(|page| !summary.contains(&format!("]({page})"))).collect();
    assert_eq!(missing, Vec::<&str>::new());
}

#[test]
fn every_decision_case_and_point_that_is_cited_by_number_exists() {
    let texts = texts();
    let list = r"(\d+(?:(?:, | and | to )\d+)*)";
    for (cited, page, row) in [
        (format!(r#"(?i)\bdecisions?(?:": )? ?{list}"#), "docs/protocol/decisions.md", r"^\| (\d+) \|"),
        (format!(r"project-files\.md, cases? {list}"), "docs/protocol/project-files.md", r"^(\d+)\. "),
        (format!(r"clients\.md, points? {list}"), "docs/protocol/clients.md", r"^(\d+)\. "),
    ] {
        let rows = numbered(&texts[page], row);
        assert!(!rows.is_empty(), "{page} counts nothing");
        let faults = judge(&texts, &cited, |found| {
            let missing = numbers(&found[1]).into_iter().find(|number| !rows.contains(number))?;
            Some(format!("{page} has no {missing} ({})", &found[0]))
        });
        assert_eq!(faults, Vec::<String>::new());
    }
}

#[test]
fn every_adr_and_requirement_that_is_cited_exists() {
    let texts = texts();
    let adrs: BTreeSet<u32> = texts.keys().filter_map(|path| path.strip_prefix("docs/adr/")?.split_once('-')?.0.parse().ok()).collect();
    let faults = judge(&texts, r"\bADRs? (\d+(?:(?:, | and | to )\d+)*)", |found| {
        let missing = numbers(&found[1]).into_iter().find(|number| !adrs.contains(number))?;
        Some(format!("there is no ADR {missing}"))
    });
    assert_eq!(faults, Vec::<String>::new());

    let requirements = numbered(&texts["docs/security-requirements.md"], r"^\| SEC-(\d+) \|");
    let faults = judge(&texts, r"\bSEC-(\d+)", |found| {
        let number = found[1].parse().ok().filter(|number| !requirements.contains(number))?;
        Some(format!("there is no SEC-{number:02}"))
    });
    assert_eq!(faults, Vec::<String>::new());
}

/// Each row of the requirements names a test that is there and says by its name, or in the lines above it, that it is of that requirement; or says what
/// is missing.
#[test]
fn every_requirement_has_a_test_or_says_why_it_has_none() {
    let texts = texts();
    let above = r"((?:///[^\n]*\s+)*)";
    let function = format!(r"{above}#\[(?:tokio::)?test(?:\([^)]*\))?\]\s+(?:#\[[^\]]*\]\s+)*(?:async )?fn ([a-z0-9_]+)\(");
    let function = Regex::new(&function).unwrap();
    // Those of a contract are called by a macro.
    let of_contract = Regex::new(&format!("{above}pub async fn ([a-z0-9_]+)<S: ")).unwrap();
    let sources = texts.iter().filter(|(path, _)| std::path::Path::new(path).extension().is_some_and(|ending| ending == "rs"));
    let tests: BTreeMap<&str, &str> = sources
        .flat_map(|(_, text)| function.captures_iter(text).chain(of_contract.captures_iter(text)))
        .map(|found| (found.get(2).unwrap().as_str(), found.get(1).unwrap().as_str()))
        .collect();
    let is_of = |name: &str, number: &str| {
        let said = format!("sec_{number}");
        name.contains(&said) || tests.get(name).is_some_and(|above| above.contains(&format!("SEC-{number}")))
    };
    let row = Regex::new(r"^\| SEC-(\d+) \|[^|]+\|[^|]*\| *(?:`([a-z0-9_]+)`)? *\|([^|]*)\|$").unwrap();
    let page = &texts["docs/security-requirements.md"];
    let mut faults = Vec::new();
    for line in page.lines().filter(|line| line.starts_with("| SEC-")) {
        let Some(found) = row.captures(line) else {
            faults.push(format!("{line}: no test and no reason"));
            continue;
        };
        match found.get(2).map(|name| name.as_str()) {
            Some(name) if !tests.contains_key(name) => faults.push(format!("SEC-{}: there is no test {name}", &found[1])),
            Some(name) if !is_of(name, &found[1]) => faults.push(format!("SEC-{}: {name} does not say that it is of it", &found[1])),
            None if found[3].trim().is_empty() => faults.push(format!("SEC-{}: neither a test nor what is missing", &found[1])),
            _ => {}
        }
    }
    assert_eq!(faults, Vec::<String>::new());
    assert_eq!(numbered(page, r"^\| SEC-(\d+) \|"), (1..=52).collect());
}
