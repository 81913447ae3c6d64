//! `config/*`: what pages read of the configuration, and all of it for administrators, who list, make, replace, patch and remove it.
//!
//! Easiest to get wrong: an administrator edits what is in the file, pages read what counts. And no secret leaves, not even to an
//! administrator.

use accounts::config_files::{self, file_of, id_of, shown};
use accounts::ports::Wanted;
use async_trait::async_trait;
use crest::{Patch, ResourceError};
use project::Document;
use serde_json::{Map, Value, json};
use wire::conditions::{Expected, Put};
use wire::request::QueryRequest;

use super::info::configuration;
use crate::context::Context;
use crate::listing;
use crate::reply::Reply;
use crate::resource::{Answer, Resource};
use crate::routes::{CONDITIONAL, QUERY, Route, Who, delete, found, get, patch, put};

/// Its rows.
pub(super) const ROUTES: &[Route] = &[Route {
    path: "config/{*name}",
    chapter: "Configuration",
    resource: |_, at| found(Config { id: at.join("/") }),
    operations: &[
        get("/config", Who::Administrators, "The configurations; with a filter their contents.").with(QUERY),
        get("/config/{name}", Who::Administrators, "A file of the project, its secrets withheld.").with(CONDITIONAL),
        get("/config/ui/configuration", Who::Everybody, "What pages read of the configuration.").with(CONDITIONAL),
        get("/config/ui/themeconfig", Who::Everybody, "How pages look.").with(CONDITIONAL),
        get("/config/ui/themerealm", Who::Everybody, "How pages of the newer client look.").with(CONDITIONAL),
        get("/config/ui/dashboard", Who::SignedIn, "What the first page shows.").with(CONDITIONAL),
        put("/config/{name}", Who::Administrators, "Replaces a file of the project, if it would load (If-Match)."),
        patch("/config/{name}", Who::Administrators, "Changes a file of the project, if it would load (If-Match)."),
        delete("/config/{name}", Who::Administrators, "Removes a file of the project, if it would load without (If-Match)."),
    ],
}];

/// What every listed configuration says of itself beside its content, and what no file keeps.
const IDENTITY: [&str; 4] = ["_id", "_rev", PID, FACTORY_PID];
/// Longest name, in bytes: with `.json` behind it, it is the name of a file.
const LONGEST: usize = 200;
const PID: &str = "pid";
const FACTORY_PID: &str = "factoryPid";

/// One configuration, or with an empty id all of them.
pub(super) struct Config {
    /// `ui/configuration`.
    pub(super) id: String,
}

fn of_file(document: Option<&Document>, default: fn() -> Value) -> Value {
    document.map_or_else(default, |document| document.value.clone())
}

fn default_theme() -> Value {
    json!({"path": "", "icon": "favicon.ico", "stylesheets": [], "settings": {}})
}

/// No realm has a theme of its own, so clients of the newer build take the one they were built with.
fn default_realms() -> Value {
    json!({"realm": {}})
}

fn default_dashboard() -> Value {
    json!({"dashboard": {"widgets": [{"type": "Welcome", "size": "large"}]}})
}

fn stale() -> ResourceError {
    ResourceError::precondition_failed("The configuration has changed since it was read")
}

/// How IDM names a configuration: one of several of a kind by its kind and something unique, which here follows from its id.
fn pids(id: &str) -> [(&'static str, Value); 2] {
    match id.split_once('/') {
        None => [(PID, json!(id)), (FACTORY_PID, Value::Null)],
        Some((factory, _)) => {
            let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, id.as_bytes());
            let mut bytes = [0; 16];
            bytes.iter_mut().zip(digest.as_ref()).for_each(|(byte, from)| *byte = *from);
            let unique = uuid::Builder::from_random_bytes(bytes).into_uuid();
            [(PID, json!(format!("{factory}.{unique}"))), (FACTORY_PID, json!(factory))]
        }
    }
}

impl Config {
    fn missing(&self) -> ResourceError {
        ResourceError::not_found(format!("No configuration exists for id {}", self.id))
    }

    /// The file; a configuration without one cannot be written.
    fn file(&self) -> Result<String, ResourceError> {
        if self.id.len() > LONGEST {
            return Err(ResourceError::bad_request(format!("The name of a configuration is at most {LONGEST} bytes long")));
        }
        file_of(&self.id).ok_or_else(|| self.missing())
    }

    /// The file that is to be written: one that is there, or that something here reads.
    fn writable(&self, cx: &Context<'_>) -> Result<String, ResourceError> {
        let file = self.file()?;
        if config_files::is_known(&cx.runtime.project, &file) { Ok(file) } else { Err(self.missing()) }
    }

    fn with_id(&self, content: Value) -> Value {
        let mut body = Map::from_iter([("_id".to_owned(), json!(self.id))]);
        if let Value::Object(content) = content {
            body.extend(content.into_iter().filter(|(name, _)| name != "_id"));
        }
        Value::Object(body)
    }

    fn answer(&self, content: Value, revision: String) -> Reply {
        Reply::Resource { body: self.with_id(content), revision: Some(revision), selected: false, created: None }
    }

    /// The content that is served, secrets withheld.
    fn served(&self, cx: &Context<'_>, file: &str) -> Result<(Value, String), ResourceError> {
        shown(&cx.app.accounts.runtime.load(), file).ok_or_else(|| self.missing())
    }

    async fn change(
        &self,
        cx: &Context<'_>,
        file: &str,
        make: impl FnOnce(Option<(Value, String)>) -> Result<Wanted, ResourceError> + Send,
    ) -> Result<(), ResourceError> {
        config_files::change(cx.actor(), cx.app.files.as_ref(), file, (cx.call.operation.name(), json!({})), Box::new(make)).await
    }
}

/// Every configuration that has a file, by id.
fn all(cx: &Context<'_>) -> Vec<(String, Value, String)> {
    let files = cx.runtime.project.sources.keys();
    let configurations = files.filter_map(|file| {
        let (content, revision) = shown(cx.runtime, file)?;
        Some((id_of(file)?, content, revision))
    });
    let mut configurations: Vec<_> = configurations.collect();
    configurations.sort_by(|left, right| left.0.cmp(&right.0));
    configurations
}

#[async_trait]
impl Resource for Config {
    fn kind(&self) -> &'static str {
        "config"
    }

    async fn read(&self, cx: &Context<'_>, known: Option<&str>) -> Answer {
        if self.id.is_empty() {
            let listed = all(cx).into_iter().map(|(id, _, _)| {
                let named = pids(&id).map(|(name, value)| (name.to_owned(), value));
                Value::Object(std::iter::once(("_id".to_owned(), json!(id))).chain(named).collect())
            });
            return Ok(Reply::resource(json!({"_id": "", "configurations": listed.collect::<Vec<_>>()})));
        }
        if cx.principal.is_administrator()
            && let Some(file) = file_of(&self.id).filter(|_| self.id.len() <= LONGEST)
            && let Some((content, revision)) = shown(cx.runtime, &file)
        {
            return Ok(if known == Some(revision.as_str()) { Reply::NotModified(revision) } else { self.answer(content, revision) });
        }
        let content: Value = match self.id.as_str() {
            "ui/configuration" => json!({ "configuration": configuration(cx) }),
            "ui/themeconfig" => of_file(cx.runtime.project.theme.as_ref(), default_theme),
            "ui/themerealm" => of_file(cx.runtime.project.theme_realm.as_ref(), default_realms),
            "ui/dashboard" => of_file(cx.runtime.project.dashboard.as_ref(), default_dashboard),
            _ => return Err(self.file().err().unwrap_or_else(|| self.missing()).into()),
        };
        Ok(Reply::resource(self.with_id(content)))
    }

    async fn query(&self, cx: &Context<'_>, request: &QueryRequest) -> Answer {
        if !self.id.is_empty() {
            return Err(ResourceError::bad_request("A resource instance cannot be queried").into());
        }
        let entries = all(cx).into_iter().map(|(id, content, revision)| {
            let mut entry = Map::from_iter([("_id".to_owned(), json!(id)), ("_rev".to_owned(), json!(revision))]);
            entry.extend(pids(&id).map(|(name, value)| (name.to_owned(), value)));
            for (name, value) in content.as_object().into_iter().flatten() {
                entry.entry(name).or_insert_with(|| value.clone());
            }
            Value::Object(entry)
        });
        Ok(listing::answer(entries.collect(), request, &cx.presentation.fields)?)
    }

    async fn put(&self, cx: &Context<'_>, put: &Put) -> Answer {
        let file = self.writable(cx)?;
        let mut content = cx.body().clone();
        if let Value::Object(members) = &mut content {
            members.retain(|name, _| !IDENTITY.contains(&name.as_str()));
        }
        let mut made = false;
        let replace = |present: Option<(Value, String)>| {
            made = present.is_none();
            match (put, present) {
                (Put::Create, Some(_)) => Err(ResourceError::precondition_failed("The configuration exists already")),
                (Put::Replace(_), None) => Err(self.missing()),
                (Put::Replace(Expected::Revision(expected)), Some((_, revision))) if *expected != revision => Err(stale()),
                _ => Ok(Wanted::Content(content)),
            }
        };
        self.change(cx, &file, replace).await?;
        let (content, revision) = self.served(cx, &file)?;
        let created = made.then(|| format!("config/{}", self.id));
        Ok(Reply::Resource { body: self.with_id(content), revision: Some(revision), selected: false, created })
    }

    async fn patch(&self, cx: &Context<'_>, expected: &Expected) -> Answer {
        let file = self.file()?;
        let patch = Patch::parse(cx.body())?;
        let patched = |present: Option<(Value, String)>| {
            let (mut content, revision) = present.ok_or_else(|| self.missing())?;
            if expected.revision().is_some_and(|expected| expected != revision) {
                return Err(stale());
            }
            patch.apply(&mut content)?;
            Ok(Wanted::Content(content))
        };
        self.change(cx, &file, patched).await?;
        let (content, revision) = self.served(cx, &file)?;
        Ok(self.answer(content, revision))
    }

    async fn delete(&self, cx: &Context<'_>, expected: &Expected) -> Answer {
        let file = self.file()?;
        let mut removed = None;
        let remove = |present: Option<(Value, String)>| {
            let (content, revision) = present.ok_or_else(|| self.missing())?;
            if expected.revision().is_some_and(|expected| expected != revision) {
                return Err(stale());
            }
            removed = Some((content, revision));
            Ok(Wanted::Nothing)
        };
        self.change(cx, &file, remove).await?;
        let (content, revision) = removed.ok_or_else(|| self.missing())?;
        Ok(self.answer(content, revision))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_of_a_kind_is_its_own_pid_and_one_of_several_has_one_that_stays() {
        assert_eq!(pids("managed"), [(PID, json!("managed")), (FACTORY_PID, Value::Null)]);
        let [(_, pid), (_, factory)] = pids("selfservice/reset");
        assert_eq!(factory, "selfservice");
        assert!(pid.as_str().unwrap().starts_with("selfservice.") && pid.as_str().unwrap().len() == 12 + 36, "{pid}");
        assert_eq!(pids("selfservice/reset")[0].1, pid);
        assert_ne!(pids("selfservice/kba")[0].1, pid);
    }
}
