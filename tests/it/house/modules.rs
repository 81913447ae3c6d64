//! The modules of a crate, and which of them names which: read from the sources, without comments, texts and tests.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// A module's path from the root of its crate; the root's is empty.
type Name = Vec<String>;

/// Modules that name each other in a circle.
#[derive(Debug)]
pub(super) struct Circle {
    /// Which.
    pub(super) modules: Vec<String>,
    /// What ties them: `process::token -> process::context (super::Context)`. Read when it is found.
    #[expect(dead_code, reason = "is printed")]
    arrows: Vec<String>,
}

/// The modules of one crate.
pub(super) struct Modules(BTreeMap<Name, Module>);

/// One file.
#[derive(Default)]
struct Module {
    /// Paths that its code names, from its own place.
    named: Vec<Vec<String>>,
    /// What its `use` declarations bind: the name, and the path behind it.
    bound: Vec<(String, Vec<String>)>,
    /// Modules of its own that only tests have.
    of_tests: Vec<String>,
}

impl Modules {
    /// Those below `src`.
    pub(super) fn read(src: &Path) -> Self {
        let mut files = Vec::new();
        collect(src, &mut Vec::new(), &mut files);
        let names: BTreeSet<Name> = files.iter().map(|(name, _)| name.clone()).collect();
        let mut modules: BTreeMap<Name, Module> =
            files.iter().map(|(name, text)| (name.clone(), Module::read(text, &|child| names.contains(&below(name, child))))).collect();
        let of_tests: Vec<Name> =
            modules.iter().flat_map(|(name, module)| module.of_tests.iter().map(|child| below(name, child))).collect();
        modules.retain(|name, _| !of_tests.iter().any(|test| name.starts_with(test)));
        Self(modules)
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The modules that name each other in a circle, each circle once. That a parent names its own children, and these it, is none: what
    /// counts is whether the children do without each other.
    pub(super) fn circles(&self) -> Vec<Circle> {
        let mut arrows: BTreeMap<Name, BTreeSet<Name>> = BTreeMap::new();
        let mut why: BTreeMap<(&Name, Name), String> = BTreeMap::new();
        for (from, module) in &self.0 {
            let ends = module.named.iter().filter_map(|path| Some((path, self.resolve(from, path, 0)?)));
            let leaving: Vec<_> = ends.filter(|(_, to)| to != from).collect();
            arrows.insert(from.clone(), leaving.iter().map(|(_, to)| to.clone()).collect());
            why.extend(leaving.into_iter().map(|(path, to)| ((from, to), path.join("::"))));
        }
        let mut found = Vec::new();
        open(&self.0.keys().cloned().collect(), &arrows, &mut found);
        let described = found.iter().map(|circle| {
            let tied = why.iter().filter(|((from, to), _)| circle.contains(from) && circle.contains(to));
            let arrows = tied.map(|((from, to), path)| format!("{} -> {} ({path})", shown(from), shown(to)));
            Circle { modules: circle.iter().map(|name| shown(name)).collect(), arrows: arrows.collect() }
        });
        described.collect()
    }

    /// The module in which a path of `from` ends, past `use` declarations that only hand a name on.
    fn resolve(&self, from: &Name, path: &[String], depth: usize) -> Option<Name> {
        let mut at = from.clone();
        let mut rest = path;
        while let Some((first, more)) = rest.split_first() {
            match first.as_str() {
                "crate" => at.clear(),
                "super" => drop(at.pop()),
                "self" => {}
                name if self.0.contains_key(&below(&at, name)) => at.push(name.to_owned()),
                _ => break,
            }
            rest = more;
        }
        let module = self.0.get(&at)?;
        let handed_on = rest.first().filter(|_| depth < 8).and_then(|name| module.bound.iter().find(|(bound, _)| bound == name));
        match handed_on {
            Some((_, path)) => self.resolve(&at, path, depth + 1).or(Some(at)),
            None => Some(at),
        }
    }
}

/// Finds the circles among `nodes`.
fn open(nodes: &BTreeSet<Name>, arrows: &BTreeMap<Name, BTreeSet<Name>>, found: &mut Vec<Vec<Name>>) {
    for circle in knots(nodes, arrows) {
        let parent = circle.iter().find(|parent| circle.iter().all(|name| name.starts_with(parent)));
        match parent {
            None => found.push(circle.into_iter().collect()),
            Some(parent) => {
                let parent = parent.clone();
                open(&circle.into_iter().filter(|name| *name != parent).collect(), arrows, found);
            }
        }
    }
}

/// The largest sets of nodes in which each reaches each, of two and more.
fn knots(nodes: &BTreeSet<Name>, arrows: &BTreeMap<Name, BTreeSet<Name>>) -> Vec<BTreeSet<Name>> {
    let reach = |from: &Name| {
        let mut seen = BTreeSet::new();
        let mut open = vec![from];
        while let Some(at) = open.pop() {
            for next in arrows[at].iter().filter(|next| nodes.contains(*next)) {
                if seen.insert(next.clone()) {
                    open.push(next);
                }
            }
        }
        seen
    };
    let reached: BTreeMap<&Name, BTreeSet<Name>> = nodes.iter().map(|node| (node, reach(node))).collect();
    let mut knots: Vec<BTreeSet<Name>> = Vec::new();
    for node in nodes.iter().filter(|node| reached[*node].contains(*node)) {
        if !knots.iter().any(|knot| knot.contains(node)) {
            knots.push(reached[node].iter().filter(|other| reached[*other].contains(node)).cloned().collect());
        }
    }
    knots
}

fn collect(directory: &Path, name: &mut Name, files: &mut Vec<(Name, String)>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let stem = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let is_root = name.is_empty() && matches!(stem.as_str(), "lib" | "main");
        if !is_root {
            name.push(stem);
        }
        if path.is_dir() {
            collect(&path, name, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push((name.clone(), code(&std::fs::read_to_string(&path).unwrap())));
        }
        if !is_root {
            name.pop();
        }
    }
}

fn below(name: &[String], child: &str) -> Name {
    [name, &[child.to_owned()]].concat()
}

fn shown(name: &[String]) -> String {
    if name.is_empty() { "lib".to_owned() } else { name.join("::") }
}

/// A source without comments, texts and single letters, up to its tests.
fn code(source: &str) -> String {
    let letters: Vec<char> = source.chars().collect();
    let at = |index: usize| letters.get(index).copied().unwrap_or_default();
    let mut code = String::new();
    let mut index = 0;
    while index < letters.len() {
        match (at(index), at(index + 1)) {
            ('/', '/') => {
                while index < letters.len() && at(index) != '\n' {
                    index += 1;
                }
            }
            ('/', '*') => {
                while index < letters.len() && (at(index), at(index + 1)) != ('*', '/') {
                    index += 1;
                }
                index += 2;
            }
            ('r', '"' | '#') if !code.ends_with(|before: char| before.is_alphanumeric() || before == '_') => {
                let hashes = letters[index + 1..].iter().take_while(|letter| **letter == '#').count();
                if at(index + 1 + hashes) == '"' {
                    index += 2 + hashes;
                    let ends = |from: usize| at(from) == '"' && (1..=hashes).all(|hash| at(from + hash) == '#');
                    while index < letters.len() && !ends(index) {
                        index += 1;
                    }
                    index += 1 + hashes;
                } else {
                    index += 1;
                }
                code.push(' ');
            }
            ('"', _) => {
                index += 1;
                while index < letters.len() && at(index) != '"' {
                    index += if at(index) == '\\' { 2 } else { 1 };
                }
                index += 1;
                code.push(' ');
            }
            ('\'', '\\') => {
                index += 3;
                while index < letters.len() && at(index) != '\'' {
                    index += 1;
                }
                index += 1;
            }
            ('\'', _) if at(index + 2) == '\'' => index += 3,
            (letter, _) => {
                code.push(letter);
                index += 1;
            }
        }
    }
    match code.find("#[cfg(test)]\nmod tests") {
        Some(tests) => code[..tests].to_owned(),
        None => code,
    }
}

impl Module {
    fn read(code: &str, is_child: &dyn Fn(&str) -> bool) -> Self {
        let tokens = tokens(code);
        let mut module = Self::default();
        let mut index = 0;
        while index < tokens.len() {
            let before = index.checked_sub(1).map_or("", |before| tokens[before].as_str());
            match tokens[index].as_str() {
                // `# [ cfg ( test ) ] mod fixtures ;`
                "mod" if is_of_tests(&tokens[..index]) => {
                    module.of_tests.extend(tokens.get(index + 1).cloned());
                    index += 1;
                }
                "use" => {
                    // What a module hands on by `pub use` it does not name itself.
                    let hands_on = matches!(before, "pub" | ")");
                    let mut paths = Vec::new();
                    index = tree(&tokens, index + 1, &[], &mut paths);
                    for (bound, path) in paths.into_iter().filter(|(_, path)| starts_inside(path, is_child)) {
                        if !hands_on {
                            module.named.push(path.clone());
                        }
                        module.bound.push((bound, path));
                    }
                }
                first if !matches!(before, "::" | ".") && tokens.get(index + 1).is_some_and(|next| next == "::") => {
                    let mut path = vec![first.to_owned()];
                    while tokens.get(index + 1).is_some_and(|next| next == "::") && tokens.get(index + 2).is_some_and(|next| is_word(next))
                    {
                        path.push(tokens[index + 2].clone());
                        index += 2;
                    }
                    if starts_inside(&path, is_child) {
                        module.named.push(path);
                    }
                    index += 1;
                }
                _ => index += 1,
            }
        }
        module
    }
}

/// Whether what follows `before` is only there in tests, private or not.
fn is_of_tests(before: &[String]) -> bool {
    let ends = |before: &[String], end: &[&str]| before.len() >= end.len() && before[before.len() - end.len()..] == *end;
    let visible = [&["pub"][..], &["pub", "(", "crate", ")"], &["pub", "(", "super", ")"]];
    let before = visible.iter().find(|end| ends(before, end)).map_or(before, |end| &before[..before.len() - end.len()]);
    ends(before, &["#", "[", "cfg", "(", "test", ")", "]"])
}

fn starts_inside(path: &[String], is_child: &dyn Fn(&str) -> bool) -> bool {
    path.first().is_some_and(|first| matches!(first.as_str(), "crate" | "super" | "self") || is_child(first))
}

fn is_word(token: &str) -> bool {
    token.starts_with(|letter: char| letter.is_alphabetic() || letter == '_')
}

/// Reads `a::{b as c, d::*}` from `index` on; returns where it ends. Each path comes with the name it binds.
fn tree(tokens: &[String], mut index: usize, prefix: &[String], paths: &mut Vec<(String, Vec<String>)>) -> usize {
    let mut path = prefix.to_vec();
    while let Some(token) = tokens.get(index) {
        match token.as_str() {
            "::" => index += 1,
            "{" => {
                index += 1;
                while tokens.get(index).is_some_and(|token| token != "}") {
                    index = tree(tokens, index, &path, paths);
                    if tokens.get(index).is_some_and(|token| token == ",") {
                        index += 1;
                    }
                }
                return index + 1;
            }
            "as" => {
                paths.push((tokens.get(index + 1).cloned().unwrap_or_default(), path));
                return index + 2;
            }
            "*" => {
                paths.push(("*".to_owned(), path));
                return index + 1;
            }
            word if is_word(word) => {
                path.push(word.to_owned());
                index += 1;
            }
            _ => break,
        }
    }
    let bound = match path.last().map(String::as_str) {
        Some("self") => path.iter().rev().nth(1).cloned(),
        last => last.map(str::to_owned),
    };
    if path.last().is_some_and(|last| last == "self") && path.len() > 1 {
        path.pop();
    }
    paths.push((bound.unwrap_or_default(), path));
    index
}

fn tokens(code: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut letters = code.chars().peekable();
    while let Some(letter) = letters.next() {
        if letter.is_alphanumeric() || letter == '_' {
            let mut word = String::from(letter);
            while let Some(next) = letters.next_if(|next| next.is_alphanumeric() || *next == '_') {
                word.push(next);
            }
            tokens.push(word);
        } else if letter == ':' && letters.next_if_eq(&':').is_some() {
            tokens.push("::".to_owned());
        } else if !letter.is_whitespace() {
            tokens.push(letter.to_string());
        }
    }
    tokens
}

#[test]
fn circles_are_found_through_names_that_are_only_handed_on() {
    let directory = tempfile::tempdir().unwrap();
    let write = |files: &[(&str, &str)]| {
        let src = directory.path().join(files[0].1.len().to_string());
        for (path, text) in files {
            let path = src.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        Modules::read(&src).circles().into_iter().map(|circle| circle.modules).collect::<Vec<_>>()
    };
    let none: Vec<Vec<String>> = Vec::new();
    // A parent and its children are none, and neither is what a comment, a text or a test says.
    let family = [
        ("lib.rs", "mod a; pub use a::A;"),
        ("a.rs", "mod b; use b::B; pub struct A(B);"),
        ("a/b.rs", "use super::A; /* crate::c */ // crate::c\nconst X: &str = \"crate::c\";\n#[cfg(test)]\nmod tests { use crate::c::C; }"),
        ("c.rs", "use crate::A; fn f() { crate::a::g() }"),
    ];
    assert_eq!(write(&family), none);
    let siblings =
        [("lib.rs", "mod a; mod c; pub(crate) use a::A;"), ("a.rs", "fn f(_: crate::c::C) {}"), ("c.rs", "use crate::{A, A as B};")];
    assert_eq!(write(&siblings), [["a", "c"]]);
    let children =
        [("lib.rs", "mod a; "), ("a.rs", "mod b; mod c; use b::B;"), ("a/b.rs", "use super::c::{self, C};"), ("a/c.rs", "use super::B;")];
    assert_eq!(write(&children), [["a::b", "a::c"]]);
    let through = [
        ("lib.rs", "mod a;   mod t; "),
        ("a.rs", "mod b; use b::B; use crate::x;"),
        ("a/b.rs", "use crate::t::T;"),
        ("t.rs", "use crate::a::A;"),
    ];
    assert_eq!(write(&through), [["a", "a::b", "t"]]);
}
