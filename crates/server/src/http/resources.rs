//! The resources of the REST API, one file each, and the way from a path to its resource.

mod authentication;
mod completeness;
mod config;
mod consent;
mod email;
mod info;
mod internal;
mod kba;
mod mail_change;
mod managed;
mod members;
pub(crate) mod metrics;
pub(crate) mod notifications;
mod outbox;
mod policy;
mod privilege;
mod relationship;
mod roles;
mod schema;
mod selfservice;
mod sessions;
mod sync;
mod terms;
mod user_kba;

use crest::ResourceError;

use super::context::Context;
use super::resource::Resource;

/// Finds the resource of a request.
///
/// # Errors
/// 404 where there is none.
pub(crate) fn route<'a>(cx: &Context<'a>) -> Result<Box<dyn Resource + 'a>, ResourceError> {
    let path = cx.call.path;
    let segments = path.segments();
    Ok(match segments.as_slice() {
        ["authentication"] => Box::new(authentication::Authentication),
        ["info", name] => Box::new(info::Info::named(name).ok_or_else(|| path.not_found(0))?),
        ["selfservice", "kba"] => Box::new(kba::Kba),
        ["selfservice", "terms"] => Box::new(terms::Terms),
        ["selfservice", "profile", "completeness", rest @ ..] => {
            Box::new(completeness::Completeness::of(rest).ok_or_else(|| path.not_found(0))?)
        }
        ["selfservice", "user", id] => Box::new(user_kba::UserKba { id: (*id).to_owned() }),
        ["selfservice", name] => Box::new(selfservice::SelfService::find(cx, name).ok_or_else(|| path.not_found(0))?),
        ["managed", name, id, property] if managed::is_relationship(cx, name, property) => Box::new(relationship::Relationship {
            collection: format!("managed/{name}"),
            id: (*id).to_owned(),
            property: (*property).to_owned(),
            reference: None,
        }),
        ["managed", name, id, property, reference] if managed::is_relationship(cx, name, property) => {
            Box::new(relationship::Relationship {
                collection: format!("managed/{name}"),
                id: (*id).to_owned(),
                property: (*property).to_owned(),
                reference: Some((*reference).to_owned()),
            })
        }
        ["managed", name, rest @ ..] => Box::new(managed::Object::find(cx, name, rest)?),
        ["managed"] => return Err(path.not_found(1)),
        ["policy", rest @ ..] => Box::new(policy::Policy { resource: rest.join("/") }),
        ["schema", rest @ ..] => Box::new(schema::Schema::find(cx, &rest.join("/")).ok_or_else(|| path.not_found(0))?),
        ["config", rest @ ..] => Box::new(config::Config { id: rest.join("/") }),
        ["external", "email"] => Box::new(email::Email::find(cx).ok_or_else(|| path.not_found(0))?),
        ["outbox"] => Box::new(outbox::Outbox { id: None }),
        ["outbox", id] => Box::new(outbox::Outbox::one(id).ok_or_else(|| path.not_found(0))?),
        ["privilege", rest @ ..] => Box::new(privilege::Privilege { of: (!rest.is_empty()).then(|| rest.join("/")) }),
        ["identityProviders"] => Box::new(authentication::IdentityProviders),
        ["consent"] => Box::new(consent::Consent),
        ["vestibule", "sessions"] => Box::new(sessions::Sessions { id: None }),
        ["vestibule", "sessions", id] => Box::new(sessions::Sessions { id: Some((*id).to_owned()) }),
        ["vestibule", "mailChange"] => Box::new(mail_change::MailChange),
        ["sync"] => Box::new(sync::Sync),
        ["notification"] => Box::new(notifications::NotificationService),
        ["internal", "user", id] => Box::new(internal::InternalUser { id: (*id).to_owned() }),
        ["internal", "role"] => Box::new(roles::Roles { id: None }),
        ["internal", "role", id] => Box::new(roles::Roles { id: Some((*id).to_owned()) }),
        ["internal", "role", id, "authzMembers"] => Box::new(members::Members { role: (*id).to_owned(), reference: None }),
        ["internal", "role", id, "authzMembers", reference] => {
            Box::new(members::Members { role: (*id).to_owned(), reference: Some((*reference).to_owned()) })
        }
        ["internal", "usermeta", id] => Box::new(internal::UserMeta { id: (*id).to_owned() }),
        ["internal", "notification", id] => Box::new(internal::Notification { id: (*id).to_owned() }),
        _ => return Err(path.not_found(0)),
    })
}
