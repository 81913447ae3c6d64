//! Reading a source to its end before anything is written: which ids and names it holds, what becomes of each object, and what the report says.
//!
//! Easiest to break: memory. Of a million people, fingerprints of their names are kept, and nothing else; a source is read again instead.

use std::collections::{BTreeMap, BTreeSet};

use crest::{Pointer, reference};
use identity::grants::ROLES;
use identity::names::{self, Canonical};
use identity::notifications::{self, COLLECTION as NOTIFICATIONS};
use identity::{KeptThere, Lost, Objects as _, Scope, SignIn, TakenOver};
use serde_json::{Map, Value};
use store::Incoming;

use crate::fingerprints::{Fingerprints, fingerprint};
use crate::import::{Import, ImportError};
use crate::record::{Fault, Place, Read, Record};
use crate::report::{LISTED, LostCount, Report, SignInCount, WithoutSignIn};
use crate::resolution::{Choice, Group, Member, Resolution};

/// Where internal roles were up to version 6.
const ROLES_BEFORE: &str = "repo/internal/role";

/// What is known of a source after it was read once.
pub(crate) struct Known {
    ids: Fingerprints,
    /// Records whose id an earlier one has.
    doubled: BTreeSet<u32>,
    /// Records that share a name with others, by the group.
    shared: BTreeMap<u32, Vec<usize>>,
    groups: Vec<Shared>,
    /// Names that are taken, so that none of them is proposed.
    taken: BTreeMap<(String, String), Fingerprints>,
    /// What the order of ids comes to: a source that changes meanwhile is noticed.
    pub(crate) order: u64,
}

struct Shared {
    collection: String,
    property: String,
    is_unique: bool,
}

/// An object on its way.
pub(crate) struct Ready {
    pub(crate) place: Place,
    pub(crate) incoming: Incoming,
    pub(crate) taken: TakenOver,
    pub(crate) kept_there: Vec<KeptThere>,
}

/// Why nothing is stored of a record.
pub(crate) enum Left {
    Fault(Fault),
    Passed(&'static str),
}

/// A record, or why it is none, and what an operator left out.
pub(crate) enum Next {
    Record(Box<Record>),
    Passed(String),
    LeftOut,
    Fault(Fault),
}

impl Import<'_> {
    /// The records of the source as they were decided, each with its number.
    pub(crate) fn numbered(&self) -> impl Iterator<Item = (u32, Next)> {
        (0..=u32::MAX).zip(self.source.read()).map(|(number, read)| {
            let next = match read {
                Ok(Read::Record(mut record)) => {
                    if self.resolution.apply(&mut record) {
                        self.judged(record)
                    } else {
                        Next::LeftOut
                    }
                }
                Ok(Read::Passed(what)) => Next::Passed(what),
                Err(fault) => Next::Fault(fault),
            };
            (number, next)
        })
    }

    /// An internal role comes where it can mean here what it meant there; which one does not, the report names.
    fn judged(&self, mut record: Box<Record>) -> Next {
        if record.collection == ROLES_BEFORE {
            ROLES.clone_into(&mut record.collection);
        }
        if notifications::are(&record.collection) {
            NOTIFICATIONS.clone_into(&mut record.collection);
            return notifications::fault_of(&record.id, &record.content).map_or(Next::Record(record), |what| Next::Passed(what.to_owned()));
        }
        if record.collection != ROLES {
            return Next::Record(record);
        }
        if self.managed.policies.knows_role(&record.id) {
            return Next::Passed("an internal role that this project has already".to_owned());
        }
        // Who has it is said by whoever has it.
        record.content.shift_remove("authzMembers");
        match (self.judges_role)(&record.id, Value::Object(std::mem::take(&mut record.content))) {
            Ok(Value::Object(content)) => {
                record.content = content;
                Next::Record(record)
            }
            Ok(_) => Next::Passed(format!("the internal role '{}': no object", record.id)),
            Err(why) => Next::Passed(format!("the internal role '{}', which cannot be kept: {why}", record.id)),
        }
    }

    /// Reads the source once: its ids and its names.
    pub(crate) fn know(&self) -> Known {
        let mut ids = Fingerprints::default();
        let mut names: BTreeMap<(&str, &Pointer, bool), (Fingerprints, Fingerprints)> = BTreeMap::new();
        // Names that are no plain ASCII: such a one must not look like any other.
        let mut curious = BTreeSet::new();
        let mut order = 0_u64;
        for (number, next) in self.numbered() {
            let Next::Record(record) = next else { continue };
            let id = fingerprint(&[&record.collection, &record.id]);
            order = order.rotate_left(5) ^ id;
            let content = Value::Object(record.content);
            // Whatever is not going to be stored is nobody that others may refer to, and takes no name.
            let is_managed = record.collection != ROLES && record.collection != NOTIFICATIONS;
            if is_managed && self.managed.may_be_taken(&record.collection, &record.id, &content).is_err() {
                continue;
            }
            ids.add(id, number);
            for (collection, place, is_unique) in self.names.iter().filter(|(collection, ..)| *collection == record.collection) {
                let Some(form) = place.get(&content).and_then(Value::as_str).and_then(names::form) else { continue };
                let (spellings, looks) = names.entry((collection.as_str(), place, *is_unique)).or_default();
                spellings.add(fingerprint(&[form.as_str()]), number);
                if *is_unique {
                    let look = fingerprint(&[form.skeleton()]);
                    looks.add(look, number);
                    if !form.is_plain() {
                        curious.insert(look);
                    }
                }
            }
        }
        ids.sort();
        let doubled: BTreeSet<u32> = ids.shared().flat_map(|(_, records)| records.into_iter().skip(1)).collect();
        let (mut shared, mut groups, mut taken) = (BTreeMap::<u32, Vec<usize>>::new(), Vec::new(), BTreeMap::new());
        for ((collection, place, is_unique), (mut spellings, mut looks)) in names {
            spellings.sort();
            looks.sort();
            let mut found: Vec<BTreeSet<u32>> = spellings.shared().map(|(_, records)| records).collect();
            let alike = looks.shared().filter(|(look, _)| curious.contains(look)).map(|(_, records)| records);
            for records in alike {
                match found.iter_mut().find(|group| !group.is_disjoint(&records)) {
                    Some(group) => group.extend(records),
                    None => found.push(records),
                }
            }
            for mut records in found {
                records.retain(|record| !doubled.contains(record));
                if records.len() > 1 {
                    for record in &records {
                        shared.entry(*record).or_default().push(groups.len());
                    }
                    let (collection, property) = (collection.to_owned(), property_of(place));
                    groups.push(Shared { collection, property, is_unique });
                }
            }
            taken.insert((collection.to_owned(), property_of(place)), spellings);
        }
        Known { ids, doubled, shared, groups, taken, order }
    }

    /// What becomes of a record.
    pub(crate) async fn ready(&self, known: &Known, number: u32, record: Record) -> Result<Result<Ready, Left>, ImportError> {
        let Record { place, collection, id, revision, content, lost } = record;
        if known.doubled.contains(&number) {
            return Ok(Err(Left::Fault(Fault::new(&place, format!("the id '{id}' of {collection} is that of an earlier record")))));
        }
        if collection == NOTIFICATIONS {
            return self.notification(known, place, id, &content).await;
        }
        if collection == ROLES {
            let incoming = Incoming { collection, id, revision, content: Value::Object(content) };
            return Ok(Ok(Ready { place, incoming, taken: TakenOver::default(), kept_there: Vec::new() }));
        }
        let mut taken = match self.managed.take_over(&collection, &id, Value::Object(content)) {
            Ok(taken) => taken,
            Err(error) => return Ok(Err(Left::Fault(Fault::new(&place, what_of(&error))))),
        };
        taken.lost.extend(lost);
        if self.over_rest {
            self.count_private(&collection, &mut taken);
        }
        for (property, target) in std::mem::take(&mut taken.references) {
            if !self.is_there(known, &target).await? {
                let gone = serde_json::json!({ reference::REF: target });
                reference::unlink(&mut taken.content, &property, &gone);
                taken.lost.push(dangling(&property));
            }
        }
        let mut kept_there = Vec::new();
        for link in std::mem::take(&mut taken.kept_there) {
            if self.is_there(known, &format!("{}/{}", link.collection, link.id)).await? {
                kept_there.push(link);
            } else {
                taken.lost.push(dangling(&link.property));
            }
        }
        let content = std::mem::take(&mut taken.content);
        Ok(Ok(Ready { place, incoming: Incoming { collection, id, revision, content }, taken, kept_there }))
    }

    /// A notification comes with whoever it is for.
    async fn notification(
        &self,
        known: &Known,
        place: Place,
        id: String,
        content: &Map<String, Value>,
    ) -> Result<Result<Ready, Left>, ImportError> {
        let target = content.get("target").and_then(Value::as_str).unwrap_or_default();
        if !self.is_there(known, target).await? {
            return Ok(Err(Left::Passed("a notification of somebody who is neither in the source nor in the store")));
        }
        let Some(content) = notifications::kept(content, target) else { return Ok(Err(Left::Passed("a notification without a text"))) };
        let incoming = Incoming { collection: NOTIFICATIONS.to_owned(), id, revision: None, content: Value::Object(content) };
        Ok(Ok(Ready { place, incoming, taken: TakenOver::default(), kept_there: Vec::new() }))
    }

    /// Counts what a running server keeps private: a password, and answers where they are private too.
    fn count_private(&self, collection: &str, taken: &mut TakenOver) {
        const WHY: &str = "private there, so that REST does not give it: import a dump of the repository, where it is";
        let Some(schema) = self.managed.schemas.get(collection) else { return };
        for property in schema.properties.iter().filter(|property| property.scope == Scope::Private) {
            let is_password = self.managed.is_password(collection, &property.name);
            let is_secret = is_password || property.name == self.managed.kba.property;
            if is_secret && taken.content.get(&property.name).is_none() {
                taken.lost.push(Lost { property: property.name.clone(), why: WHY.into() });
                if is_password && taken.sign_in == SignIn::NoPassword {
                    taken.sign_in = SignIn::Lost(WHY.into());
                }
            }
        }
    }

    /// Whether a reference leads to something: in the source, in the store, or, an internal role, in the project. A role that is not there must
    /// not be anybody's: a later one of the same id would be theirs at once.
    async fn is_there(&self, known: &Known, target: &str) -> Result<bool, ImportError> {
        let Some((collection, id)) = target.rsplit_once('/') else { return Ok(false) };
        let is_role = collection == ROLES;
        if is_role && self.managed.policies.knows_role(id) {
            return Ok(true);
        }
        if (!collection.starts_with("managed/") && !is_role) || known.ids.contains(fingerprint(&[collection, id])) {
            return Ok(true);
        }
        let there = self.db.are_there(vec![(collection.to_owned(), id.to_owned())]).await?;
        Ok(there.first() == Some(&true))
    }

    /// What an import would do, and what is proposed about names that several have. Nothing is written.
    ///
    /// # Errors
    /// When the store does not answer.
    pub(crate) async fn survey(&self, known: &Known) -> Result<(Report, Resolution), ImportError> {
        let (source, configuration) = (self.source.names().collect(), self.configuration.clone());
        let mut report = Report { source, configuration, ..Report::default() };
        let (mut sign_in, mut lost) = (BTreeMap::<SignIn, u64>::new(), BTreeMap::<(String, Lost), u64>::new());
        let mut members: BTreeMap<usize, Vec<Member>> = BTreeMap::new();
        let mut clashes = Vec::new();
        let mut filled = BTreeMap::new();
        for (number, next) in self.numbered() {
            let record = match next {
                Next::Record(record) => record,
                Next::Passed(what) => {
                    *report.passed.entry(what).or_default() += 1;
                    continue;
                }
                Next::LeftOut => {
                    report.left_out += 1;
                    continue;
                }
                Next::Fault(fault) => {
                    report.fault(fault);
                    continue;
                }
            };
            let Ready { place, incoming, taken, .. } = match self.ready(known, number, *record).await? {
                Ok(ready) => ready,
                Err(Left::Fault(fault)) => {
                    report.fault(fault);
                    continue;
                }
                Err(Left::Passed(what)) => {
                    *report.passed.entry(what.to_owned()).or_default() += 1;
                    continue;
                }
            };
            let (collection, place) = (&incoming.collection, place.to_string());
            *report.objects.entry(collection.clone()).or_default() += 1;
            report.revisions += u64::from(incoming.keeps_revision());
            let one = |group: &usize| known.groups.get(*group).map(|shared| (*group, shared));
            for (group, shared) in known.shared.get(&number).into_iter().flatten().filter_map(one) {
                members.entry(group).or_default().push(self.member(&incoming, &place, &shared.property));
            }
            if !filled.contains_key(collection) {
                filled.insert(collection.clone(), !self.db.is_empty(collection).await?);
            }
            if filled.get(collection) == Some(&true) {
                if self.db.are_there(vec![(collection.clone(), incoming.id.clone())]).await?.first() == Some(&true) {
                    report.there += 1;
                } else {
                    clashes.extend(self.clashes(&incoming, &place).await?);
                }
            }
            let distinct: BTreeSet<Lost> = taken.lost.into_iter().collect();
            for one in distinct {
                *lost.entry((collection.clone(), one)).or_default() += 1;
            }
            report.to_hash += taken.clear.len() as u64;
            if *collection == self.people {
                if !taken.sign_in.works() {
                    self.without_sign_in(&incoming, &taken.sign_in, &mut report);
                }
                *sign_in.entry(taken.sign_in).or_default() += 1;
                let status = incoming.content.get("accountStatus").and_then(Value::as_str).unwrap_or("none");
                *report.statuses.entry(status.to_owned()).or_default() += 1;
                for (what, place) in &self.brought {
                    let there = place.get(&incoming.content).is_some_and(is_something);
                    if there {
                        *report.brought.entry((*what).to_owned()).or_default() += 1;
                    }
                }
            }
        }
        report.sign_in =
            sign_in.into_iter().map(|(how, people)| SignInCount { works: how.works(), how: how.to_string(), people }).collect();
        report.lost = lost
            .into_iter()
            .map(|((collection, Lost { property, why }), count)| LostCount { collection, property, why: why.into_owned(), count })
            .collect();
        let groups = proposed(known, members, clashes);
        report.doubles.to_resolve = groups.iter().filter(|(_, is_unique)| *is_unique).count() as u64;
        report.doubles.not_found = groups.len() as u64 - report.doubles.to_resolve;
        report.hashing_seconds = self.hashing_seconds(report.to_hash)?;
        report.seal(known.order);
        Ok((report, Resolution::proposed(groups.into_iter().map(|(group, _)| group).collect())))
    }

    /// Names somebody who could not sign in.
    fn without_sign_in(&self, object: &Incoming, how: &SignIn, report: &mut Report) {
        let name = object.content.get("userName").and_then(Value::as_str).unwrap_or_default().to_owned();
        let somebody = WithoutSignIn { id: object.id.clone(), name, why: how.to_string() };
        if let Some(hears) = self.names_without {
            hears(&somebody);
        }
        if report.first_without_sign_in.len() < LISTED {
            report.first_without_sign_in.push(somebody);
        }
    }

    fn member(&self, object: &Incoming, place: &str, property: &str) -> Member {
        let name = object.content.get(property).and_then(Value::as_str).unwrap_or_default().to_owned();
        let meta = object.content.get(self.meta.as_str());
        let seen =
            meta.and_then(|meta| meta.get("lastLogin").and_then(Value::as_str).or_else(|| meta.pointer("/lastChanged/date")?.as_str()));
        let (id, place, seen) = (object.id.clone(), place.to_owned(), seen.unwrap_or_default().to_owned());
        Member { id, name, place, seen, choice: Choice::Keep }
    }

    /// The objects of the store that have a unique name of an object that comes.
    async fn clashes(&self, object: &Incoming, place: &str) -> Result<Vec<Group>, ImportError> {
        let mut clashes = Vec::new();
        for (collection, at, _) in self.names.iter().filter(|(collection, _, unique)| *unique && *collection == object.collection) {
            let Some(form) = at.get(&object.content).and_then(Value::as_str).and_then(names::form) else { continue };
            let property = property_of(at);
            let mut holders = self.db.named(collection, &property, &form).await?;
            holders.retain(|holder| *holder != object.id);
            if holders.is_empty() {
                continue;
            }
            let name = |_: &String| form.as_str().to_owned();
            let store = "the store".to_owned();
            let mut objects: Vec<Member> = holders
                .iter()
                .map(|id| Member { id: id.clone(), name: name(id), place: store.clone(), seen: String::new(), choice: Choice::Keep })
                .collect();
            objects.push(self.member(object, place, &property));
            clashes.push(Group { collection: collection.clone(), property, why: UNIQUE.to_owned(), objects });
        }
        Ok(clashes)
    }
}

/// A proposal for each group: whoever was there last keeps the name, the others get one with a number. Says of each whether it must be
/// resolved.
fn proposed(known: &Known, members: BTreeMap<usize, Vec<Member>>, clashes: Vec<Group>) -> Vec<(Group, bool)> {
    let mut proposed = BTreeSet::new();
    let mut groups: Vec<(Group, bool)> = Vec::new();
    let within = members.into_iter().filter(|(_, objects)| objects.len() > 1).filter_map(|(group, mut objects)| {
        let Shared { collection, property, is_unique } = known.groups.get(group)?;
        objects.sort_by(|left, right| right.seen.cmp(&left.seen));
        let why = if *is_unique { UNIQUE } else { FOUND };
        Some((Group { collection: collection.clone(), property: property.clone(), why: why.to_owned(), objects }, *is_unique))
    });
    for (mut group, is_unique) in within.chain(clashes.into_iter().map(|group| (group, true))) {
        if is_unique {
            let taken = known.taken.get(&(group.collection.clone(), group.property.clone()));
            let first = group.objects.iter().position(|member| member.place == STORE).unwrap_or(0);
            for (at, member) in group.objects.iter_mut().enumerate() {
                if at != first && member.place != STORE {
                    member.choice = Choice::Rename { to: another(&member.name, taken, &mut proposed) };
                }
            }
        }
        groups.push((group, is_unique));
    }
    groups
}

const UNIQUE: &str = "names that are one, or look alike, must not both exist; whoever was here last keeps theirs in this proposal";
const FOUND: &str = "people are found by this name, and several have it: none of them is found by it";
const STORE: &str = "the store";

/// A name like this one that nobody has.
fn another(name: &str, taken: Option<&Fingerprints>, proposed: &mut BTreeSet<u64>) -> String {
    let (local, rest) = name.split_once('@').map_or((name, String::new()), |(local, domain)| (local, format!("@{domain}")));
    for number in 2_u32.. {
        let candidate = format!("{local}-{number}{rest}");
        let Some(form) = names::form(&candidate) else { break };
        let mark = fingerprint(&[Canonical::as_str(&form)]);
        if !taken.is_some_and(|taken| taken.contains(mark)) && proposed.insert(mark) {
            return candidate;
        }
    }
    name.to_owned()
}

fn dangling(property: &str) -> Lost {
    Lost { property: property.to_owned(), why: "a reference to an object that is neither in the source nor in the store".into() }
}

fn property_of(place: &Pointer) -> String {
    place.tokens().join("/")
}

fn is_something(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Array(elements) => !elements.is_empty(),
        Value::Object(members) => !members.is_empty(),
        _ => true,
    }
}

/// Why an object cannot be stored, in one line.
fn what_of(error: &crest::ResourceError) -> String {
    let property = error.detail.as_ref().and_then(|detail| detail.pointer("/failedPolicyRequirements/0/property")).and_then(Value::as_str);
    match property {
        Some(property) => format!("the text of '{property}' is longer than 1 MiB"),
        None => error.message.clone(),
    }
}
