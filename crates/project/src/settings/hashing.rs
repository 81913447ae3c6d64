//! `[hashing]`: what a hash of a password or an answer costs, us and whoever guesses (SEC-30).
//!
//! The rule easiest to break: what is weaker than the recommended minimum is refused unless the file says that it is meant, and what is
//! refused is not used in part: the default stays.

use identity::secret::HashParameters;

use crate::diagnostic::Severity;
use crate::loose::Node;

/// Keys of the section.
pub(super) const KEYS: [&str; 4] = ["memory", "passes", "lanes", "waive"];
/// The word that lets parameters below the minimum stand.
const MINIMUM: &str = "minimum";

/// Reads the parameters of argon2id: `memory` in KiB, `passes` and `lanes`. New hashes are made with them; hashes that cost less are made anew
/// when their owner signs in.
pub(super) fn read(node: &Node<'_>) -> HashParameters {
    let default = HashParameters::default();
    let number = |key: &str, default: u32| {
        let value = node.get(key);
        if !value.is_present() {
            return Some(default);
        }
        value.integer_in(1..=i64::from(u32::MAX)).and_then(|value| u32::try_from(value).ok())
    };
    let (memory, passes, lanes) =
        (number("memory", default.memory_kib()), number("passes", default.passes()), number("lanes", default.lanes()));
    let waived = is_waived(&node.get("waive"));
    let (Some(memory), Some(passes), Some(lanes)) = (memory, passes, lanes) else { return default };
    let Ok(parameters) = HashParameters::new(memory, passes, lanes) else {
        let message = format!("{memory} KiB, {passes} passes and {lanes} lanes are not possible or too costly; the default is used");
        let help = "8 KiB a lane or more, 128 MiB, 16 lanes and 1 GiB times passes at most".to_owned();
        node.report(Severity::Error, "wrong-value", message, Some(help));
        return default;
    };
    if parameters.meets_minimum() {
        return parameters;
    }
    let message = format!("{memory} KiB and {passes} passes are fewer than passwords need");
    if waived {
        node.report(Severity::Warning, "waived", format!("{message}; waived"), None);
        return parameters;
    }
    let help = format!("47104 KiB with 1 pass, 19456 with 2, 12288 with 3, 9216 with 4 or 7168 with 5; or waive = [\"{MINIMUM}\"]");
    node.report(Severity::Error, "wrong-value", format!("{message}; the default is used"), Some(help));
    default
}

fn is_waived(node: &Node<'_>) -> bool {
    let words = node.items();
    for word in &words {
        if word.text().as_deref() != Some(MINIMUM) {
            word.report(Severity::Error, "wrong-value", format!("only '{MINIMUM}' can be waived here"), None);
        }
    }
    words.iter().any(|word| word.text().as_deref() == Some(MINIMUM))
}

#[cfg(test)]
mod tests {
    use super::super::tests::read;
    use super::*;

    fn parameters(text: &str) -> (HashParameters, Vec<String>) {
        let (settings, found) = read(&format!("[hashing]\n{text}"));
        (settings.hashing, found.iter().map(|found| format!("{:?} {}", found.severity, found.message)).collect())
    }

    #[test]
    fn parameters_of_the_recommended_minimum_or_more_are_taken() {
        for (memory, passes, lanes) in [(12_288, 3, 1), (65_536, 3, 4), (47_104, 1, 1)] {
            let text = format!("memory = {memory}\npasses = {passes}\nlanes = {lanes}");
            assert_eq!(parameters(&text), (HashParameters::new(memory, passes, lanes).unwrap(), Vec::new()));
        }
        assert_eq!(parameters("passes = 3"), (HashParameters::new(19_456, 3, 1).unwrap(), Vec::new()));
    }

    #[test]
    fn sec_30_what_is_weaker_is_refused_and_nothing_of_it_used() {
        for text in
            ["passes = 1", "memory = 7167\npasses = 5", "memory = 64", "memory = 131073", "lanes = 17", "passes = 0", "memory = \"big\""]
        {
            let (used, found) = parameters(text);
            assert_eq!(used, HashParameters::default(), "{text}");
            assert!(found.len() == 1 && found[0].starts_with("Error"), "{text}: {found:?}");
        }
    }

    #[test]
    fn a_waiver_lets_it_stand_and_is_listed() {
        let (used, found) = parameters("memory = 4096\npasses = 3\nwaive = [\"minimum\"]");
        assert_eq!(used, HashParameters::new(4096, 3, 1).unwrap());
        assert_eq!(found, ["Warning 4096 KiB and 3 passes are fewer than passwords need; waived"]);
        let (used, found) = parameters("memory = 4096\nwaive = [\"minimun\"]");
        assert_eq!((used, found.len()), (HashParameters::default(), 2));
    }
}
