//! The names that a script gives to things of its own: variables, functions, parameters, parts that are taken out of an object.
//!
//! Easiest to break: a parameter `org` is no package of Java. This reads words and brackets, not a syntax tree: a name that is a script's own in
//! one function counts as its own everywhere, and what is left of it fails when it runs.

use std::collections::BTreeSet;

use super::words::is_part;

/// A word, an arrow, or a single sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Token<'t>(&'t str);

impl Token<'_> {
    fn is_word(self) -> bool {
        self.0.starts_with(is_part)
    }
}

fn tokens(masked: &str) -> Vec<Token<'_>> {
    let mut found = Vec::new();
    let mut left = masked.trim_start();
    while let Some(first) = left.chars().next() {
        let signs = ["=>", "===", "!==", "==", "!=", "<=", ">="];
        let length = if is_part(first) {
            left.find(|c| !is_part(c)).unwrap_or(left.len())
        } else {
            signs.iter().find(|sign| left.starts_with(**sign)).map_or(first.len_utf8(), |sign| sign.len())
        };
        let (token, rest) = left.split_at(length);
        found.push(Token(token));
        left = rest.trim_start();
    }
    found
}

/// The names, in a text in which comments and texts are blank.
pub(super) fn declared(masked: &str) -> BTreeSet<String> {
    let tokens = tokens(masked);
    let at = |index: usize| tokens.get(index).map_or("", |token| token.0);
    let mut names = BTreeSet::new();
    for (index, token) in tokens.iter().enumerate() {
        let before = index.checked_sub(1).map_or("", at);
        match token.0 {
            "var" | "let" | "const" => declarators(&tokens, index + 1, &mut names),
            "function" | "class" if tokens.get(index + 1).is_some_and(|next| next.is_word()) => {
                names.insert(at(index + 1).to_owned());
            }
            "=>" if tokens.get(index.wrapping_sub(1)).is_some_and(|before| before.is_word()) => {
                names.insert(before.to_owned());
            }
            "=>" if before == ")" => {
                let opens = opening(&tokens, index - 1);
                pattern(&tokens, opens + 1, index - 1, &mut names);
            }
            // Of a function, a method or a `catch`; conditions name nothing.
            "{" if before == ")" => {
                let opens = opening(&tokens, index - 1);
                let head = opens.checked_sub(1).map_or("", at);
                if !matches!(head, "if" | "for" | "while" | "switch" | "with") {
                    pattern(&tokens, opens + 1, index - 1, &mut names);
                }
            }
            "=" if tokens.get(index.wrapping_sub(1)).is_some_and(|before| before.is_word()) => {
                let dotted = index.checked_sub(2).is_some_and(|two| at(two) == ".");
                if !dotted {
                    names.insert(before.to_owned());
                }
            }
            _ => {}
        }
    }
    names
}

/// `a = 1, {b, c: d} = e`, as far as it goes.
fn declarators(tokens: &[Token<'_>], mut index: usize, names: &mut BTreeSet<String>) {
    loop {
        match tokens.get(index) {
            Some(Token("{" | "[")) => {
                let end = closing(tokens, index);
                pattern(tokens, index, end, names);
                index = end + 1;
            }
            Some(token) if token.is_word() => {
                names.insert(token.0.to_owned());
                index += 1;
            }
            _ => return,
        }
        let mut depth = 0_usize;
        loop {
            match tokens.get(index).map(|token| token.0) {
                Some(",") if depth == 0 => break,
                Some("(" | "[" | "{") => depth += 1,
                Some(")" | "]" | "}") if depth > 0 => depth -= 1,
                None | Some(";" | ")" | "]" | "}") => return,
                Some(_) => {}
            }
            index += 1;
        }
        index += 1;
    }
}

/// The names of a pattern or of a list of parameters between two places: no keys, and nothing of what is taken where nothing is given.
fn pattern(tokens: &[Token<'_>], from: usize, to: usize, names: &mut BTreeSet<String>) {
    let mut index = from;
    while index < to {
        let Some(token) = tokens.get(index) else { return };
        if token.0 == "=" {
            let mut depth = 0_usize;
            while let Some(token) = tokens.get(index).filter(|_| index < to) {
                match token.0 {
                    "," | ")" | "]" | "}" if depth == 0 => break,
                    "(" | "[" | "{" => depth += 1,
                    ")" | "]" | "}" => depth -= 1,
                    _ => {}
                }
                index += 1;
            }
            continue;
        }
        let is_key = tokens.get(index + 1).is_some_and(|next| next.0 == ":");
        if token.is_word() && !is_key {
            names.insert(token.0.to_owned());
        }
        index += 1;
    }
}

fn opening(tokens: &[Token<'_>], closes: usize) -> usize {
    let mut depth = 0_usize;
    for index in (0..=closes).rev() {
        match tokens.get(index).map(|token| token.0) {
            Some(")" | "]" | "}") => depth += 1,
            Some("(" | "[" | "{") => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return index;
        }
    }
    0
}

fn closing(tokens: &[Token<'_>], opens: usize) -> usize {
    let mut depth = 0_usize;
    for (index, token) in tokens.iter().enumerate().skip(opens) {
        match token.0 {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return index;
        }
    }
    tokens.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_name_something_is_known() {
        for text in [
            "var org = 1",
            "var a, org = {}",
            "var a = f(b, c), d = [1, 2], org",
            "let [a, {b: org}] = x",
            "const {org} = x",
            "const {a = f(1), org} = x",
            "const {...org} = x",
            "orgs.forEach(org => org.name)",
            "orgs.map((a, org) => org.name)",
            "x(async ({a: [org]}, b) => 1)",
            "orgs.forEach(function (org) { return org.name; })",
            "function f(a, org = 2) { }",
            "function org() { }",
            "class org { }",
            "var o = {go(org) { return org.x; }}",
            "try { } catch (org) { }",
            "for (var org in list) { }",
            "for (const org of list) { }",
            "org = openidm.read('x')",
        ] {
            assert!(declared(text).contains("org"), "{text}: {:?}", declared(text));
        }
    }

    #[test]
    fn what_is_only_used_is_not_named() {
        for text in [
            "org.forgerock.x()",
            "if (org.x == 1) { }",
            "while (org) { }",
            "x.org = 1",
            "const {org: a} = x",
            "var a = org.b, c = {org: 1}",
            "function f(a = org.x) { }",
            "f(org.x, {a: 1})",
            "a === org.b",
            "x(() => org.y)",
        ] {
            assert!(!declared(text).contains("org"), "{text}: {:?}", declared(text));
        }
    }
}
