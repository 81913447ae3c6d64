//! Conditions that only the sandbox can evaluate.
//!
//! The rule easiest to break: what a condition names and nobody knows is found when the file is read, not when somebody is refused. So
//! the names of an expression are collected and compared with those the sandbox has.

use script::Program;

/// The product's functions, for the sandbox. They read `facts`, which whoever evaluates the condition provides.
const FUNCTIONS: &str = include_str!("functions.js");
/// Words of the language.
const KEYWORDS: [&str; 33] = [
    "break",
    "case",
    "catch",
    "const",
    "continue",
    "default",
    "delete",
    "do",
    "else",
    "false",
    "finally",
    "for",
    "function",
    "if",
    "in",
    "instanceof",
    "let",
    "new",
    "null",
    "of",
    "return",
    "switch",
    "this",
    "throw",
    "true",
    "try",
    "typeof",
    "undefined",
    "var",
    "void",
    "while",
    "arguments",
    "NaN",
];
/// What every script finds.
const GLOBALS: [&str; 29] = [
    "request",
    "context",
    "openidm",
    "logger",
    "console",
    "identityServer",
    "String",
    "Number",
    "Boolean",
    "Array",
    "Object",
    "JSON",
    "Math",
    "Date",
    "RegExp",
    "Error",
    "TypeError",
    "Set",
    "Map",
    "Infinity",
    "parseInt",
    "parseFloat",
    "isNaN",
    "isFinite",
    "encodeURIComponent",
    "decodeURIComponent",
    "encodeURI",
    "decodeURI",
    "httpAccessConfig",
];

/// A condition for the sandbox.
#[derive(Clone, Debug)]
pub struct Custom {
    text: String,
    program: Program,
    asks_password: bool,
}

impl PartialEq for Custom {
    fn eq(&self, other: &Self) -> bool {
        self.program.source() == other.program.source()
    }
}

impl Custom {
    /// Reads a condition; `script` is the file it may call functions of.
    pub(super) fn new(text: &str, script: Option<&str>) -> Result<Self, String> {
        let script = script.unwrap_or_default();
        let names = Names::of(text);
        let (ours, theirs) = (Names::of(FUNCTIONS), Names::of(script));
        for (name, called) in names.used {
            let declared = |names: &Names| names.declared.contains(&name);
            if KEYWORDS.contains(&name.as_str()) || GLOBALS.contains(&name.as_str()) || names.declared.contains(&name) {
                continue;
            }
            match (declared(&ours) || declared(&theirs), called) {
                (true, true) => {}
                (true, false) if !declared(&ours) => {}
                (true, false) => return Err(format!("the function '{name}' is named, but not called")),
                (false, true) => return Err(format!("the function '{name}' is not known")),
                (false, false) => return Err(format!("'{name}' is not known")),
            }
        }
        let program = Program::compile(&format!("{FUNCTIONS}\n{script}\n;{text}"), "customAuthz")
            .map_err(|_| "it is no JavaScript that can be read".to_owned())?;
        let asks_password = [text, script].iter().any(|part| part.contains("reauthIfProtectedAttributeChange"));
        Ok(Self { text: text.to_owned(), program, asks_password })
    }

    /// As it is written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What to run. Its value is the answer, true or false as JavaScript takes it.
    #[must_use]
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// Does it call `reauthIfProtectedAttributeChange`? Then a request that changes such an attribute needs the password again.
    #[must_use]
    pub fn asks_password(&self) -> bool {
        self.asks_password
    }
}

/// The names of a script, as far as they can be told apart without running it.
#[derive(Default)]
struct Names {
    /// Functions, variables and parameters.
    declared: Vec<String>,
    /// Names that stand for themselves, not members and not keys; whether they are called.
    used: Vec<(String, bool)>,
}

impl Names {
    fn of(text: &str) -> Self {
        let words = words(text);
        let mut names = Self::default();
        let mut parameters = false;
        for (index, word) in words.iter().enumerate() {
            let before = index.checked_sub(1).and_then(|at| words.get(at)).map_or("", String::as_str);
            let after = words.get(index + 1).map_or("", String::as_str);
            match word.as_str() {
                "function" => parameters = true,
                ")" => parameters = false,
                _ => {}
            }
            if !word.starts_with(|letter: char| letter.is_alphabetic() || matches!(letter, '_' | '$')) || before == "." {
                continue;
            }
            let declares = matches!(before, "function" | "var" | "let" | "const") || (parameters && word != "function") || after == "=>";
            if declares {
                names.declared.push(word.clone());
            } else if after != ":" || before == "?" {
                names.used.push((word.clone(), after == "("));
            }
        }
        names
    }
}

/// Whether a `/` behind this word begins a regular expression rather than a division.
fn begins_pattern(word: Option<&String>) -> bool {
    word.is_none_or(|word| word == "return" || (word.len() == 1 && "([{,;:=!&|?+".contains(word.as_str())))
}

/// Words and signs; comments and the insides of texts are left out.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let after = rest.get(first.len_utf8()..).unwrap_or_default();
        rest = if rest.starts_with("//") {
            rest.split_once('\n').map_or("", |(_, remaining)| remaining)
        } else if let Some(comment) = rest.strip_prefix("/*") {
            comment.split_once("*/").map_or("", |(_, remaining)| remaining)
        } else if matches!(first, '\'' | '"' | '`') || (first == '/' && begins_pattern(words.last())) {
            words.push("\"\"".to_owned());
            let mut escaped = false;
            let end = after.find(|letter| {
                let ends = letter == first && !escaped;
                escaped = letter == '\\' && !escaped;
                ends
            });
            let rest = end.and_then(|end| after.get(end + 1..)).unwrap_or("");
            if first == '/' { rest.trim_start_matches(|letter: char| letter.is_ascii_lowercase()) } else { rest }
        } else if first.is_alphanumeric() || matches!(first, '_' | '$') {
            let end = rest.find(|letter: char| !letter.is_alphanumeric() && !matches!(letter, '_' | '$')).unwrap_or(rest.len());
            let (word, remaining) = rest.split_at(end);
            words.push(word.to_owned());
            remaining
        } else if let Some(remaining) = rest.strip_prefix("=>") {
            words.push("=>".to_owned());
            remaining
        } else {
            if !first.is_whitespace() {
                words.push(first.to_string());
            }
            after
        };
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_known_declared_or_said() {
        for text in [
            "openidm.read(request.resourcePath, null, ['target']).target._ref === (context.security.authorization.component + '/x')",
            "context.security.authorization.roles.some(function (role) { return role === 'internal/role/x'; })",
            "(function () { var owner = request.content.owner; return ownDataOnly() && owner.match(/^a/) !== null; }())",
            "[1, 2].some(n => n > 1) /* isSameType() */",
            "request.method === 'read' ? ownDataOnly() : false",
        ] {
            assert!(Custom::new(text, None).is_ok(), "{text}: {:?}", Custom::new(text, None));
        }
        for (text, said) in [
            ("isSameType()", "the function 'isSameType' is not known"),
            ("ownDataOnly", "the function 'ownDataOnly' is named, but not called"),
            ("manager === request.content.manager", "'manager' is not known"),
            ("ownDataOnly(", "it is no JavaScript that can be read"),
        ] {
            assert_eq!(Custom::new(text, None).unwrap_err(), said);
        }
    }

    #[test]
    fn functions_of_the_file_are_known() {
        assert!(Custom::new("isSameType()", Some("var httpAccessConfig = {};\nfunction isSameType() { return false; }")).is_ok());
    }

    #[test]
    fn a_condition_that_may_ask_for_the_password_says_so() {
        assert!(Custom::new("[ownDataOnly(), reauthIfProtectedAttributeChange()].every(Boolean)", None).unwrap().asks_password());
        assert!(!Custom::new("[ownDataOnly()].every(Boolean)", None).unwrap().asks_password());
    }
}
