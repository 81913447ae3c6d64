//! From a JSON pointer to an offset in the text, and from an offset to line and column.

use std::ops::Range;

use jsonc_parser::ast::Value as Ast;
use jsonc_parser::common::Ranged as _;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};
use toml::de::{DeTable, DeValue};

use super::comments::without_comments;
use super::{Position, Syntax};

/// Brackets nested deeper than this are not searched: the parser with positions is recursive, and the plain one refuses them anyway.
const MAX_DEPTH: usize = 128;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    Key,
    Value,
}

/// Line and column of a byte offset; offsets past the end mean the end.
pub(super) fn position(text: &str, offset: usize) -> Position {
    let mut end = offset.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let before = text.get(..end).unwrap_or(text);
    let line = before.rsplit('\n').next().unwrap_or_default();
    Position { line: before.matches('\n').count() + 1, column: line.chars().count() + 1 }
}

pub(super) fn offset(text: &str, syntax: Syntax, pointer: &str, target: Target) -> Option<usize> {
    let tokens = tokens(pointer);
    match syntax {
        Syntax::Json => {
            let text = without_comments(text);
            if nests_too_deep(&text) {
                return None;
            }
            let parsed = parse_to_ast(first_value(&text), &CollectOptions::default(), &ParseOptions::default()).ok()?;
            Some(json(&parsed.value?, &tokens, target))
        }
        Syntax::Toml => Some(toml(DeTable::parse(text).ok()?.get_ref(), &tokens, target)),
    }
}

/// The text up to the end of its first value; nobody reads what follows.
fn first_value(text: &str) -> &str {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<serde::de::IgnoredAny>();
    values.next().map_or(text, |_| text.get(..values.byte_offset()).unwrap_or(text))
}

fn nests_too_deep(text: &str) -> bool {
    let mut depth = 0usize;
    let mut in_text = false;
    let mut escaped = false;
    text.bytes().any(|byte| {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b'{' | b'[' if !in_text => depth += 1,
            b'}' | b']' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth > MAX_DEPTH
    })
}

fn json(root: &Ast<'_>, tokens: &[String], target: Target) -> usize {
    let mut at = root;
    let mut found = root.range().start;
    for token in tokens {
        let next = match at {
            // The last of two equal keys is the one that counts.
            Ast::Object(object) => object.properties.iter().rev().find(|property| property.name.as_str() == token).map(|property| {
                let start = if target == Target::Key { property.range.start } else { property.value.range().start };
                (&property.value, start)
            }),
            Ast::Array(array) => {
                token.parse::<usize>().ok().and_then(|index| array.elements.get(index)).map(|value| (value, value.range().start))
            }
            _ => None,
        };
        let Some((value, start)) = next else { break };
        (at, found) = (value, start);
    }
    found
}

/// The last member of a name in the object that `tokens` lead to, and the one before it where there is one.
fn members<'a, 'v>(root: &'a Ast<'v>, tokens: &[String]) -> Option<Vec<&'a jsonc_parser::ast::ObjectProp<'v>>> {
    let (last, parents) = tokens.split_last()?;
    let mut at = root;
    for token in parents {
        at = match at {
            Ast::Object(object) => &object.properties.iter().rev().find(|property| property.name.as_str() == token)?.value,
            Ast::Array(array) => array.elements.get(token.parse::<usize>().ok()?)?,
            _ => return None,
        };
    }
    let Ast::Object(object) = at else { return None };
    Some(object.properties.iter().filter(|property| property.name.as_str() == last).collect())
}

/// Where each member of a name stands in a JSON text, from key to the end of the value, in the order of the text.
pub(super) fn member_ranges(text: &str, pointer: &str) -> Vec<Member> {
    let tokens = tokens(pointer);
    let plain = without_comments(text);
    if nests_too_deep(&plain) {
        return Vec::new();
    }
    let Ok(parsed) = parse_to_ast(first_value(&plain), &CollectOptions::default(), &ParseOptions::default()) else { return Vec::new() };
    let found = parsed.value.as_ref().and_then(|root| members(root, &tokens)).unwrap_or_default();
    let member = |property: &jsonc_parser::ast::ObjectProp<'_>| Member {
        key: property.name.range().start..property.name.range().end,
        value: property.value.range().start..property.value.range().end,
    };
    found.into_iter().map(member).collect()
}

/// Where the parts of a member stand.
pub(super) struct Member {
    pub(super) key: Range<usize>,
    pub(super) value: Range<usize>,
}

fn tokens(pointer: &str) -> Vec<String> {
    pointer.split('/').skip(1).map(|token| token.replace("~1", "/").replace("~0", "~")).collect()
}

fn toml(root: &DeTable<'_>, tokens: &[String], target: Target) -> usize {
    let mut found = 0;
    let mut table = Some(root);
    let mut array = None;
    for token in tokens {
        let next = match (table, array) {
            (Some(table), _) => table.iter().find(|(key, _)| key.get_ref() == token).map(|(key, value)| {
                let start = if target == Target::Key { key.span().start } else { value.span().start };
                (value.get_ref(), start)
            }),
            (None, Some(items)) => {
                let items: &toml::de::DeArray<'_> = items;
                token.parse::<usize>().ok().and_then(|index| items.get(index)).map(|value| (value.get_ref(), value.span().start))
            }
            (None, None) => None,
        };
        let Some((value, start)) = next else { break };
        found = start;
        table = if let DeValue::Table(inner) = value { Some(inner) } else { None };
        array = if let DeValue::Array(inner) = value { Some(inner) } else { None };
    }
    found
}
