//! `customAuthz`: a JavaScript expression of which only the product's own functions are known.
//!
//! The grammar read here is `or`, `and`, `not`, parentheses, `true`, `false` and calls with texts, lists of texts and booleans.

use crate::companion::ui::Feature;

/// What must hold for a rule to allow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// All of these.
    All(Vec<Condition>),
    /// One of these.
    Any(Vec<Condition>),
    /// Not this.
    Not(Box<Condition>),
    /// Nothing: it holds.
    Always,
    /// It never holds; also what a subsystem not present here would have to decide (workflow).
    Never,
    /// The resource is the caller's own object.
    OwnDataOnly,
    /// The resource is related to the caller's own object.
    OwnRelationship,
    /// The resource is one of these relationships of the caller's own object.
    OwnRelationshipCollection(Vec<String>),
    /// The resource is the caller's own social identity.
    OwnIdentityProvider,
    /// A create or change touches only properties of the object that people may edit, and those listed.
    OnlyEditableProperties {
        /// Managed object, `user`.
        object: String,
        /// Further properties that may be touched.
        also: Vec<String>,
    },
    /// One of these features (`info/features`) is enabled.
    FeatureEnabled(Vec<String>),
    /// The flag of `ui-configuration.json` is set.
    UiFlag(String),
    /// The request comes from a process, not from a client.
    SelfServiceRequest,
    /// A changed protected property needs the caller's password again.
    ReauthIfProtectedAttributeChange,
    /// The request carries no query expression.
    NoQueryExpression,
    /// The request runs no command.
    NoCommandAction,
    /// A patch touches these fields only.
    PatchOnlyFields(Vec<String>),
    /// The request asks for the API description.
    ApiRequest,
    /// A profile process is configured.
    ProgressiveProfileEnabled,
    /// The managed user in the request carries no roles but these.
    RolesOnly(Vec<String>),
}

/// Reads an expression.
///
/// # Errors
/// What is not understood, for the operator.
pub(super) fn parse(text: &str) -> Result<Condition, String> {
    let tokens = tokens(text)?;
    let mut reader = Reader { tokens: &tokens, at: 0, depth: 0 };
    let condition = reader.any()?;
    reader.peek().map_or(Ok(condition), |token| Err(unexpected(token.shown())))
}

fn unexpected(shown: &str) -> String {
    format!("'{shown}' is not expected")
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Name(String),
    Text(String),
    Sign(&'static str),
}

impl Token {
    fn shown(&self) -> &str {
        match self {
            Self::Name(text) | Self::Text(text) => text,
            Self::Sign(sign) => sign,
        }
    }
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    const SIGNS: [&str; 8] = ["&&", "||", "!", "(", ")", "[", "]", ","];
    let mut tokens = Vec::new();
    let mut rest = text.trim().trim_end_matches(';').trim_end();
    while let Some(first) = rest.chars().next() {
        let after = rest.get(first.len_utf8()..).unwrap_or_default();
        if first == '\'' || first == '"' {
            let (inside, remaining) = after.split_once(first).ok_or("a text is not closed")?;
            if inside.contains('\\') {
                return Err("escapes in texts are not read".to_owned());
            }
            tokens.push(Token::Text(inside.to_owned()));
            rest = remaining;
        } else if let Some(sign) = SIGNS.into_iter().find(|sign| rest.starts_with(sign)) {
            tokens.push(Token::Sign(sign));
            rest = rest.get(sign.len()..).unwrap_or_default();
        } else if first.is_alphanumeric() || matches!(first, '_' | '$') {
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

enum Argument {
    Text(String),
    Texts(Vec<String>),
    Boolean,
}

struct Reader<'a> {
    tokens: &'a [Token],
    at: usize,
    depth: usize,
}

impl<'a> Reader<'a> {
    const MAX_DEPTH: usize = 32;

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

    fn any(&mut self) -> Result<Condition, String> {
        let mut parts = vec![self.all()?];
        while self.takes("||") {
            parts.push(self.all()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Condition::Any(parts) })
    }

    fn all(&mut self) -> Result<Condition, String> {
        let mut parts = vec![self.one()?];
        while self.takes("&&") {
            parts.push(self.one()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Condition::All(parts) })
    }

    fn one(&mut self) -> Result<Condition, String> {
        self.depth += 1;
        if self.depth > Self::MAX_DEPTH {
            return Err("it nests too deep".to_owned());
        }
        let condition = if self.takes("!") {
            negated(self.one()?)?
        } else if self.takes("(") {
            let inner = self.any()?;
            self.expect(")")?;
            inner
        } else {
            self.call()?
        };
        self.depth -= 1;
        Ok(condition)
    }

    fn call(&mut self) -> Result<Condition, String> {
        let Token::Name(name) = self.next()? else { return Err("a function is missing".to_owned()) };
        match name.as_str() {
            "true" => return Ok(Condition::Always),
            "false" => return Ok(Condition::Never),
            _ => self.expect("(")?,
        }
        let mut arguments = Vec::new();
        while !self.takes(")") {
            if !arguments.is_empty() {
                self.expect(",")?;
            }
            arguments.push(self.argument()?);
        }
        known(name, &arguments)
    }

    fn argument(&mut self) -> Result<Argument, String> {
        if self.takes("[") {
            let mut texts = Vec::new();
            while !self.takes("]") {
                if !texts.is_empty() {
                    self.expect(",")?;
                }
                let Token::Text(text) = self.next()? else { return Err("a list holds something else than texts".to_owned()) };
                texts.push(text.clone());
            }
            return Ok(Argument::Texts(texts));
        }
        match self.next()? {
            Token::Text(text) => Ok(Argument::Text(text.clone())),
            Token::Name(name) if name == "true" || name == "false" => Ok(Argument::Boolean),
            other => Err(unexpected(other.shown())),
        }
    }
}

/// What never holds because its subsystem is missing must not begin to hold by being denied.
fn negated(condition: Condition) -> Result<Condition, String> {
    fn holds_never(condition: &Condition) -> bool {
        match condition {
            Condition::Never => true,
            Condition::All(parts) | Condition::Any(parts) => parts.iter().any(holds_never),
            Condition::Not(inner) => holds_never(inner),
            _ => false,
        }
    }
    if holds_never(&condition) { Err("it denies what cannot be decided".to_owned()) } else { Ok(Condition::Not(Box::new(condition))) }
}

fn known(name: &str, arguments: &[Argument]) -> Result<Condition, String> {
    let texts: Vec<String> = arguments
        .iter()
        .flat_map(|argument| match argument {
            Argument::Text(text) => vec![text.clone()],
            Argument::Texts(texts) => texts.clone(),
            Argument::Boolean => Vec::new(),
        })
        .collect();
    let some = |condition: fn(Vec<String>) -> Condition| {
        if texts.is_empty() { Err(format!("'{name}' needs a text")) } else { Ok(condition(texts.clone())) }
    };
    Ok(match name {
        "ownDataOnly" => Condition::OwnDataOnly,
        "ownRelationship" => Condition::OwnRelationship,
        "ownRelationshipCollection" | "ownRelationshipProperty" => some(Condition::OwnRelationshipCollection)?,
        "ownIDP" => Condition::OwnIdentityProvider,
        "onlyEditableManagedObjectProperties" => {
            let (object, also) = texts.split_first().ok_or_else(|| format!("'{name}' needs a managed object"))?;
            Condition::OnlyEditableProperties { object: object.clone(), also: also.to_vec() }
        }
        "checkIfAnyFeatureEnabled" => some(Condition::FeatureEnabled)?,
        "checkIfUIIsEnabled" => match texts.as_slice() {
            [flag] => ui_flag(flag),
            _ => return Err(format!("'{name}' needs one text")),
        },
        "isSelfServiceRequest" => Condition::SelfServiceRequest,
        "reauthIfProtectedAttributeChange" => Condition::ReauthIfProtectedAttributeChange,
        "disallowQueryExpression" => Condition::NoQueryExpression,
        "disallowCommandAction" => Condition::NoCommandAction,
        "restrictPatchToFields" => some(Condition::PatchOnlyFields)?,
        "checkIfApiRequest" => Condition::ApiRequest,
        "checkIfProgressiveProfileIsEnabled" => Condition::ProgressiveProfileEnabled,
        // There is no workflow here, so nobody owns a task or may start one.
        "isMyTask" | "canUpdateTask" | "isAllowedToStartProcess" | "isOneOfMyWorkflows" => Condition::Never,
        "managedUserRestrictedToAllowedRoles" => {
            Condition::RolesOnly(texts.iter().flat_map(|text| text.split(',')).map(|role| role.trim().to_owned()).collect())
        }
        _ => return Err(format!("the function '{name}' is not known")),
    })
}

/// A flag that switches a feature asks for the feature.
fn ui_flag(flag: &str) -> Condition {
    let feature = Feature::ALL.into_iter().find(|feature| feature.flag() == flag);
    feature.map_or_else(|| Condition::UiFlag(flag.to_owned()), |feature| Condition::FeatureEnabled(vec![feature.name().to_owned()]))
}
