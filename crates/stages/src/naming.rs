//! What a filter names, apart from how it is written: two spellings of one filter must name the same decoy, as they name the same
//! account (decision 5).
//!
//! Easiest to break: two filters that find the same real account, and could be made by somebody who knows one of its names only, must
//! have one [`Naming`]; two that would find different ones must have two. What people are found by is equal here, spellings of one name
//! included ([`find`]), and no more.

use std::collections::BTreeSet;

use crest::{Filter, Pointer};
use identity::find;
use serde_json::json;

use crate::MailAddress;

/// A field and the value it is to have.
type Name = (String, String);

/// What a filter of `eq`, `and` and `or` names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Naming(BTreeSet<Name>);

impl Naming {
    /// Reads a filter. `mail` and `user_name` are the fields a value is taken for when several are offered for it.
    pub(crate) fn of(filter: &Filter, mail: &Pointer, user_name: &Pointer) -> Self {
        Self(names(filter, &mail.to_string(), &user_name.to_string()))
    }

    /// The same text for the same naming.
    pub(crate) fn text(&self) -> String {
        json!(self.0).to_string()
    }
}

fn names(filter: &Filter, mail: &str, user_name: &str) -> BTreeSet<Name> {
    match filter {
        Filter::And(parts) => parts.iter().flat_map(|part| names(part, mail, user_name)).collect(),
        Filter::Or(parts) => one_of(parts.iter().map(|part| names(part, mail, user_name)).collect(), mail, user_name),
        Filter::Compare { pointer, value, .. } => BTreeSet::from([(pointer.to_string(), find::form_of(value))]),
        _ => BTreeSet::new(),
    }
}

/// One value offered for several fields (`userName eq "x" or mail eq "x"`) is one name, in the field it looks made for. Different values
/// must all belong to an account ([`find::person`]), so they are named together.
fn one_of(parts: Vec<BTreeSet<Name>>, mail: &str, user_name: &str) -> BTreeSet<Name> {
    let values: BTreeSet<&str> = parts.iter().flatten().map(|(_, value)| value.as_str()).collect();
    if values.len() != 1 {
        return parts.into_iter().flatten().collect();
    }
    let is_mail = values.iter().any(|value| serde_json::from_str::<String>(value).is_ok_and(|text| text.parse::<MailAddress>().is_ok()));
    let preferred = if is_mail { [mail, user_name] } else { [user_name, ""] };
    let rank = |part: &BTreeSet<Name>| {
        let place = preferred.iter().position(|field| part.iter().any(|(name, _)| name == field));
        let unlikely = !is_mail && part.iter().any(|(name, _)| name == mail);
        (part.len(), unlikely, place.unwrap_or(preferred.len()), part.clone())
    };
    parts.into_iter().min_by_key(rank).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn naming(filter: &str) -> Naming {
        let field = |name: &str| Pointer::parse(name).unwrap();
        Naming::of(&Filter::parse(filter).unwrap(), &field("mail"), &field("userName"))
    }

    #[test]
    fn spellings_of_one_name_are_one_name() {
        let plain = naming(r#"userName eq "x""#);
        for same in [
            r#"/userName EQ "x""#,
            r#"userName eq "X ""#,
            " ( userName   eq  'x' ) ",
            r#"userName eq "x" or userName eq "x""#,
            r#"userName eq "x" and (userName eq "x" or userName eq "x")"#,
            r#"userName eq "x" or mail eq "x""#,
            r#"mail eq "x" or sn eq "x" or userName eq "x""#,
            r#"userName eq "x" or (userName eq "x" and sn eq "x")"#,
            r#"(userName eq "x" or sn eq "x") and (userName eq "x" or mail eq "x")"#,
        ] {
            assert_eq!(naming(same), plain, "{same}");
        }
        let mail = naming(r#"mail eq "x@example.test""#);
        assert_eq!(naming(r#"userName eq "x@example.test" or mail eq "x@example.test""#), mail);
        assert_eq!(naming("sn eq 5"), naming("sn eq 5.0"));
        assert_eq!(naming("sn eq 0"), naming("sn eq -0.0"));
    }

    #[test]
    fn what_finds_somebody_else_is_another_name() {
        let all = [
            r#"userName eq "x""#,
            r#"userName eq "y""#,
            r#"mail eq "x""#,
            r#"userName eq "x" and mail eq "x""#,
            r#"userName eq "x" or userName eq "y""#,
            r#"userName eq "5""#,
            "userName eq 5",
            "userName eq true",
        ];
        let texts: BTreeSet<String> = all.iter().map(|filter| naming(filter).text()).collect();
        assert_eq!(texts.len(), all.len());
    }

    proptest! {
        #[test]
        fn order_and_repetition_change_nothing(mut values in proptest::collection::vec("[a-c]{1,2}", 1..5), turn in 0_usize..5) {
            let atom = |value: &String| format!("userName eq \"{value}\"");
            let first = values.iter().map(atom).collect::<Vec<_>>().join(" or ");
            values.push(values[0].clone());
            let turn = turn % values.len();
            values.rotate_left(turn);
            let second = values.iter().map(atom).collect::<Vec<_>>().join(" or ");
            prop_assert_eq!(naming(&first), naming(&second));
        }
    }
}
