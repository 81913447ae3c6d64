//! The resources of the REST API: one file each, which holds its rows, and a line of the list. Routes, who may what, the REST reference
//! (OpenAPI) and the tests come from the rows. The first row that matches a path and has something there answers.

mod audit;
mod authentication;
mod canary;
mod completeness;
mod config;
mod config_versions;
mod consent;
mod diagnostics;
mod email;
mod funnel;
mod identity_providers;
mod info;
mod internal;
mod kba;
mod limits;
mod mail_change;
mod managed;
mod members;
mod notifications;
mod outbox;
mod policy;
mod privilege;
mod processes;
mod relationship;
mod roles;
mod schema;
mod selfservice;
mod sessions;
mod sync;
mod terms;
mod user_kba;

pub(crate) use identity_providers::sign_in;

use crest::ResourceError;
use wire::path::captured;

use crate::context::Context;
use crate::resource::Resource;
use crate::routes::{Operation, Route};

/// The rows of every resource. Where two match a path, the first one answers.
const RESOURCES: &[&[Route]] = &[
    authentication::ROUTES,
    identity_providers::ROUTES,
    audit::ROUTES,
    info::ROUTES,
    kba::ROUTES,
    terms::ROUTES,
    completeness::ROUTES,
    user_kba::ROUTES,
    selfservice::ROUTES,
    relationship::ROUTES,
    managed::ROUTES,
    policy::ROUTES,
    schema::ROUTES,
    config::ROUTES,
    email::ROUTES,
    outbox::ROUTES,
    privilege::ROUTES,
    consent::ROUTES,
    sessions::ROUTES,
    mail_change::ROUTES,
    limits::ROUTES,
    canary::ROUTES,
    funnel::ROUTES,
    processes::ROUTES,
    diagnostics::ROUTES,
    config_versions::ROUTES,
    sync::ROUTES,
    notifications::ROUTES,
    internal::ROUTES,
    roles::ROUTES,
    members::ROUTES,
];

fn routes() -> impl Iterator<Item = &'static Route> {
    RESOURCES.iter().copied().flatten()
}

/// All operations of the REST interface with the chapters they belong to, for the reference.
pub fn operations() -> impl Iterator<Item = (&'static str, &'static Operation)> {
    routes().flat_map(|route| route.operations.iter().map(|operation| (route.chapter, operation)))
}

/// Finds the resource of a request.
///
/// # Errors
/// 404 where there is none, 403 where it is for administrators alone.
pub(crate) fn route(cx: &Context<'_>) -> Result<Box<dyn Resource>, ResourceError> {
    let path = cx.call.path;
    let segments = path.segments();
    for route in routes() {
        if let Some(at) = captured(route.path, &segments)
            && let Some(resource) = (route.resource)(cx, &at)?
        {
            if route.is_for_administrators_alone() && !cx.principal.is_administrator() {
                return Err(ResourceError::forbidden("Access denied"));
            }
            return Ok(resource);
        }
    }
    Err(path.not_found(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routes::Who;

    #[test]
    fn every_route_says_what_can_be_done_and_its_operations_lead_to_it() {
        for route in routes() {
            assert!(!route.operations.is_empty(), "{} has no operation", route.path);
            for operation in route.operations {
                let segments: Vec<&str> = operation.path.trim_start_matches('/').split('/').collect();
                let first = routes().find(|route| captured(route.path, &segments).is_some());
                assert_eq!(first.map(|route| route.path), Some(route.path), "{} {}", operation.method, operation.path);
            }
        }
    }

    #[test]
    fn what_is_for_administrators_alone_is_so_whatever_is_done_with_it() {
        for route in routes() {
            let alone = route.operations.iter().filter(|operation| operation.who == Who::AdministratorsAlone).count();
            assert!(alone == 0 || alone == route.operations.len(), "{}", route.path);
        }
    }

    #[test]
    fn no_operation_has_two_rows() {
        let mut all: Vec<_> = operations().map(|(_, operation)| (operation.method, operation.path, operation.action)).collect();
        let before = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), before);
    }
}
