//! Finding the person somebody means: by what was typed, and where nobody has exactly that, by any spelling of it. The spellings are the
//! ones of which only one may exist ([`crate::names`]), so people are found where uniqueness is decided.
//!
//! Easiest to break: the store is asked the same whether somebody is found or not (SEC-02), several people are nobody, unless one
//! of them has confirmed the address that they share, and a filter names one person by values that all belong to them (decision 27).

use std::collections::BTreeSet;

use crest::{Comparison, Filter, Pointer, Query, Resource};
use serde_json::Value;

use crate::names;
use crate::ports::{Objects, ObjectsError};

pub use crate::ports::Confirmation;

/// People who may share a name before it is taken for no name at all.
const MOST: u32 = 16;

/// How often a person is read who is found.
const FOUND: usize = 2;

/// Where among the ids to look for whoever stands in for nobody: anywhere, and the same for the same filter.
fn somewhere(filter: &Filter) -> String {
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, filter.to_string().as_bytes());
    hash.as_ref().iter().take(8).fold(String::new(), |mut id, byte| {
        id.push(char::from_digit(u32::from(byte >> 4), 16).unwrap_or('0'));
        id.push(char::from_digit(u32::from(byte & 15), 16).unwrap_or('0'));
        id
    })
}

/// Who was found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    /// The person; `None` for nobody, and for several.
    pub person: Option<Resource>,
    /// The ids of several people of whom none could be told to be meant.
    pub ambiguous: Vec<String>,
}

/// Finds the person that a filter of `eq`, `and` and `or` means: the one whom it finds, and to whom every value in it belongs. `mail` is
/// where addresses are.
///
/// # Errors
/// [`ObjectsError::Unavailable`] when the store does not answer.
pub async fn person(objects: &dyn Objects, collection: &str, filter: &Filter, mail: &Pointer) -> Result<Found, ObjectsError> {
    meant(objects, collection, &all_of_one(filter), mail).await
}

/// Finds the person that a filter of the operator means, as it is written: with values that people bring, of which any may do. Where nobody has them as they
/// are spelled, another spelling does.
///
/// # Errors
/// [`ObjectsError::Unavailable`] when the store does not answer.
pub async fn meant(objects: &dyn Objects, collection: &str, filter: &Filter, mail: &Pointer) -> Result<Found, ObjectsError> {
    let exact = objects.query(collection, &Query::first(filter.clone(), MOST.into())).await?.result;
    let candidates = candidates(objects, collection, filter).await?;
    // One more query, whether candidates were found or not: without any, it finds nothing.
    let ids = Value::Array(candidates.into_iter().map(Value::from).collect());
    let by_id = Filter::Compare { pointer: Pointer::from_tokens(["_id"]), comparison: Comparison::In, value: ids };
    let mut spelled = objects.query(collection, &Query::first(by_id, MOST.into())).await?.result;
    // Whoever is found comes out of the store twice, by what was typed and by their id; whoever is not is somebody else, twice, and left
    // alone: as many objects are read and taken apart for either.
    let found = exact.len().saturating_add(spelled.len());
    let missing = u32::try_from(FOUND.saturating_sub(found)).unwrap_or(0);
    objects.nearest(collection, &somewhere(filter), missing).await?;
    spelled.retain(|person| matches(filter, person));
    let people = if exact.is_empty() { spelled } else { exact };
    one_of(objects, collection, people, mail).await
}

/// The filter, and that every value in it is one of the same person's. `mail eq "mine" or (mail eq "yours" and sn eq "Smith")` would
/// find me or several, and by the mail that does or does not come I would learn your name; with this it finds nobody, whoever you are. A
/// value that is offered for several properties (`userName eq "x" or mail eq "x"`) has to be one of them.
fn all_of_one(filter: &Filter) -> Filter {
    if matches!(filter, Filter::Compare { .. }) {
        return filter.clone();
    }
    let mut values: Vec<(String, Vec<Filter>)> = Vec::new();
    gather(filter, &mut values);
    let alternatives = values.into_iter().map(|(_, comparisons)| Filter::Or(comparisons));
    Filter::And(std::iter::once(filter.clone()).chain(alternatives).collect())
}

fn gather(filter: &Filter, values: &mut Vec<(String, Vec<Filter>)>) {
    match filter {
        Filter::And(parts) | Filter::Or(parts) => parts.iter().for_each(|part| gather(part, values)),
        Filter::Compare { value, .. } => {
            let form = form_of(value);
            match values.iter_mut().find(|(known, _)| *known == form) {
                Some((_, comparisons)) => comparisons.push(filter.clone()),
                None => values.push((form, vec![filter.clone()])),
            }
        }
        _ => {}
    }
}

/// Equal texts for values that people are found by alike: spellings of one name, and one number however it is written.
#[must_use]
pub fn form_of(value: &Value) -> String {
    match value {
        Value::Number(number) if !number.is_i64() && !number.is_u64() => {
            number.as_f64().map_or_else(String::new, |float| format!("{}", float + 0.0))
        }
        Value::String(text) => names::form(text).map_or_else(|| value.to_string(), |form| Value::from(form.as_str()).to_string()),
        other => other.to_string(),
    }
}

/// The only one of several whose address counts most: confirmed before unknown, unknown before given by somebody who confirmed nothing.
async fn one_of(objects: &dyn Objects, collection: &str, mut people: Vec<Resource>, mail: &Pointer) -> Result<Found, ObjectsError> {
    if people.len() < 2 {
        return Ok(Found { person: people.pop(), ambiguous: Vec::new() });
    }
    let mut ranks = Vec::new();
    for person in &people {
        let address = mail.get(&person.content).and_then(Value::as_str).and_then(address_form);
        ranks.push(Confirmation::rank(objects.confirmation(collection, &person.id).await?.as_ref(), address.as_deref()));
    }
    Ok(match first_of(&ranks) {
        Some(place) => Found { person: Some(people.swap_remove(place)), ambiguous: Vec::new() },
        None => Found { person: None, ambiguous: people.into_iter().map(|person| person.id).collect() },
    })
}

/// The place of the only one with the highest rank.
#[must_use]
pub fn first_of(ranks: &[u8]) -> Option<usize> {
    let best = ranks.iter().max()?;
    let mut places = ranks.iter().enumerate().filter(|(_, rank)| *rank == best).map(|(place, _)| place);
    let first = places.next();
    first.filter(|_| places.next().is_none())
}

/// The ids of those a filter may mean in other spellings; empty where they are too many to be told apart.
async fn candidates(objects: &dyn Objects, collection: &str, filter: &Filter) -> Result<BTreeSet<String>, ObjectsError> {
    let mut leaves = Vec::new();
    collect(filter, &mut leaves);
    let mut found = Vec::with_capacity(leaves.len());
    for (pointer, value) in leaves {
        let form = value.as_str().and_then(names::form);
        let ids = match form {
            Some(_) if is_id(pointer) => value.as_str().map(|id| BTreeSet::from([id.to_owned()])),
            Some(form) => Some(objects.spelled(collection, pointer, &form, MOST + 1).await?.into_iter().collect::<BTreeSet<_>>()),
            None => None,
        };
        found.push(Leaf { pointer, value, ids });
    }
    let all = together(filter, &found).unwrap_or_default();
    Ok(if all.len() > MOST as usize { BTreeSet::new() } else { all })
}

/// A comparison and those for whom it may hold; `None` is everybody.
struct Leaf<'f> {
    pointer: &'f Pointer,
    value: &'f Value,
    ids: Option<BTreeSet<String>>,
}

fn is_id(pointer: &Pointer) -> bool {
    matches!(pointer.tokens(), [name] if name == "_id")
}

/// Each comparison once, whatever it is repeated for.
fn collect<'f>(filter: &'f Filter, into: &mut Vec<(&'f Pointer, &'f Value)>) {
    match filter {
        Filter::And(parts) | Filter::Or(parts) => parts.iter().for_each(|part| collect(part, into)),
        Filter::Compare { pointer, comparison: Comparison::Equals, value } if !into.contains(&(pointer, value)) => {
            into.push((pointer, value));
        }
        _ => {}
    }
}

/// Joins what was found for the comparisons; `None` is everybody.
fn together(filter: &Filter, leaves: &[Leaf<'_>]) -> Option<BTreeSet<String>> {
    match filter {
        Filter::And(parts) => {
            // What more than MOST have is cut: it narrows nothing down.
            let narrow = parts.iter().filter_map(|part| together(part, leaves)).filter(|ids| ids.len() <= MOST as usize);
            narrow.reduce(|left, right| left.intersection(&right).cloned().collect())
        }
        Filter::Or(parts) => parts.iter().try_fold(BTreeSet::new(), |mut all, part| {
            all.extend(together(part, leaves)?);
            Some(all)
        }),
        Filter::Compare { pointer, comparison: Comparison::Equals, value } => {
            leaves.iter().find(|leaf| (leaf.pointer, leaf.value) == (pointer, value))?.ids.clone()
        }
        // Nothing is looked up for it. Beside an equality, whoever has that is looked at.
        _ => None,
    }
}

/// Whether a person is the one that a filter means, in any spelling.
#[must_use]
pub fn matches(filter: &Filter, person: &Resource) -> bool {
    match filter {
        Filter::And(parts) => parts.iter().all(|part| matches(part, person)),
        Filter::Or(parts) => parts.iter().any(|part| matches(part, person)),
        Filter::Compare { pointer, comparison: Comparison::Equals, value } if is_id(pointer) => value.as_str() == Some(&person.id),
        Filter::Compare { pointer, comparison: Comparison::Equals, value } => {
            filter.matches(&person.content) || same(value, pointer.get(&person.content))
        }
        other => other.matches(&person.content),
    }
}

/// Whether two names are spellings of one.
fn same(wanted: &Value, stored: Option<&Value>) -> bool {
    let form = |value: &Value| value.as_str().and_then(names::form);
    match (form(wanted), stored.and_then(form)) {
        (Some(wanted), Some(stored)) => wanted.as_str() == stored.as_str(),
        _ => false,
    }
}

/// The canonical form of an address, as [`Confirmation::address`] has it.
#[must_use]
pub fn address_form(address: &str) -> Option<String> {
    names::form(address).map(|form| form.as_str().to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::fixtures::now;
    use crate::ports::MemoryObjects;

    const PEOPLE: &str = "managed/user";

    fn found(objects: &MemoryObjects, filter: &str) -> (Option<String>, usize) {
        let (filter, mail) = (Filter::parse(filter).unwrap(), Pointer::from_tokens(["mail"]));
        let found = now(person(objects, PEOPLE, &filter, &mail)).unwrap();
        (found.person.map(|person| person.id), found.ambiguous.len())
    }

    #[test]
    fn an_exact_match_wins_and_an_only_spelling_is_found() {
        let objects = MemoryObjects::new();
        objects.put(PEOPLE, "1", json!({ "userName": "Ann", "mail": "Joshua.Stanley@example.test", "sn": "Stanley" }));
        objects.put(PEOPLE, "2", json!({ "userName": "bob", "mail": "bob@example.test", "sn": "Stanley" }));
        objects.put(PEOPLE, "3", json!({ "userName": "BOB", "mail": "third@example.test", "sn": "Stanley" }));
        for (filter, id, several) in [
            ("userName eq 'ann'", Some("1"), 0),
            ("mail eq 'joshua.stanley@EXAMPLE.test'", Some("1"), 0),
            ("userName eq 'joshua.stanley@example.test' or mail eq 'joshua.stanley@example.test'", Some("1"), 0),
            ("userName eq 'ann' and sn eq 'STANLEY'", Some("1"), 0),
            ("userName eq 'ann' and sn eq 'smith'", None, 0),
            ("userName eq 'bob'", Some("2"), 0),
            ("userName eq 'BOB'", Some("3"), 0),
            ("userName eq 'Bob'", None, 2),
            ("sn eq 'Stanley'", None, 3),
            ("userName eq 'nobody'", None, 0),
            ("_id eq '2' and userName eq 'BOB'", Some("2"), 0),
            ("userName eq 5", None, 0),
        ] {
            assert_eq!(found(&objects, filter), (id.map(str::to_owned), several), "{filter}");
        }
    }

    /// Decision 27: what else is in the store changes nothing about whom a filter with a stranger's values names.
    #[test]
    fn sec_01_alternatives_about_different_people_name_nobody() {
        let me = json!({ "userName": "me", "mail": "me@example.test", "sn": "Smith", "givenName": "Bob", "number": 5 });
        let you = json!({ "userName": "you", "mail": "you@example.test", "sn": "Smith", "givenName": "Bob" });
        let (alone, both) = (MemoryObjects::new(), MemoryObjects::new());
        for (objects, people) in [(&alone, &[("1", &me)][..]), (&both, &[("1", &me), ("2", &you)])] {
            for (id, person) in people {
                objects.put(PEOPLE, id, (*person).clone());
            }
        }
        for filter in [
            "mail eq 'me@example.test' or mail eq 'you@example.test'",
            "mail eq 'you@example.test' or mail eq 'ME@example.test'",
            "mail eq 'me@example.test' or (mail eq 'you@example.test' and sn eq 'Smith')",
            "mail eq 'me@example.test' or (mail eq 'you@example.test' and (sn eq 'Smith' or sn eq 'Jones'))",
            "(mail eq 'me@example.test' or userName eq 'you') and sn eq 'Smith'",
            "userName eq 'me' or (userName eq 'me' and mail eq 'you@example.test')",
            "mail eq 'me@example.test' or number eq 6",
        ] {
            for objects in [&alone, &both] {
                assert_eq!(found(objects, filter), (None, 0), "{filter}");
            }
        }
        // Whoever has the same names as somebody else is still the one whose address it is.
        for filter in [
            "mail eq 'me@example.test'",
            "mail eq 'me@example.test' or (sn eq 'Smith' and givenName eq 'Bob')",
            "userName eq 'ME' or mail eq 'me' or sn eq 'smith'",
            "number eq 5 or number eq 5.0",
        ] {
            for objects in [&alone, &both] {
                assert_eq!(found(objects, filter), (Some("1".into()), 0), "{filter}");
            }
        }
    }

    #[test]
    fn a_filter_of_the_operator_finds_another_spelling_and_stays_as_it_is_written() {
        let objects = MemoryObjects::new();
        objects.put(PEOPLE, "1", json!({ "userName": "ann", "mail": "Ann@x.example", "accountStatus": "active" }));
        objects.put(PEOPLE, "2", json!({ "userName": "bob", "mail": "bob@x.example", "accountStatus": "inactive" }));
        for (filter, id) in [
            ("mail eq 'ann@x.example'", Some("1")),
            ("mail eq 'ann@x.example' or userName eq 'nobody'", Some("1")),
            ("mail eq 'ann@x.example' and accountStatus eq 'active'", Some("1")),
            ("mail eq 'ann@x.example' and !(accountStatus eq 'inactive')", Some("1")),
            ("mail eq 'ann@x.example' and userName pr", Some("1")),
            ("mail eq 'Bob@x.example' and !(accountStatus eq 'inactive')", None),
            ("mail eq 'Bob@x.example' or userName sw 'nobody'", None),
            ("mail eq 'ann@x.example' or mail eq 'bob@x.example'", Some("2")),
            ("mail eq 'ann@y.example'", None),
        ] {
            let (parsed, mail) = (Filter::parse(filter).unwrap(), Pointer::from_tokens(["mail"]));
            let found = now(meant(&objects, PEOPLE, &parsed, &mail)).unwrap();
            assert_eq!(found.person.map(|person| person.id), id.map(str::to_owned), "{filter}");
        }
    }

    #[test]
    fn what_many_have_narrows_nothing_down() {
        let objects = MemoryObjects::new();
        for number in 0..40 {
            objects.put(PEOPLE, &number.to_string(), json!({ "userName": format!("Name{number}"), "sn": "Smith" }));
        }
        assert_eq!(found(&objects, "sn eq 'smith' and userName eq 'name7'"), (Some("7".into()), 0));
        assert_eq!(found(&objects, "userName eq 'name7' or sn eq 'smith'"), (Some("7".into()), 0));
        assert_eq!(found(&objects, "sn eq 'smith'"), (None, 0));
    }
}
