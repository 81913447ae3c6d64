//! One property of a managed object type.

use std::borrow::Cow;

use serde_json::Value;

use crate::events::Event;
use crate::scripting::Script;
use crate::scripting::waiver::Waivers;

/// Who may see a property over REST.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scope {
    /// Returned like any other.
    #[default]
    Public,
    /// Never leaves through the API.
    Private,
}

/// A JSON type as `valid-type` names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JsonType {
    /// `string`.
    String,
    /// `number`.
    Number,
    /// `integer`: a number without a fraction.
    Integer,
    /// `boolean`.
    Boolean,
    /// `object`.
    Object,
    /// `array`.
    Array,
    /// `null`.
    Null,
    /// `relationship`: a reference object, or null.
    Relationship,
}

impl JsonType {
    /// The type of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "string" => Self::String,
            "number" => Self::Number,
            "integer" => Self::Integer,
            "boolean" => Self::Boolean,
            "object" => Self::Object,
            "array" => Self::Array,
            "null" => Self::Null,
            "relationship" => Self::Relationship,
            _ => return None,
        })
    }

    /// The name in a schema.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Number => "number",
            Self::Integer => "integer",
            Self::Boolean => "boolean",
            Self::Object => "object",
            Self::Array => "array",
            Self::Null => "null",
            Self::Relationship => "relationship",
        }
    }

    /// Whether a value is of this type.
    #[must_use]
    pub fn holds(self, value: &Value) -> bool {
        match self {
            Self::String => value.is_string(),
            Self::Number => value.is_number(),
            Self::Integer => value.as_f64().is_some_and(|number| number.fract() == 0.0),
            Self::Boolean => value.is_boolean(),
            Self::Object => value.is_object(),
            Self::Array => value.is_array(),
            Self::Null => value.is_null(),
            Self::Relationship => value.is_object() || value.is_null(),
        }
    }

    /// What `invalidType` says about a value.
    #[must_use]
    pub fn name_of(value: &Value) -> &'static str {
        match value {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Number(_) => "number",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        }
    }
}

/// A relationship to objects of other collections.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Relationship {
    /// Whether it holds many references.
    pub many: bool,
    /// Whether the other side carries the reverse.
    pub reverse: bool,
    /// The property on the other side.
    pub reverse_property: Option<String>,
    /// The collections it may refer to (`managed/user`).
    pub collections: Vec<String>,
    /// Whether it may lead only to what is there, and takes nothing away from anybody.
    pub validate: bool,
    /// Its other sides, one for each collection whose type declares one.
    pub pairs: Vec<Pair>,
}

/// The other side of a relationship, and which of the two keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// The collection that references lead to.
    pub collection: String,
    /// The property of its objects that leads back.
    pub property: String,
    /// Whether that property holds many references.
    pub many: bool,
    /// Whether it may lead only to what is there.
    pub validate: bool,
    /// References to that collection are kept in this property.
    pub here: bool,
    /// They are kept in the other, and found from here. Both are true where a property is its own other side.
    pub there: bool,
}

impl Relationship {
    /// The other side of a reference to an object of that collection.
    #[must_use]
    pub fn pair(&self, collection: &str) -> Option<&Pair> {
        self.pairs.iter().find(|pair| pair.collection == collection)
    }

    /// Whether some references of it are kept elsewhere.
    #[must_use]
    pub fn is_found(&self) -> bool {
        self.pairs.iter().any(|pair| pair.there)
    }

    /// Whether none of its references is kept in the object itself.
    #[must_use]
    pub fn is_only_found(&self) -> bool {
        self.is_found() && self.pairs.iter().all(|pair| pair.there && !pair.here)
    }
}

/// A policy as a file declares it: id and parameters, not yet understood.
#[derive(Clone, Debug, PartialEq)]
pub struct DeclaredPolicy {
    /// `policyId`.
    pub id: String,
    /// `params` as written; `None` for absent or null.
    pub params: Option<Value>,
    /// Where it stands in its file.
    pub pointer: String,
    /// The project says that it is not to be asked.
    pub waived: bool,
}

/// Policies that hold where a script says so.
#[derive(Clone, Debug, PartialEq)]
pub struct ConditionalPolicies {
    /// Gives true where they hold; `None` where the file has none.
    pub condition: Option<Script>,
    /// The policies.
    pub policies: Vec<DeclaredPolicy>,
    /// Where they stand in their file.
    pub pointer: String,
}

/// One property.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Property {
    /// Its name in the object.
    pub name: String,
    /// `title`; falls back to the name in [`Property::label`].
    pub title: Option<String>,
    /// `description`: what clients show as the property's label or explanation.
    pub description: Option<String>,
    /// The types it may have; empty when the file says nothing.
    pub types: Vec<JsonType>,
    /// Whether `type` was written as a list (then a missing `"null"` means "not empty").
    pub types_listed: bool,
    /// Shown in forms.
    pub viewable: bool,
    /// May be changed by its owner.
    pub user_editable: bool,
    /// Offered in searches.
    pub searchable: bool,
    /// Changing it needs the present password (`isProtected`).
    pub is_protected: bool,
    /// Personal data (`isPersonal`).
    pub is_personal: bool,
    /// What it is used for, told to the person.
    pub usage_description: Option<String>,
    /// Whether it leaves through the API.
    pub scope: Scope,
    /// Computed, not stored.
    pub is_virtual: bool,
    /// `returnByDefault`, where said.
    pub return_by_default: Option<bool>,
    /// Set for relationships.
    pub relationship: Option<Relationship>,
    /// Declared `encryption`. A credential is hashed all the same; any other value is sealed at rest, see [`Property::is_sealed`].
    pub encrypted: bool,
    /// Another file of the project takes it for a password ([`Schemas::with_passwords`](super::Schemas::with_passwords)).
    pub is_password: bool,
    /// Declared `secureHash` algorithm.
    pub secure_hash: Option<String>,
    /// Declared policies in file order.
    pub policies: Vec<DeclaredPolicy>,
    /// Policies that hold under a condition.
    pub conditional_policies: Vec<ConditionalPolicies>,
    /// Policies of `fallbackPolicies`, which hold where no condition does.
    pub fallback_policies: Vec<DeclaredPolicy>,
    /// A regular expression, Java or JavaScript syntax.
    pub pattern: Option<String>,
    /// Fewest characters.
    pub min_length: Option<u64>,
    /// What a new object gets.
    pub default: Option<Value>,
    /// The values allowed, where listed.
    pub enumeration: Vec<Value>,
    /// Members of an object.
    pub properties: Vec<Property>,
    /// Elements of an array.
    pub items: Option<Box<Property>>,
    /// Scripts of the property (`onRetrieve`, `onStore`, `onValidate`).
    pub events: Vec<Event>,
    /// Why every value of it is refused; none where values are judged by policies.
    pub refused: Option<String>,
    /// Where it stands in `managed.json`.
    pub pointer: String,
    /// The declaration as written.
    pub raw: Value,
}

/// Names and addresses as projects call them, whatever policies they declare.
const ONE_LINE: [&str; 12] = [
    "userName",
    "givenName",
    "sn",
    "cn",
    "displayName",
    "middleName",
    "nickname",
    "mail",
    "email",
    "telephoneNumber",
    "mobilePhone",
    "preferredLanguage",
];

impl Property {
    /// The title, or the name where there is none.
    #[must_use]
    pub fn label(&self) -> Cow<'_, str> {
        Cow::Borrowed(self.title.as_deref().filter(|title| !title.is_empty()).unwrap_or(&self.name))
    }

    /// Whether the property holds a credential: hashed before it is stored, never returned, never computed with.
    ///
    /// That is `password`, whatever is declared `secureHash`, and what a sign-in module or a stage names as the password.
    #[must_use]
    pub fn is_credential(&self) -> bool {
        self.name == "password" || self.secure_hash.is_some() || self.is_password
    }

    /// Whether a person may put line breaks and tabs into its texts: not into names, addresses, numbers and passwords, which are one line
    /// everywhere and stand in the heads of mails.
    #[must_use]
    pub fn may_have_lines(&self) -> bool {
        let is_one_line = |policy: &DeclaredPolicy| policy.id == "unique" || policy.id.starts_with("valid-") && policy.id != "valid-type";
        let has_form = self.raw.get("format").and_then(Value::as_str).is_some_and(|format| !["", "textarea"].contains(&format));
        !ONE_LINE.contains(&self.name.as_str()) && !self.is_credential() && !has_form && !self.policies.iter().any(is_one_line)
    }

    /// Whether its values are sealed in the store, and so can be neither searched nor sorted by.
    #[must_use]
    pub fn is_sealed(&self) -> bool {
        self.encrypted && !self.is_credential() && !self.is_virtual && self.relationship.is_none()
    }

    /// Marks the policies that are waived beside the property, or beside its object.
    pub(super) fn waive(&mut self, waivers: &Waivers) {
        let conditional = self.conditional_policies.iter_mut().flat_map(|conditional| &mut conditional.policies);
        for policy in self.policies.iter_mut().chain(&mut self.fallback_policies).chain(conditional) {
            policy.waived |= waivers.covers_policy(&policy.id);
        }
    }

    /// Whether a value of that type is allowed; without declared types everything is.
    #[must_use]
    pub fn accepts(&self, kind: JsonType) -> bool {
        self.types.is_empty() || self.types.contains(&kind)
    }

    /// Whether null is an allowed value.
    #[must_use]
    pub fn nullable(&self) -> bool {
        self.accepts(JsonType::Null) || self.types.contains(&JsonType::Relationship)
    }

    /// Whether a read without `_fields` returns it.
    #[must_use]
    pub fn returned_by_default(&self) -> bool {
        self.return_by_default.unwrap_or(self.relationship.is_none() && !self.is_virtual)
    }

    /// Whether it counts for the completeness of a profile (decision 18).
    #[must_use]
    pub fn counts_for_completeness(&self) -> bool {
        self.viewable && self.user_editable
    }
}
