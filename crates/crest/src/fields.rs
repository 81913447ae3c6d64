//! The selection of an answer's members by `_fields`.
//!
//! Easiest to get wrong: a nested pointer is *flattened*. `preferences/updates` answers `{"updates": true}`, as the older generation
//! does (measured). Only inside relationships, which the server expands before it selects, the way is kept: `manager/sn` answers
//! `{"manager": {"_ref": …, "sn": …}}`.

use std::collections::HashSet;

use serde_json::{Map, Value};

use crate::error::ResourceError;
use crate::pointer::Pointer;

/// Longest `_fields` that is read, in bytes, and most fields in all (SEC-52).
const MAX_LENGTH: usize = 16 * 1024;
const MAX_FIELDS: usize = 1000;
/// The members that every answer begins with.
const IDENTITY: [&str; 2] = ["_id", "_rev"];

/// Which members an answer has.
///
/// ```
/// # use vestibule_crest as crest;
/// use crest::Fields;
/// use serde_json::json;
///
/// let fields = Fields::parse("userName,preferences/updates")?;
/// let user = json!({"_id": "1", "_rev": "0", "mail": "a@b.test", "userName": "a", "preferences": {"updates": true}});
/// assert_eq!(fields.select(&user), json!({"_id": "1", "_rev": "0", "userName": "a", "updates": true}));
/// assert_eq!(Fields::parse("*,idps/*,_meta/createDate")?.expansions().collect::<Vec<_>>(), ["idps", "_meta"]);
/// # Ok::<(), crest::ResourceError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields {
    /// None means all default fields.
    fields: Vec<Field>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Field {
    /// `*`: the default fields.
    Defaults,
    /// `*_ref`: the relationships. `expand` when it was written `*_ref/*`.
    Relationships { expand: bool },
    /// `*_ref/_id`, `*_ref/*/name`: this of what every relationship leads to.
    OfRelationships(Pointer),
    /// A pointer, whole. `expand` when it was written with `/*` at its end.
    Pointer { pointer: Pointer, expand: bool },
}

impl Fields {
    /// All default fields: what an answer has without `_fields`.
    #[must_use]
    pub const fn all() -> Self {
        Self { fields: Vec::new() }
    }

    /// Reads one `_fields` parameter: a comma list of pointers, `*` (all default fields), `*_ref` (all
    /// relationships, `*_ref/*` with what they lead to, `*_ref/b` with this of it), `a/*`, `a/b` and `a/*/b`.
    /// Empty places in the list say nothing; an empty list means all.
    ///
    /// # Errors
    /// 400 when an element is no pointer or the list is too long.
    pub fn parse(text: &str) -> Result<Self, ResourceError> {
        Self::parse_many([text])
    }

    /// Reads a repeated `_fields` parameter as one list.
    ///
    /// # Errors
    /// As [`Fields::parse`].
    pub fn parse_many<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Self, ResourceError> {
        let mut fields = Vec::new();
        let mut seen = HashSet::new();
        let mut length = 0;
        for text in texts {
            length += text.len();
            if length > MAX_LENGTH {
                return Err(too_many());
            }
            for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
                let field = Field::parse(part)?;
                if seen.insert(field.clone()) {
                    fields.push(field);
                }
            }
        }
        if fields.len() > MAX_FIELDS { Err(too_many()) } else { Ok(Self { fields }) }
    }

    /// Whether nothing but the default fields is asked for.
    #[must_use]
    pub fn is_all(&self) -> bool {
        self.fields.iter().all(|field| *field == Field::Defaults)
    }

    /// The members of `object` that are asked for, `_id` and `_rev` always, and in front. What is absent is left out.
    ///
    /// A relationship is recognised by its `_ref`; the server has put it into `object` before, expanded. Within one, the members whose
    /// names begin with `_ref`, and its `_id` and `_rev`, always stay.
    #[must_use]
    pub fn select(&self, object: &Value) -> Value {
        let Value::Object(members) = object else { return object.clone() };
        let mut selected = Map::new();
        for name in IDENTITY {
            if let Some(value) = members.get(name) {
                selected.insert(name.to_owned(), value.clone());
            }
        }
        if self.fields.is_empty() {
            selected.extend(members.iter().map(|(name, value)| (name.clone(), value.clone())));
        }
        for field in &self.fields {
            match field {
                Field::Defaults => {
                    let partly = |name: &str, value: &Value| is_relationship(value) && self.asks_for_part_of(name);
                    for (name, value) in members.iter().filter(|(name, value)| !partly(name, value)) {
                        selected.insert(name.clone(), value.clone());
                    }
                }
                Field::Relationships { .. } => {
                    for (name, value) in members.iter().filter(|(_, value)| is_relationship(value)) {
                        selected.insert(name.clone(), value.clone());
                    }
                }
                Field::OfRelationships(inside) => {
                    let related = members.iter().filter(|(_, value)| is_relationship(value)).map(|(name, _)| name.as_str());
                    related.for_each(|name| insert(&mut selected, object, &of(name, inside)));
                }
                Field::Pointer { pointer, .. } => insert(&mut selected, object, pointer),
            }
        }
        Value::Object(selected)
    }

    /// Whether the property `name`, or something in it, is asked for by name.
    #[must_use]
    pub fn mentions(&self, name: &str) -> bool {
        self.pointers().any(|(pointer, _)| pointer.top() == Some(name))
    }

    /// The properties of which something inside is asked for (`name/*`, `name/member`), each once. Those that are relationships are to
    /// be expanded before [`Fields::select`].
    pub fn expansions(&self) -> impl Iterator<Item = &str> {
        let mut seen = HashSet::new();
        let inside = self.pointers().filter(|(pointer, expand)| *expand || pointer.tokens().len() > 1);
        inside.filter_map(|(pointer, _)| pointer.top()).filter(move |name| seen.insert(*name))
    }

    /// Whether all relationships are asked for (`*_ref`, `*_ref/*`, `*_ref/name`).
    #[must_use]
    pub fn wants_relationships(&self) -> bool {
        self.fields.iter().any(|field| matches!(field, Field::Relationships { .. } | Field::OfRelationships(_)))
    }

    /// Whether a relationship is to be expanded: something inside of it is asked for, or of all of them.
    #[must_use]
    pub fn expands(&self, name: &str) -> bool {
        let of_all = |field: &Field| matches!(field, Field::Relationships { expand: true } | Field::OfRelationships(_));
        self.fields.iter().any(of_all) || self.expansions().any(|expanded| expanded == name)
    }

    /// The same selection with `*_ref` written out as the relationships' names, which only the schema knows.
    #[must_use]
    pub fn naming_relationships<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> Self {
        let names: Vec<&str> = names.into_iter().collect();
        let named = |made: &dyn Fn(&str) -> Pointer| -> Vec<Field> {
            names.iter().map(|name| Field::Pointer { pointer: made(name), expand: false }).collect()
        };
        let resolve = |field: &Field| match field {
            Field::Relationships { .. } => named(&|name| Pointer::from_tokens([name])),
            Field::OfRelationships(inside) => named(&|name| of(name, inside)),
            other => vec![other.clone()],
        };
        Self { fields: self.fields.iter().flat_map(resolve).collect() }
    }

    fn pointers(&self) -> impl Iterator<Item = (&Pointer, bool)> {
        self.fields.iter().filter_map(|field| match field {
            Field::Pointer { pointer, expand } => Some((pointer, *expand)),
            Field::Defaults | Field::Relationships { .. } | Field::OfRelationships(_) => None,
        })
    }

    fn asks_for_part_of(&self, name: &str) -> bool {
        self.pointers().any(|(pointer, _)| pointer.top() == Some(name) && pointer.tokens().len() > 1)
    }
}

impl Field {
    fn parse(text: &str) -> Result<Self, ResourceError> {
        let refused =
            |_| ResourceError::bad_request(format!("The value '{text}' for parameter '_fields' could not be parsed as a JSON pointer"));
        let pointer = Pointer::parse(text).map_err(refused)?;
        Ok(match pointer.tokens() {
            [] => Self::Defaults,
            [only] if only == "*" => Self::Defaults,
            [only] if only == "*_ref" => Self::Relationships { expand: false },
            [only, all] if only == "*_ref" && all == "*" => Self::Relationships { expand: true },
            [all, rest @ ..] if all == "*_ref" => Self::OfRelationships(Pointer::from_tokens(rest.iter().filter(|token| *token != "*"))),
            [parents @ .., last] if last == "*" => Self::Pointer { pointer: Pointer::from_tokens(parents), expand: true },
            // `reports/*/mail` is a member of each of a list.
            [first, rest @ ..] if rest.iter().any(|token| token == "*") => {
                let named = rest.iter().filter(|token| *token != "*");
                Self::Pointer { pointer: Pointer::from_tokens(std::iter::once(first).chain(named)), expand: false }
            }
            _ => Self::Pointer { pointer, expand: false },
        })
    }
}

/// Something inside of a relationship.
fn of(name: &str, inside: &Pointer) -> Pointer {
    Pointer::from_tokens(std::iter::once(name).chain(inside.tokens().iter().map(String::as_str)))
}

fn too_many() -> ResourceError {
    ResourceError::bad_request(format!("The parameter '_fields' is longer than {MAX_LENGTH} bytes or names more than {MAX_FIELDS} fields"))
}

/// Puts what `pointer` points to into `selected`.
fn insert(selected: &mut Map<String, Value>, object: &Value, pointer: &Pointer) {
    let (Some(top), Some(leaf)) = (pointer.top(), pointer.leaf()) else { return };
    let inside = pointer.tokens().get(1..).unwrap_or_default();
    let relationship = object.get(top).filter(|value| is_relationship(value) && !inside.is_empty());
    if let Some(relationship) = relationship {
        let place = selected.entry(top.to_owned()).or_insert_with(|| references(relationship));
        let inside = Pointer::from_tokens(inside);
        match (relationship, place) {
            (Value::Array(all), Value::Array(places)) => {
                for (one, place) in all.iter().zip(places) {
                    project(one, place, &inside);
                }
            }
            (one, place) => project(one, place, &inside),
        }
        return;
    }
    // A nested `_id` must not stand for the object's own.
    if !inside.is_empty() && IDENTITY.contains(&leaf) {
        return;
    }
    if let Some(value) = pointer.get(object) {
        selected.insert(leaf.to_owned(), value.clone());
    }
}

fn project(from: &Value, to: &mut Value, pointer: &Pointer) {
    if let Some(value) = pointer.get(from) {
        pointer.set(to, value.clone());
    }
}

fn is_relationship(value: &Value) -> bool {
    match value {
        Value::Object(members) => members.contains_key("_ref"),
        Value::Array(elements) => elements.first().is_some_and(|element| element.get("_ref").is_some()),
        _ => false,
    }
}

/// What stays of a relationship of which only a part is asked for.
fn references(value: &Value) -> Value {
    match value {
        Value::Array(elements) => elements.iter().map(references).collect(),
        Value::Object(members) => {
            let kept = members.iter().filter(|(name, _)| name.starts_with("_ref") || IDENTITY.contains(&name.as_str()));
            Value::Object(kept.map(|(name, value)| (name.clone(), value.clone())).collect())
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests;
