//! What scripts for Rhino ask of Java: the present moment, which is JavaScript's here, and methods, which no value has.

use std::borrow::Cow;

use super::words::{masked, words};

/// Of Java there is the present moment, which the vendor's samples write down.
const OF_JAVA: [&str; 2] = ["java.time.ZonedDateTime.now(java.time.ZoneOffset.UTC).toString()", "java.time.Instant.now().toString()"];
/// What it is in JavaScript.
const MOMENT: &str = "new Date().toISOString()";
/// Methods of Java and Rhino that no value of a script has here, and that JavaScript does not know.
const METHODS: [&str; 21] = [
    "length",
    "getClass",
    "hashCode",
    "getBytes",
    "compareTo",
    "compareToIgnoreCase",
    "toCharArray",
    "replaceFirst",
    "keySet",
    "entrySet",
    "containsKey",
    "containsValue",
    "putAll",
    "addAll",
    "iterator",
    "hasNext",
    "asString",
    "asMap",
    "asList",
    "asContext",
    "toSource",
];

/// A method of Java that is called.
pub(super) fn of_java(masked: &str, at: usize, word: &str) -> Option<String> {
    if !METHODS.contains(&word) || !masked.get(..at)?.trim_end().ends_with('.') {
        return None;
    }
    let is_called = masked.get(at + word.len()..)?.trim_start().starts_with('(');
    (is_called && !makes(masked, word)).then(|| format!("'{word}()' is a method of Java or Rhino, which no value has here"))
}

/// Whether a script gives something of its own this method: `x: function`, `x = `, `x(…) {`.
fn makes(masked: &str, method: &str) -> bool {
    words(masked).filter(|(_, word)| *word == method).any(|(at, word)| {
        let dotted = masked.get(..at).is_some_and(|before| before.trim_end().ends_with('.'));
        let after = masked.get(at + word.len()..).unwrap_or_default().trim_start();
        let assigned = after.strip_prefix('=').is_some_and(|rest| !rest.starts_with('='));
        assigned || (!dotted && (after.starts_with(':') || after.starts_with('(')))
    })
}

/// Where the present moment as Java writes it ends, where it stands at a place.
fn moment(masked: &str, at: usize) -> Option<usize> {
    OF_JAVA.iter().find_map(|known| {
        let mut wanted = known.chars();
        for (offset, c) in masked.get(at..)?.char_indices().filter(|(_, c)| !c.is_whitespace()) {
            match wanted.next() {
                None => return Some(at + offset),
                Some(expected) if expected != c => return None,
                Some(_) => {}
            }
        }
        wanted.next().is_none().then_some(masked.len())
    })
}

/// The script with the present moment in JavaScript, where it is Java.
pub(crate) fn in_javascript(text: &str) -> Cow<'_, str> {
    let masked = masked(text);
    let (mut made, mut done) = (String::new(), 0);
    for (at, _) in words(&masked).filter(|(_, word)| *word == "java") {
        let Some(end) = moment(&masked, at).filter(|_| at >= done) else { continue };
        made.push_str(text.get(done..at).unwrap_or_default());
        made.push_str(MOMENT);
        // A call that goes over lines leaves the rest of the script where it was.
        let written = text.get(at..end).unwrap_or_default();
        let (call, after) = written.split_at(written.trim_end().len());
        made.extend(call.chars().filter(|c| *c == '\n'));
        made.push_str(after);
        done = end;
    }
    if done == 0 {
        return Cow::Borrowed(text);
    }
    made.push_str(text.get(done..).unwrap_or_default());
    Cow::Owned(made)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_present_moment_of_java_becomes_that_of_javascript_in_its_line() {
        for (text, made) in [
            ("a = java.time.ZonedDateTime.now( java.time.ZoneOffset.UTC ).toString() ;\nb", "a = new Date().toISOString() ;\nb"),
            ("java.time.Instant\n .now().toString()\n;", "new Date().toISOString()\n\n;"),
            (
                "'java.time.Instant.now().toString()' + java.time.Instant.now()",
                "'java.time.Instant.now().toString()' + java.time.Instant.now()",
            ),
        ] {
            assert_eq!(in_javascript(text), made);
        }
    }
}
