//! The tables of an IDM's repository that hold something of people, as the product's scripts make them, from 4.5 to 7.5.
//!
//! Easiest to break: versions. Metadata of people stood in `genericobjects` before it got a table of its own, and the ends of a relationship in
//! its object before they got columns.

/// Tables that hold an object in each row, as JSON.
pub(crate) const GENERIC: [&str; 4] = ["managedobjects", "genericobjects", "notificationobjects", "metaobjects"];
/// Other tables of the product's own, which hold nothing of people.
const OF_PRODUCT: [&str; 7] = ["clusteredrecontargetids", "files", "links", "locks", "relationshipresources", "security", "securitykeys"];
/// How the names of others begin.
const BEGINNINGS: [&str; 9] =
    ["act_", "audit", "clusterobject", "configobject", "importobject", "reconassoc", "schedulerobject", "syncqueue", "updateobject"];
/// The others that hold something of people.
const OTHERS: [&str; 9] = [
    "objecttypes",
    "relationships",
    "internaluser",
    "internal_user",
    "internalrole",
    "internal_role",
    "jsonstorage",
    "uinotification",
    "ui_notification",
];

/// Columns of explicitly mapped types that hold texts, as the product's own `managed_user` and `managed_role` have them; others may hold JSON.
pub(crate) const TEXTS: [&str; 15] = [
    "username",
    "accountstatus",
    "postalcode",
    "stateprovince",
    "postaladdress",
    "address2",
    "country",
    "city",
    "givenname",
    "description",
    "sn",
    "telephonenumber",
    "mail",
    "displayname",
    "name",
];

/// Whether rows of a table of a repository mean something, by its name in lower case.
pub(crate) fn is_read(table: &str) -> bool {
    GENERIC.contains(&table) || OTHERS.contains(&table) || table.starts_with("managed_")
}

/// Whether a table is one of the product's own that brings nothing: the properties of objects are an index of them.
#[must_use]
pub fn is_of_product(table: &str) -> bool {
    OF_PRODUCT.contains(&table) || BEGINNINGS.iter().any(|begins| table.starts_with(begins)) || table.ends_with("properties")
}

/// The columns of the product's own tables, as its scripts for every database make them, where a dump names none.
pub(crate) fn documented(table: &str, values: usize) -> Option<&'static [&'static str]> {
    let generic = table.strip_suffix("objects").is_some_and(|of| !of.is_empty());
    Some(match (table, values) {
        ("objecttypes", 2) => &["id", "objecttype"],
        ("relationships", 5) => &["id", "objecttypes_id", "objectid", "rev", "fullobject"],
        ("relationships", 11) => &[
            "id",
            "objecttypes_id",
            "objectid",
            "rev",
            "fullobject",
            "firstresourcecollection",
            "firstresourceid",
            "firstpropertyname",
            "secondresourcecollection",
            "secondresourceid",
            "secondpropertyname",
        ],
        ("internaluser", 3) => &["objectid", "rev", "pwd"],
        ("internaluser", 4) => &["objectid", "rev", "pwd", "roles"],
        ("internalrole", 3) => &["objectid", "rev", "description"],
        ("internalrole", 7) => &["objectid", "rev", "name", "description", "temporalconstraints", "condition", "privs"],
        (_, 5) if generic => &["id", "objecttypes_id", "objectid", "rev", "fullobject"],
        _ => return None,
    })
}
