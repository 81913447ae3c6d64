//! The expressions that access rules are written in: a small part of JavaScript, enough for every rule that the product ships.
//!
//! `||`, `&&`, `!`, parentheses, `===`, `!==`, `==`, `!=`, `+`, texts, numbers, lists and objects of literals, members of `request` and
//! `context`, and calls by name. Everything else is left to the sandbox. The rule easiest to break: what would throw in JavaScript is
//! [`Fault`] here and refuses the rule; it is never taken for `false`, which a `!` would turn into a permission.

use serde_json::{Map, Value};

/// Deepest nesting of an expression.
const MAX_DEPTH: usize = 32;

/// An expression as it is written.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Expression {
    /// One of these.
    Any(Vec<Expression>),
    /// All of these.
    All(Vec<Expression>),
    /// Not this.
    Not(Box<Expression>),
    /// `left === right` and its kin.
    Equal { left: Box<Expression>, right: Box<Expression>, strict: bool, negated: bool },
    /// `a + b`.
    Sum(Vec<Expression>),
    /// A text, a number, `true`, `null`, or a list or object of those.
    Literal(Value),
    /// `undefined`.
    Undefined,
    /// `request.resourcePath`.
    Path(Vec<String>),
    /// `name(…)`.
    Call(String, Vec<Expression>),
}

/// Reads an expression.
///
/// # Errors
/// What does not belong to the grammar, for the operator.
pub(super) fn parse(text: &str) -> Result<Expression, String> {
    let tokens = tokens(text)?;
    let mut reader = Reader { tokens: &tokens, at: 0, depth: 0 };
    let expression = reader.any()?;
    reader.peek().map_or(Ok(expression), |token| Err(unexpected(token.shown())))
}

fn unexpected(shown: &str) -> String {
    format!("'{shown}' is not expected")
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Name(String),
    Text(String),
    Number(f64),
    Sign(&'static str),
}

impl Token {
    fn shown(&self) -> &str {
        match self {
            Self::Name(text) | Self::Text(text) => text,
            Self::Number(_) => "a number",
            Self::Sign(sign) => sign,
        }
    }
}

/// Longer signs first.
const SIGNS: [&str; 17] = ["===", "!==", "==", "!=", "&&", "||", "!", "(", ")", "[", "]", "{", "}", ",", ".", ":", "+"];

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = text.trim().trim_end_matches(';').trim_end();
    while let Some(first) = rest.chars().next() {
        let after = rest.get(first.len_utf8()..).unwrap_or_default();
        if first == '\'' || first == '"' {
            let (inside, remaining) = quoted(after, first)?;
            tokens.push(Token::Text(inside));
            rest = remaining;
        } else if first.is_ascii_digit() {
            let end = rest.find(|letter: char| !letter.is_alphanumeric() && letter != '.').unwrap_or(rest.len());
            let (number, remaining) = rest.split_at(end);
            tokens.push(Token::Number(number.parse().map_err(|_| unexpected(number))?));
            rest = remaining;
        } else if let Some(sign) = SIGNS.into_iter().find(|sign| rest.starts_with(sign)) {
            tokens.push(Token::Sign(sign));
            rest = rest.get(sign.len()..).unwrap_or_default();
        } else if first.is_alphabetic() || matches!(first, '_' | '$') {
            let end = rest.find(|letter: char| !letter.is_alphanumeric() && !matches!(letter, '_' | '$')).unwrap_or(rest.len());
            let (name, remaining) = rest.split_at(end);
            tokens.push(Token::Name(name.to_owned()));
            rest = remaining;
        } else {
            return Err(unexpected(&first.to_string()));
        }
        rest = rest.trim_start();
    }
    Ok(tokens)
}

/// A text up to its closing quote, and what follows.
fn quoted(text: &str, quote: char) -> Result<(String, &str), String> {
    let mut inside = String::new();
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\\' => match letters.next().map(|(_, escaped)| escaped) {
                Some(escaped @ ('\'' | '"' | '\\' | '/')) => inside.push(escaped),
                _ => return Err("an escape in a text is not read".to_owned()),
            },
            _ if letter == quote => return Ok((inside, text.get(at + quote.len_utf8()..).unwrap_or_default())),
            _ => inside.push(letter),
        }
    }
    Err("a text is not closed".to_owned())
}

struct Reader<'a> {
    tokens: &'a [Token],
    at: usize,
    depth: usize,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<&'a Token> {
        self.tokens.get(self.at)
    }

    fn next(&mut self) -> Result<&'a Token, String> {
        let token = self.peek().ok_or("it ends too early")?;
        self.at += 1;
        Ok(token)
    }

    fn takes(&mut self, sign: &'static str) -> bool {
        let found = self.peek() == Some(&Token::Sign(sign));
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, sign: &'static str) -> Result<(), String> {
        if self.takes(sign) { Ok(()) } else { Err(format!("'{sign}' is missing")) }
    }

    fn any(&mut self) -> Result<Expression, String> {
        let mut parts = vec![self.all()?];
        while self.takes("||") {
            parts.push(self.all()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Expression::Any(parts) })
    }

    fn all(&mut self) -> Result<Expression, String> {
        let mut parts = vec![self.equality()?];
        while self.takes("&&") {
            parts.push(self.equality()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Expression::All(parts) })
    }

    fn equality(&mut self) -> Result<Expression, String> {
        let left = self.sum()?;
        for (sign, strict, negated) in [("===", true, false), ("!==", true, true), ("==", false, false), ("!=", false, true)] {
            if self.takes(sign) {
                let right = self.sum()?;
                return Ok(Expression::Equal { left: Box::new(left), right: Box::new(right), strict, negated });
            }
        }
        Ok(left)
    }

    fn sum(&mut self) -> Result<Expression, String> {
        let mut parts = vec![self.unary()?];
        while self.takes("+") {
            parts.push(self.unary()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Expression::Sum(parts) })
    }

    fn unary(&mut self) -> Result<Expression, String> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err("it nests too deep".to_owned());
        }
        let expression = if self.takes("!") {
            Expression::Not(Box::new(self.unary()?))
        } else if self.takes("(") {
            let inner = self.any()?;
            self.expect(")")?;
            inner
        } else {
            self.primary()?
        };
        self.depth -= 1;
        Ok(expression)
    }

    fn primary(&mut self) -> Result<Expression, String> {
        Ok(match self.next()? {
            Token::Text(text) => Expression::Literal(Value::String(text.clone())),
            Token::Number(number) => Expression::Literal(Value::from(*number)),
            Token::Sign("[") => Expression::Literal(Value::Array(self.list()?)),
            Token::Sign("{") => Expression::Literal(Value::Object(self.object()?)),
            Token::Sign(sign) => return Err(unexpected(sign)),
            Token::Name(name) => match name.as_str() {
                "true" => Expression::Literal(Value::Bool(true)),
                "false" => Expression::Literal(Value::Bool(false)),
                "null" => Expression::Literal(Value::Null),
                "undefined" => Expression::Undefined,
                _ if self.takes("(") => Expression::Call(name.clone(), self.arguments()?),
                "request" | "context" => Expression::Path(self.path(name)?),
                _ => return Err(format!("'{name}' is not known")),
            },
        })
    }

    fn path(&mut self, root: &str) -> Result<Vec<String>, String> {
        let mut path = vec![root.to_owned()];
        loop {
            if self.takes(".") {
                let Token::Name(name) = self.next()? else { return Err("a name is missing after '.'".to_owned()) };
                path.push(name.clone());
            } else if self.takes("[") {
                let Token::Text(name) = self.next()? else { return Err("a text is missing after '['".to_owned()) };
                path.push(name.clone());
                self.expect("]")?;
            } else if self.peek() == Some(&Token::Sign("(")) {
                return Err("a method is called".to_owned());
            } else {
                return Ok(path);
            }
        }
    }

    fn arguments(&mut self) -> Result<Vec<Expression>, String> {
        let mut arguments = Vec::new();
        while !self.takes(")") {
            if !arguments.is_empty() {
                self.expect(",")?;
            }
            arguments.push(self.any()?);
        }
        Ok(arguments)
    }

    fn literal(&mut self) -> Result<Value, String> {
        match self.unary()? {
            Expression::Literal(value) => Ok(value),
            _ => Err("a list holds something else than literals".to_owned()),
        }
    }

    fn list(&mut self) -> Result<Vec<Value>, String> {
        let mut items = Vec::new();
        while !self.takes("]") {
            if !items.is_empty() {
                self.expect(",")?;
            }
            items.push(self.literal()?);
        }
        Ok(items)
    }

    fn object(&mut self) -> Result<Map<String, Value>, String> {
        let mut members = Map::new();
        while !self.takes("}") {
            if !members.is_empty() {
                self.expect(",")?;
            }
            let (Token::Name(key) | Token::Text(key)) = self.next()? else { return Err("a key is missing".to_owned()) };
            self.expect(":")?;
            members.insert(key.clone(), self.literal()?);
        }
        Ok(members)
    }
}

/// Something JavaScript would throw at, or that has no meaning here: the rule refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault;

/// A value made of literals and of members of `request` and `context`.
#[derive(Clone, Debug, PartialEq)]
pub struct Operand(Part);

#[derive(Clone, Debug, PartialEq)]
enum Part {
    Literal(Option<Value>),
    Path(Vec<String>),
    Sum(Vec<Part>),
}

impl Operand {
    /// The operand an expression is; nothing for one that calls or decides.
    pub(super) fn of(expression: &Expression) -> Option<Self> {
        Part::of(expression).map(Self)
    }

    /// Whether JavaScript takes the value for true.
    ///
    /// # Errors
    /// [`Fault`] where JavaScript throws.
    pub fn is_truthy(&self, scope: &Value) -> Result<bool, Fault> {
        Ok(match self.0.value(scope)? {
            None | Some(Value::Null) => false,
            Some(Value::Bool(value)) => value,
            Some(Value::String(text)) => !text.is_empty(),
            Some(Value::Number(number)) => number.as_f64().is_some_and(|number| number != 0.0),
            Some(Value::Array(_) | Value::Object(_)) => true,
        })
    }

    /// Whether two values are equal: `===`, or `==` where not `strict`. `scope` holds `request` and `context`.
    ///
    /// # Errors
    /// [`Fault`] where JavaScript throws, and for comparisons of lists and objects, which compare identities there.
    pub fn equals(&self, other: &Self, strict: bool, scope: &Value) -> Result<bool, Fault> {
        equal(self.0.value(scope)?.as_ref(), other.0.value(scope)?.as_ref(), strict)
    }
}

impl Part {
    fn of(expression: &Expression) -> Option<Self> {
        match expression {
            Expression::Literal(value) => Some(Self::Literal(Some(value.clone()))),
            Expression::Undefined => Some(Self::Literal(None)),
            Expression::Path(path) => Some(Self::Path(path.clone())),
            Expression::Sum(parts) => parts.iter().map(Self::of).collect::<Option<_>>().map(Self::Sum),
            _ => None,
        }
    }

    /// The value; `None` is `undefined`.
    fn value(&self, scope: &Value) -> Result<Option<Value>, Fault> {
        match self {
            Self::Literal(value) => Ok(value.clone()),
            Self::Path(path) => {
                let mut at = Some(scope);
                for name in path {
                    // A member of nothing throws; one of a text, a number or a list is no configuration value.
                    let Some(Value::Object(members)) = at else { return Err(Fault) };
                    at = members.get(name);
                }
                Ok(at.cloned())
            }
            Self::Sum(parts) => {
                let mut parts = parts.iter().map(|part| part.value(scope));
                let mut sum = parts.next().ok_or(Fault)??;
                for part in parts {
                    sum = Some(add(sum.as_ref(), part?.as_ref())?);
                }
                Ok(sum)
            }
        }
    }
}

fn add(left: Option<&Value>, right: Option<&Value>) -> Result<Value, Fault> {
    if let (Some(Value::Number(left)), Some(Value::Number(right))) = (left, right) {
        return Ok(Value::from(left.as_f64().ok_or(Fault)? + right.as_f64().ok_or(Fault)?));
    }
    if !matches!(left, Some(Value::String(_))) && !matches!(right, Some(Value::String(_))) {
        return Err(Fault);
    }
    Ok(Value::String(format!("{}{}", shown(left)?, shown(right)?)))
}

/// A value as `+` writes it.
fn shown(value: Option<&Value>) -> Result<String, Fault> {
    match value {
        None => Ok("undefined".to_owned()),
        Some(Value::Null) => Ok("null".to_owned()),
        Some(Value::Bool(value)) => Ok(value.to_string()),
        Some(Value::String(text)) => Ok(text.clone()),
        Some(Value::Number(number)) => {
            number.as_f64().filter(|number| number.fract() == 0.0 && number.abs() < 1e15).map(|number| format!("{number:.0}")).ok_or(Fault)
        }
        Some(Value::Array(_) | Value::Object(_)) => Err(Fault),
    }
}

fn equal(left: Option<&Value>, right: Option<&Value>, strict: bool) -> Result<bool, Fault> {
    let nothing = |value: Option<&Value>| value.is_none_or(Value::is_null);
    if nothing(left) || nothing(right) {
        return Ok(if strict { left == right } else { nothing(left) && nothing(right) });
    }
    match (left, right) {
        (Some(Value::Array(_) | Value::Object(_)), _) | (_, Some(Value::Array(_) | Value::Object(_))) => Err(Fault),
        (Some(Value::Number(left)), Some(Value::Number(right))) => Ok(left.as_f64() == right.as_f64()),
        (Some(left), Some(right)) if std::mem::discriminant(left) == std::mem::discriminant(right) => Ok(left == right),
        _ if strict => Ok(false),
        _ => Err(Fault),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn scope() -> Value {
        json!({"request": {"resourcePath": "managed/user/1", "additionalParameters": {"target": "managed/user/1"}, "content": {"n": 3}},
            "context": {"security": {"authorization": {"component": "managed/user", "id": "1"}}, "current": {}}})
    }

    fn holds(text: &str) -> Result<bool, Fault> {
        let scope = scope();
        match parse(text).unwrap() {
            Expression::Equal { left, right, strict, negated } => {
                Operand::of(&left).unwrap().equals(&Operand::of(&right).unwrap(), strict, &scope).map(|equal| equal != negated)
            }
            other => Operand::of(&other).unwrap().is_truthy(&scope),
        }
    }

    #[test]
    fn members_and_sums_compare_as_in_javascript() {
        for (text, expected) in [
            (
                "request.additionalParameters.target === (context.security.authorization.component + '/' + context.security.authorization.id)",
                Ok(true),
            ),
            ("request.resourcePath === 'selfservice/user/' + context.security.authorization.id", Ok(false)),
            ("request.additionalParameters.commandId === 'delete-mapping-links'", Ok(false)),
            ("request['resourcePath'] !== \"managed/user/1\"", Ok(false)),
            ("request.content.n === 3", Ok(true)),
            ("request.content.n === '3'", Ok(false)),
            ("request.content.n == '3'", Err(Fault)),
            ("context.current.name === 'selfservice'", Ok(false)),
            ("request.content.missing === undefined", Ok(true)),
            ("request.content.missing === null", Ok(false)),
            ("request.content.missing == null", Ok(true)),
            ("request.content.missing.deeper === 'x'", Err(Fault)),
            ("request.resourcePath.length === 14", Err(Fault)),
            ("request.content", Ok(true)),
            ("request.content.missing", Ok(false)),
            ("'it\\'s' === \"it's\"", Ok(true)),
            ("'a' + request.content.n + request.content.missing === 'a3undefined'", Ok(true)),
            ("request.content === request.content", Err(Fault)),
        ] {
            assert_eq!(holds(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_part_of_the_grammar_is_said() {
        for text in ["request.x.indexOf('a')", "a ? b : c", "request.", "x", "{'a': request.b}", "1 < 2", "`x`", "'a\\n'"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
