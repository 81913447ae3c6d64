//! The filter by which `socialUserClaim` finds whose account it might be: an operator's, with places for members of a profile.
//!
//! Easiest to break: what a provider says is data. The filter is read once, and what is put in stays one value whatever it holds.

use crest::Filter;
use serde_json::Value;

/// Whether a comparison has a value that stands for a member of the profile.
pub(super) fn names_profile(filter: &Filter) -> bool {
    match filter {
        Filter::And(parts) => parts.iter().any(names_profile),
        Filter::Or(parts) => !parts.is_empty() && parts.iter().all(names_profile),
        Filter::Compare { value: Value::String(text), .. } => placeholder(text).is_some(),
        _ => false,
    }
}

/// The first `{{name}}` of a text: what is before it, the name, and what is behind it.
fn placeholder(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once("{{")?;
    let (name, behind) = rest.split_once("}}")?;
    let (name, behind) = match name.strip_prefix('{') {
        Some(name) => (name, behind.strip_prefix('}').unwrap_or(behind)),
        None => (name, behind),
    };
    Some((before, name.trim(), behind))
}

/// A text with members of the profile in it; `None` where one is not there. What stands in the profile is not looked at again.
fn filled(text: &str, find: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    let mut made = String::new();
    let mut rest = text;
    while let Some((before, name, behind)) = placeholder(rest) {
        made.push_str(before);
        made.push_str(&find(name)?);
        rest = behind;
    }
    made.push_str(rest);
    Some(made)
}

/// The filter for one profile. A value is data: it stays one value whatever is in it.
pub(super) fn of_profile(filter: &Filter, find: &dyn Fn(&str) -> Option<String>) -> Option<Filter> {
    Some(match filter {
        Filter::And(parts) => Filter::And(parts.iter().map(|part| of_profile(part, find)).collect::<Option<_>>()?),
        Filter::Or(parts) => Filter::Or(parts.iter().map(|part| of_profile(part, find)).collect::<Option<_>>()?),
        Filter::Not(inner) => Filter::Not(Box::new(of_profile(inner, find)?)),
        Filter::Compare { pointer, comparison, value: Value::String(text) } => {
            Filter::Compare { pointer: pointer.clone(), comparison: *comparison, value: filled(text, find)?.into() }
        }
        other => other.clone(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const DEFAULT_FILTER: &str = r#"/mail eq "{{mail}}""#;

    fn made(filter: &str, profile: &Value) -> Option<String> {
        let find = |name: &str| profile.get(name)?.as_str().map(str::to_owned);
        of_profile(&Filter::parse(filter).unwrap(), &find).map(|filter| filter.to_string())
    }

    #[test]
    fn a_profile_cannot_say_more_than_one_value() {
        let profile = json!({"mail": "a\" or /userName pr or /mail eq \"{{sn}}", "sn": "B"});
        assert_eq!(made(DEFAULT_FILTER, &profile).unwrap(), r#"/mail eq "a\" or /userName pr or /mail eq \"{{sn}}""#);
        assert_eq!(made(r#"/x eq "{{{sn}}}-{{ sn }}""#, &profile).unwrap(), r#"/x eq "B-B""#);
        assert_eq!(made(DEFAULT_FILTER, &json!({})), None, "who has no address is nobody's");
    }

    #[test]
    fn a_filter_that_would_find_anybody_is_refused() {
        for good in [DEFAULT_FILTER, r#"/mail eq "{{mail}}" and /accountStatus eq "active""#, r#"/a eq "{{a}}" or /b eq "{{b}}""#] {
            assert!(names_profile(&Filter::parse(good).unwrap()), "{good}");
        }
        for bad in ["true", "/mail pr", r#"/mail eq "x""#, r#"/mail eq "{{mail}}" or /sn pr"#, r#"!(/mail eq "{{mail}}")"#] {
            assert!(!names_profile(&Filter::parse(bad).unwrap()), "{bad}");
        }
    }
}
