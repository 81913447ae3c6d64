//! A store with many people in it, filled through the store's own ledger, so that what is measured is what a server would find.

use std::path::Path;

use crest::Change;
use identity::secret::{HashParameters, Secret};
use process::{Effect, Ledger as _, Unit};
use serde_json::{Value, json};
use store::{Collections, Db};

use crate::Failure;

/// The password that everybody begins with.
pub(crate) const PASSWORD: &str = "Str0ngEnough!";
/// People of one transaction.
const BATCH: u64 = 2000;
/// When they all joined, in seconds since 1970.
const JOINED: i64 = 1_750_000_000;
/// A prime far from every size of a store: multiples of it visit everybody in no order.
const STRIDE: u64 = 7_368_787;

/// A user name.
pub(crate) fn name(number: u64) -> String {
    format!("user{number:07}")
}

/// A mail address.
pub(crate) fn mail(number: u64) -> String {
    format!("user{number:07}@bench.example")
}

/// Somebody else for every step, all over a store of `population`.
pub(crate) fn scattered(step: u64, population: u64) -> u64 {
    step.wrapping_mul(STRIDE) % population.max(1)
}

/// Puts `population` people into a new store under `data`. All have the same password and the same answers: hashing a million
/// passwords would take half a day.
///
/// # Errors
/// When the store refuses.
pub(crate) async fn fill(data: &Path, population: u64) -> Result<(), Failure> {
    fill_store(&data.join("vestibule.db").display().to_string(), population).await
}

/// Puts `population` people into the new store at `location`, a file or the address of a database.
///
/// # Errors
/// When the store refuses.
pub(crate) async fn fill_store(location: &str, population: u64) -> Result<(), Failure> {
    let hashed = identity::secret::hash(&Secret::password(PASSWORD)?, [7; 16], &HashParameters::default())?;
    // No index: the server makes them at its start, in one pass each.
    let db = Db::open(location, Collections::new()).await?;
    let mut from = 0;
    while from < population {
        let until = population.min(from + BATCH);
        let effects = (from..until).map(|number| {
            Effect::Change(Change::Create { collection: "managed/user".into(), id: id(number), content: person(number, &hashed) })
        });
        db.commit(Unit { now: JOINED, spend: None, effects: effects.collect() }).await?;
        from = until;
    }
    db.close().await?;
    Ok(())
}

/// Puts `count` people into a new store under `data` who have one manager, `managed/user/<manager>`, who is there, too.
///
/// # Errors
/// When the store refuses.
pub(crate) async fn fill_reports(data: &Path, manager: &str, count: u64) -> Result<(), Failure> {
    let db = Db::open(&data.join("vestibule.db").display().to_string(), Collections::new()).await?;
    let create = |id: String, content: Value| Effect::Change(Change::Create { collection: "managed/user".into(), id, content });
    let boss = vec![create(manager.to_owned(), json!({ "userName": manager, "givenName": "Barbara", "sn": "Jensen" }))];
    db.commit(Unit { now: JOINED, spend: None, effects: boss }).await?;
    let mut from = 0;
    while from < count {
        let until = count.min(from + BATCH);
        let effects = (from..until).map(|number| {
            let leads = json!({ "_ref": format!("managed/user/{manager}") });
            let content = json!({
                "userName": name(number), "givenName": "Barbara", "sn": "Jensen", "mail": mail(number), "manager": leads,
            });
            create(id(number), content)
        });
        db.commit(Unit { now: JOINED, spend: None, effects: effects.collect() }).await?;
        from = until;
    }
    db.close().await?;
    Ok(())
}

/// As wide apart as random ids are.
pub(crate) fn id(number: u64) -> String {
    let mixed = number.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let (high, low) = (mixed >> 32, mixed & 0xffff_ffff);
    format!(
        "{high:08x}-{:04x}-4{:03x}-8{:03x}-{low:08x}{:04x}",
        number & 0xffff,
        number >> 4 & 0xfff,
        number >> 12 & 0xfff,
        number >> 3 & 0xffff
    )
}

/// A person as a script sees them: without secrets.
pub(crate) fn seen(number: u64) -> Value {
    let mut person = person(number, "");
    if let Some(members) = person.as_object_mut() {
        members.retain(|name, _| !matches!(name.as_str(), "password" | "kbaInfo"));
        members.insert("_id".into(), id(number).into());
    }
    person
}

/// A person as an IDM keeps them, with a hash of its own form.
pub(crate) fn elsewhere(number: u64) -> Value {
    let mut person = person(number, "");
    // The digest of SHA-256 and a salt; nobody signs in with it here.
    let data = format!("{:064x}", u128::from(number).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835));
    let hash = json!({ "$crypto": { "type": "salted-hash", "value": { "algorithm": "SHA-256", "data": data } } });
    if let Some(members) = person.as_object_mut() {
        // Metadata stands elsewhere there.
        members.retain(|name, _| !matches!(name.as_str(), "_meta" | "kbaInfo"));
        members.insert("password".into(), hash);
    }
    person
}

fn person(number: u64, hashed: &str) -> Value {
    json!({
        "userName": name(number),
        "givenName": format!("Given{}", number % 5000),
        "sn": format!("Family{}", number % 50_000),
        "mail": mail(number),
        "accountStatus": "active",
        "password": hashed,
        "telephoneNumber": format!("+1 555 {number:07}"),
        "postalAddress": format!("{} Long Street", number % 400),
        "city": "Springfield",
        "postalCode": format!("{:05}", number % 100_000),
        "country": "US",
        "preferences": { "updates": number.is_multiple_of(2), "marketing": number.is_multiple_of(3) },
        "kbaInfo": [{ "questionId": "1", "answer": hashed }, { "questionId": "2", "answer": hashed }],
        // Somebody who has been here for long and has done what the default project asks for.
        "_meta": {
            "createDate": "2025-06-15T15:06:40.000Z",
            "loginCount": 100,
            "lastLogin": "2025-07-01T10:00:00.000Z",
            "termsAccepted": { "acceptDate": "2025-06-15T15:06:40.000Z", "termsVersion": "1.0" },
        },
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn everybody_is_visited_once_and_has_an_id_of_his_own() {
        for population in [1000, 100_000] {
            let visited: HashSet<u64> = (0..population).map(|step| scattered(step, population)).collect();
            assert_eq!(visited.len() as u64, population);
        }
        let ids: HashSet<String> = (0..100_000).map(id).collect();
        assert_eq!(ids.len(), 100_000);
        assert!(ids.iter().all(|id| id.len() == 36));
    }
}
