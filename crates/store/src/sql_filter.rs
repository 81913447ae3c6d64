//! A query filter as SQL.
//!
//! Easiest to break: the meaning is that of [`Filter::matches`], to the letter: no third truth value, types must match, an array
//! matches if one of its elements does. What SQL would read otherwise is left out, and then the objects found are too many, never too
//! few; [`Condition::exact`] says whether they still have to be checked in memory.

mod probe;

use crest::{Comparison, Filter, Pointer};
use serde_json::{Number, Value};

pub(crate) use probe::probes;

use crate::engine::{Dialect, Member};
use crate::lookups::term;
use crate::rows;
use crate::sql::{Bound, Values, join};

/// More comparisons than this are evaluated in memory: the statement would grow beyond what the engine takes.
const MAX_COMPARISONS: usize = 1024;
/// Whole numbers up to here are the same in every representation.
const SAFE_INTEGER: i64 = 1 << 53;

/// A condition on a row of `managed_object`.
#[derive(Debug)]
pub(crate) struct Condition {
    pub(crate) sql: String,
    /// Whether it holds for exactly the objects that match. Otherwise it holds for these and others.
    pub(crate) exact: bool,
}

/// Translates a filter, binding its values.
pub(crate) fn condition(filter: &Filter, values: &mut Values) -> Condition {
    let everything = Condition { sql: "TRUE".into(), exact: false };
    if comparisons(filter) > MAX_COMPARISONS {
        return everything;
    }
    translate(filter, values, 64).unwrap_or(everything)
}

fn comparisons(filter: &Filter) -> usize {
    let mut open = vec![filter];
    let mut count: usize = 0;
    while let Some(filter) = open.pop() {
        count += 1;
        match filter {
            Filter::And(parts) | Filter::Or(parts) => open.extend(parts),
            Filter::Not(inner) => open.push(inner),
            // Texts of a list are bound as one value, numbers one by one.
            Filter::Compare { value: Value::Array(list), .. } => count += list.iter().filter(|value| value.is_number()).count(),
            _ => {}
        }
    }
    count
}

fn translate(filter: &Filter, values: &mut Values, depth: usize) -> Option<Condition> {
    let depth = depth.checked_sub(1)?;
    let exact = |sql: String| Some(Condition { sql, exact: true });
    match filter {
        Filter::True => exact("TRUE".into()),
        Filter::False => exact("FALSE".into()),
        Filter::And(parts) => {
            let found: Vec<_> = parts.iter().map(|part| translate(part, values, depth)).collect();
            let exact = found.iter().all(|part| part.as_ref().is_some_and(|part| part.exact));
            let parts: Vec<_> = found.into_iter().flatten().map(|part| part.sql).collect();
            Some(Condition { sql: join(&parts, "AND", "TRUE"), exact })
        }
        Filter::Or(parts) => {
            let parts: Vec<_> = parts.iter().map(|part| translate(part, values, depth)).collect::<Option<_>>()?;
            let exact = parts.iter().all(|part| part.exact);
            let parts: Vec<_> = parts.into_iter().map(|part| part.sql).collect();
            Some(Condition { sql: join(&parts, "OR", "FALSE"), exact })
        }
        Filter::Not(inner) => {
            let inner = translate(inner, values, depth).filter(|inner| inner.exact)?;
            exact(format!("({}) IS NOT TRUE", inner.sql))
        }
        Filter::Present(pointer) => match place(pointer, values)? {
            Place::Id | Place::Revision => exact("TRUE".into()),
            Place::Nowhere => exact("FALSE".into()),
            Place::Member(member) => exact(format!("{} IS NOT NULL", member.order)),
        },
        Filter::Compare { pointer, comparison, value } => exact(compare(pointer, *comparison, value, values)?),
    }
}

/// Whether a property's label may stand in SQL text.
fn is_plain_label(label: &str) -> bool {
    !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Where the value of a pointer is, as SQL.
pub(crate) enum Place {
    Id,
    Revision,
    /// No object has such a place.
    Nowhere,
    Member(Member),
}

/// `None` for a place that SQL cannot name.
pub(crate) fn place(pointer: &Pointer, values: &mut Values) -> Option<Place> {
    match pointer.tokens() {
        [] => None,
        [name] if name == "_id" => Some(Place::Id),
        [name] if name == "_rev" => Some(Place::Revision),
        [name, ..] if name == "_id" || name == "_rev" => Some(Place::Nowhere),
        [label] if is_plain_label(label) => Some(Place::Member(values.dialect().member(label))),
        // In a list it means that of any element.
        [_, inside, ..] if inside.starts_with("_ref") => None,
        tokens => values.dialect().deep(tokens, |text| values.text(text)).map(Place::Member),
    }
}

fn compare(pointer: &Pointer, comparison: Comparison, wanted: &Value, values: &mut Values) -> Option<String> {
    match place(pointer, values)? {
        Place::Nowhere => Some("FALSE".into()),
        Place::Id => {
            let test = Test::new(comparison, wanted, values)?;
            Some(test.texts.map_or_else(|| "FALSE".into(), |texts| texts.on("id", values.dialect())))
        }
        Place::Revision => revision(comparison, wanted, values),
        Place::Member(member) => {
            let dialect = values.dialect();
            let test = Test::new(comparison, wanted, values)?;
            let Some(scalar) = test.on(&member, dialect) else { return Some("FALSE".into()) };
            let element = test.on(&dialect.element(), dialect).unwrap_or_else(|| "FALSE".into());
            let Member { kind, elements, .. } = member;
            Some(format!("({scalar} OR ({kind} = 'array' AND EXISTS (SELECT 1 FROM {elements} WHERE {element})))"))
        }
    }
}

/// Revisions are numbers in the table and text outside; only equality means the same for both.
fn revision(comparison: Comparison, wanted: &Value, values: &mut Values) -> Option<String> {
    let wanted: Vec<&Value> = match (comparison, wanted) {
        (Comparison::Equals, one) => vec![one],
        (Comparison::In, Value::Array(list)) => list.iter().collect(),
        (Comparison::In, _) => Vec::new(),
        _ => return None,
    };
    let numbers = wanted.into_iter().filter_map(|wanted| rows::revision_number(wanted.as_str()?));
    let parts: Vec<_> = numbers.map(|number| format!("rev = {}", values.bind(Bound::Integer(number)))).collect();
    Some(join(&parts, "OR", "FALSE"))
}

/// What a single value must satisfy, apart from where it stands.
#[derive(Default)]
struct Test {
    texts: Option<AllOf>,
    numbers: Option<AllOf>,
    booleans: Vec<bool>,
}

/// What must hold of a value that has the right type: all of these.
struct AllOf(Vec<Hole>);

/// A condition with a hole for the value.
enum Hole {
    /// `value …`, an operator and its operand.
    After(String),
    /// A bound text that the value contains.
    Contains(String),
}

impl AllOf {
    fn operator(operator: &str, placeholder: &str) -> Self {
        Self(vec![Hole::After(format!("{operator} {placeholder}"))])
    }

    fn on(&self, value: &str, dialect: Dialect) -> String {
        let part = |hole: &Hole| match hole {
            Hole::After(rest) => format!("{value} {rest}"),
            Hole::Contains(placeholder) => dialect.contains(value, placeholder),
        };
        join(&self.0.iter().map(part).collect::<Vec<_>>(), "AND", "TRUE")
    }
}

impl Test {
    /// `None` when a number is beyond what compares the same everywhere.
    fn new(comparison: Comparison, wanted: &Value, values: &mut Values) -> Option<Self> {
        let mut test = Self::default();
        match (comparison, wanted) {
            (Comparison::In, Value::Array(list)) => {
                let texts: Vec<&Value> = list.iter().filter(|value| value.as_str().is_some_and(storable)).collect();
                let numbers: Vec<&Number> = list.iter().filter_map(Value::as_number).collect();
                if !texts.is_empty() {
                    let placeholder = values.text(serde_json::to_string(&texts).ok()?);
                    test.texts = Some(AllOf(vec![Hole::After(format!("IN ({})", values.dialect().list(&placeholder)))]));
                }
                if !numbers.is_empty() {
                    let numbers: Vec<String> = numbers.into_iter().map(|number| comparable(number, values)).collect::<Option<_>>()?;
                    test.numbers = Some(AllOf(vec![Hole::After(format!("IN ({})", numbers.join(", ")))]));
                }
                test.booleans = list.iter().filter_map(Value::as_bool).collect();
            }
            (Comparison::Equals, Value::Bool(wanted)) => test.booleans.push(*wanted),
            (Comparison::Equals | Comparison::Contains | Comparison::StartsWith, Value::String(wanted)) if !storable(wanted) => {}
            (Comparison::Contains, Value::String(wanted)) if wanted.is_empty() => test.texts = Some(AllOf(Vec::new())),
            (Comparison::Contains, Value::String(wanted)) => test.texts = Some(AllOf(vec![Hole::Contains(values.text(wanted.as_str()))])),
            (Comparison::StartsWith, Value::String(wanted)) => test.texts = Some(starts_with(wanted, values)),
            (comparison, Value::String(wanted)) => {
                test.texts = operator(comparison).map(|operator| AllOf::operator(operator, &values.text(wanted.as_str())));
            }
            (comparison, Value::Number(number)) => {
                if let Some(operator) = operator(comparison) {
                    test.numbers = Some(AllOf::operator(operator, &comparable(number, values)?));
                }
            }
            _ => {}
        }
        Some(test)
    }

    /// The condition on a value and its type; `None` when nothing satisfies it.
    fn on(&self, member: &Member, dialect: Dialect) -> Option<String> {
        let kind = &member.kind;
        let mut parts = Vec::new();
        if let Some(texts) = &self.texts {
            parts.push(format!("({kind} {} AND {})", dialect.text_kind(), texts.on(&member.text, dialect)));
        }
        if let Some(numbers) = &self.numbers {
            parts.push(format!("({kind} {} AND {})", dialect.number_kind(), numbers.on(&member.number, dialect)));
        }
        for boolean in [true, false] {
            if self.booleans.contains(&boolean) {
                parts.push(dialect.is_boolean(member, boolean));
            }
        }
        (!parts.is_empty()).then(|| join(&parts, "OR", "FALSE"))
    }
}

fn operator(comparison: Comparison) -> Option<&'static str> {
    match comparison {
        Comparison::Equals => Some("="),
        Comparison::LessThan => Some("<"),
        Comparison::LessOrEqual => Some("<="),
        Comparison::GreaterThan => Some(">"),
        Comparison::GreaterOrEqual => Some(">="),
        Comparison::Contains | Comparison::StartsWith | Comparison::In => None,
    }
}

/// Text begins with another exactly when it lies between that and the next text that does not: a range of the index.
fn starts_with(prefix: &str, values: &mut Values) -> AllOf {
    let mut holes = Vec::new();
    if !prefix.is_empty() {
        holes.push(Hole::After(format!(">= {}", values.text(prefix))));
    }
    if let Some(end) = after_prefix(prefix) {
        holes.push(Hole::After(format!("< {}", values.text(end))));
    }
    AllOf(holes)
}

/// The first text, by code points, behind all that begin with `prefix`; `None` when there is none.
fn after_prefix(prefix: &str) -> Option<String> {
    let mut characters: Vec<char> = prefix.chars().collect();
    while let Some(last) = characters.pop() {
        // 0xD800 to 0xDFFF are no characters.
        let next = if last == '\u{d7ff}' { Some('\u{e000}') } else { char::from_u32(u32::from(last) + 1) };
        if let Some(next) = next {
            characters.push(next);
            return Some(characters.into_iter().collect());
        }
    }
    None
}

/// Stored text holds no NUL, so nothing equals text that does.
fn storable(text: &str) -> bool {
    !text.contains('\0')
}

/// The placeholder of a bound number, where it compares in SQL as it does in memory.
fn comparable(number: &Number, values: &mut Values) -> Option<String> {
    let safe = safe(number)?;
    Some(match values.dialect() {
        Dialect::Sqlite => values.bind(safe),
        Dialect::Postgres => values.text(term::numeric(number)),
    })
}

/// A number, where it compares in SQL as it does in memory.
fn safe(number: &Number) -> Option<Bound> {
    if let Some(whole) = number.as_i64() {
        return (whole.unsigned_abs() <= SAFE_INTEGER.unsigned_abs()).then_some(Bound::Integer(whole));
    }
    #[expect(clippy::cast_precision_loss, reason = "2^53 is a float")]
    let bound = SAFE_INTEGER as f64;
    number.as_f64().filter(|real| number.is_f64() && real.abs() < bound).map(Bound::Real)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_prefix_range_excludes_nothing_that_begins_with_it() {
        assert_eq!(after_prefix("ab").as_deref(), Some("ac"));
        assert_eq!(after_prefix("a\u{10ffff}").as_deref(), Some("b"));
        assert_eq!(after_prefix("\u{d7ff}").as_deref(), Some("\u{e000}"));
        assert_eq!(after_prefix("\u{10ffff}"), None);
        assert_eq!(after_prefix(""), None);
    }

    #[test]
    fn what_cannot_be_translated_widens_the_condition_and_never_narrows_it() {
        let translate = |text: &str| condition(&Filter::parse(text).unwrap(), &mut Values::default());
        let wide = translate("a/0 eq 1 and b eq 2");
        assert!(!wide.exact && wide.sql.contains("'b'") && !wide.sql.contains("'a'"));
        for text in ["a/0 eq 1 or b eq 2", "!(a/0 eq 1)", "a eq 9007199254740993"] {
            let everything = translate(text);
            assert_eq!((everything.sql.as_str(), everything.exact), ("TRUE", false), "{text}");
        }
    }

    #[test]
    fn values_never_meet_the_text() {
        let filter = Filter::equals("userName", "' OR 1=1 --").or(Filter::equals("x'); DROP TABLE spent; --", "y"));
        let condition = condition(&filter, &mut Values::default());
        assert!(!condition.sql.contains("1=1") && !condition.sql.contains("DROP"), "{}", condition.sql);
    }
}
