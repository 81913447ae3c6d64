//! Grants of roles that last for a time (IDM objects guide, "Use temporal constraints to restrict effective roles").
//!
//! Easiest to get wrong: a grant whose time cannot be read gives nothing.

use serde_json::Value;
use time::format_description::well_known::{Iso8601, Rfc3339};
use time::{OffsetDateTime, PrimitiveDateTime};

/// Where roles of the project, and those that administrators made, are.
pub const ROLES: &str = "internal/role";
/// The member of a kept role that says it was deleted: a role that the project declares does not come back by itself.
pub const DELETED: &str = "deleted";

/// One way to write a role: older generations leave the path out or begin it with `repo/`.
#[must_use]
pub fn role_path(role: &str) -> String {
    let role = role.strip_prefix("repo/").unwrap_or(role);
    if role.contains('/') { role.to_owned() } else { format!("{ROLES}/{role}") }
}

/// Limits of time, on a role or among the properties of a reference that grants one.
const LIMITS: &str = "temporalConstraints";

/// Whether a reference that grants a role does so at this moment, in seconds since 1970.
#[must_use]
pub fn in_force(grant: &Value, now: i64) -> bool {
    grant.get(crest::reference::PROPERTIES).is_none_or(|properties| within_limits(properties, now))
}

/// Whether `temporalConstraints` of a role, or of a grant's own properties, let it count at this moment: none do, or one of them holds.
#[must_use]
pub fn within_limits(limited: &Value, now: i64) -> bool {
    match limited.get(LIMITS) {
        None | Some(Value::Null) => true,
        Some(Value::Array(limits)) if limits.is_empty() => true,
        Some(Value::Array(limits)) => limits.iter().any(|limit| holds(limit, now) == Some(true)),
        Some(_) => false,
    }
}

/// Whether a value is a list of limits of time: each has a `duration`, a beginning and an end after it.
#[must_use]
pub fn are_limits(value: &Value) -> bool {
    value.as_array().is_some_and(|limits| limits.iter().all(|limit| span(limit).is_some_and(|(from, to)| from < to)))
}

/// Whether the moment lies within `duration`, a beginning and an end; nothing for one that cannot be read.
fn holds(limit: &Value, now: i64) -> Option<bool> {
    let (from, to) = span(limit)?;
    Some(from <= now && now < to)
}

/// The beginning and the end, in seconds since 1970.
fn span(limit: &Value) -> Option<(i64, i64)> {
    let (from, to) = limit.get("duration")?.as_str()?.split_once('/')?;
    Some((moment(from)?, moment(to)?))
}

/// A time of ISO 8601; without an offset it is UTC.
fn moment(text: &str) -> Option<i64> {
    let text = text.trim();
    let with_offset = OffsetDateTime::parse(text, &Rfc3339).or_else(|_| OffsetDateTime::parse(text, &Iso8601::PARSING));
    let plain = || PrimitiveDateTime::parse(text, &Iso8601::PARSING).map(PrimitiveDateTime::assume_utc);
    with_offset.or_else(|_| plain()).ok().map(OffsetDateTime::unix_timestamp)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const MARCH: i64 = 1_583_020_800;
    const SEPTEMBER: i64 = 1_598_918_400;

    fn grant(limits: &Value) -> Value {
        json!({"_ref": "internal/role/x", "_refProperties": {"temporalConstraints": limits}})
    }

    #[test]
    fn a_grant_lasts_from_its_beginning_until_its_end() {
        let whole = grant(&json!([{"duration": "2020-03-01T00:00:00.000Z/2020-09-01T00:00:00.000Z"}]));
        let local = grant(&json!([{"duration": "2020-03-01T01:00:00+01:00/2020-09-01T00:00:00"}]));
        for grant in [whole, local] {
            let counts: Vec<bool> = [MARCH - 1, MARCH, SEPTEMBER - 1, SEPTEMBER].map(|now| in_force(&grant, now)).into();
            assert_eq!(counts, [false, true, true, false], "{grant}");
        }
        let two = grant(
            &json!([{"duration": "2019-01-01T00:00:00Z/2019-02-01T00:00:00Z"}, {"duration": "2020-03-01T00:00:00Z/2020-09-01T00:00:00Z"}]),
        );
        assert!(in_force(&two, MARCH) && !in_force(&two, SEPTEMBER));
    }

    #[test]
    fn a_limit_of_time_has_a_beginning_and_an_end_after_it() {
        let limit = |duration: &str| json!([{ "duration": duration }]);
        for good in [
            json!([]),
            limit("2020-03-01T00:00:00.000Z/2020-09-01T00:00:00.000Z"),
            limit("2020-03-01T01:00:00+01:00/2020-03-01T00:00:01Z"),
            limit("2020-03-01T00:00:00/2020-09-01T00:00:00"),
            json!([limit("2020-03-01T00:00:00Z/2020-09-01T00:00:00Z")[0], limit("2021-03-01T00:00:00Z/2021-09-01T00:00:00Z")[0]]),
        ] {
            assert!(are_limits(&good), "{good}");
        }
        let whole = limit("2020-03-01T00:00:00Z/2020-09-01T00:00:00Z");
        for bad in [
            whole[0].clone(),
            json!("2020-03-01T00:00:00Z/2020-09-01T00:00:00Z"),
            json!([whole[0], {}]),
            json!([7]),
            json!([{ "duration": 7 }]),
            limit(""),
            limit("2020-03-01T00:00:00Z"),
            limit("2020-03-01T00:00:00Z/P6M"),
            limit("2020-09-01T00:00:00Z/2020-03-01T00:00:00Z"),
            limit("2020-03-01T00:00:00Z/2020-03-01T00:00:00Z"),
            limit("2020-13-01T00:00:00Z/2021-01-01T00:00:00Z"),
            limit("2020-03-01T00:00:00Z/2020-09-01T00:00:00Z/2021-09-01T00:00:00Z"),
        ] {
            assert!(!are_limits(&bad), "{bad}");
        }
    }

    #[test]
    fn no_limit_is_none_and_one_that_cannot_be_read_gives_nothing() {
        for free in [json!("internal/role/x"), json!({"_ref": "x/y"}), json!({"_ref": "x/y", "_refProperties": {}})] {
            assert!(in_force(&free, MARCH), "{free}");
        }
        for free in [json!([]), Value::Null] {
            assert!(in_force(&grant(&free), MARCH), "{free}");
        }
        for broken in [
            json!([{}]),
            json!([{"duration": "soon"}]),
            json!([{"duration": "2020-03-01T00:00:00Z/P6M"}]),
            json!({}),
            json!("x"),
            json!([7]),
        ] {
            assert!(!in_force(&grant(&broken), MARCH), "{broken}");
        }
    }
}
