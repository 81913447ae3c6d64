//! `policy.json`: which policies hold for which resource. The file never defines a policy (`reference/projects.md`, ranked 7): it
//! names scripts, of which the product's own are native and an operator's are reported.

use serde_json::Value;

use super::effective::{self, PropertyPolicies};
use super::{Companions, Policies};
use crate::loose;
use crate::problem::{MANAGED, POLICY, Problem, Problems, Severity, below};
use crate::schema::{DeclaredPolicy, Schemas, declared_policies};

/// The product's own policy script.
const PRODUCT_FILE: &str = "policy.js";
/// Functions of the product that compute policies; both are native.
const PRODUCT_FUNCTIONS: [&str; 2] = ["getRegistrationProperties", "getResetProperties"];

pub(super) fn policies(policy: Option<&Value>, schemas: &Schemas, companions: Companions) -> (Policies, Vec<Problem>) {
    let mut of_managed = Problems::of(MANAGED);
    let mut policies = Policies { companions, ..Policies::default() };
    for object in schemas.iter() {
        let of_object = effective::of_object(object, &policies.companions, &mut of_managed);
        policies.objects.insert(object.collection(), of_object);
    }
    let mut of_policy = Problems::of(POLICY);
    if let Some(file) = policy {
        scripts(file, &mut of_policy);
        for (pointer, resource) in resources(file) {
            let Some(name) = loose::text(resource, "resource") else {
                of_policy.add(Severity::Warning, &pointer, "an entry of 'resources' needs a 'resource'; it is ignored");
                continue;
            };
            calculated(resource, &name, &pointer, &mut of_policy);
            let collection = name.trim_matches('/').trim_end_matches("/*").trim_start_matches("repo/").to_owned();
            let companions = policies.companions.clone();
            for (pointer, property) in properties(resource, &pointer) {
                let Some(property_name) = loose::text(property, "name") else { continue };
                if loose::member(property, "conditionalPolicies").is_some_and(|list| list.as_array().is_none_or(|list| !list.is_empty())) {
                    let message = format!(
                        "the conditions in 'conditionalPolicies' of '{property_name}' are scripts and cannot be run; none of these policies holds"
                    );
                    of_policy.add(Severity::Warning, &below(&pointer, "conditionalPolicies"), message);
                }
                let mut declared = declared_of(property, &pointer, &mut of_policy);
                let target = policies.objects.entry(collection.clone()).or_default();
                let (plain, element) = match property_name.strip_suffix("[*]") {
                    Some(plain) => (plain, true),
                    None => (property_name.as_str(), false),
                };
                let at = target.iter().position(|known| known.name == plain);
                let mut held =
                    at.map_or_else(|| PropertyPolicies { name: plain.to_owned(), ..PropertyPolicies::default() }, |at| target.remove(at));
                let credential = plain == "password";
                let list = if element { &mut held.elements } else { &mut held.policies };
                effective::declared(&std::mem::take(&mut declared), credential, list, &companions, &mut of_policy);
                target.insert(at.unwrap_or(target.len()), held);
            }
        }
    }
    let mut problems = of_managed.into_vec();
    problems.extend(of_policy.into_vec());
    (policies, problems)
}

fn declared_of(property: &Value, pointer: &str, problems: &mut Problems) -> Vec<DeclaredPolicy> {
    let mut declared = declared_policies(property.get("policies"), &below(pointer, "policies"), problems);
    declared.extend(declared_policies(property.get("fallbackPolicies"), &below(pointer, "fallbackPolicies"), problems));
    declared
}

fn resources(file: &Value) -> impl Iterator<Item = (String, &Value)> {
    let list = file.get("resources").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    list.iter().enumerate().map(|(index, resource)| (format!("/resources/{index}"), resource))
}

fn properties<'a>(resource: &'a Value, pointer: &str) -> impl Iterator<Item = (String, &'a Value)> {
    let list = resource.get("properties").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let pointer = below(pointer, "properties");
    list.iter().enumerate().map(move |(index, property)| (format!("{pointer}/{index}"), property))
}

fn scripts(file: &Value, problems: &mut Problems) {
    if let Some(name) = loose::text(file, "file").filter(|name| !name.ends_with(PRODUCT_FILE)) {
        problems.add(
            Severity::Warning,
            "/file",
            format!("the policy script '{name}' is your own and cannot be run; the known policies hold natively"),
        );
    }
    for name in file.get("additionalFiles").map(loose::texts).unwrap_or_default() {
        let message =
            format!("'{name}' adds policies by script, which cannot be run; each property that uses one of them is reported on its own");
        problems.add(Severity::Warning, "/additionalFiles", message);
    }
}

fn calculated(resource: &Value, name: &str, pointer: &str, problems: &mut Problems) {
    let Some(script) = loose::member(resource, "calculatedProperties") else { return };
    let source = loose::text(script, "source").unwrap_or_default();
    if !PRODUCT_FUNCTIONS.iter().any(|function| source.contains(function)) {
        let message = format!("the policies of '{name}' are computed by a script of your own, which cannot be run");
        problems.add(Severity::Warning, &below(pointer, "calculatedProperties"), message);
    }
}

pub(super) fn word_files(schemas: &Schemas, policy: Option<&Value>) -> Vec<String> {
    let mut declared: Vec<DeclaredPolicy> = Vec::new();
    for property in schemas.iter().flat_map(|object| &object.properties) {
        declared.extend(property.policies.iter().chain(&property.fallback_policies).cloned());
    }
    let mut ignored = Problems::of(POLICY);
    for (pointer, resource) in policy.into_iter().flat_map(resources) {
        for (pointer, property) in properties(resource, &pointer) {
            declared.extend(declared_of(property, &pointer, &mut ignored));
        }
    }
    let mut files: Vec<String> = Vec::new();
    for policy in declared.iter().filter(|policy| policy.id == "password-blacklisted") {
        if let Some(path) = policy.params.as_ref().and_then(|params| loose::text(params, "filePath")).filter(|path| !files.contains(path)) {
            files.push(path);
        }
    }
    files
}
