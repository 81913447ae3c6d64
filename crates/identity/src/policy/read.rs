//! `policy.json`: which policies hold for which resource. The file never defines a policy: it names scripts, of which the product's own
//! are native and an operator's add policies of their own ([`super::own`]).

use serde_json::Value;

use super::effective::{self, Known, PropertyPolicies};
use super::rule::Policy;
use super::{Companions, Policies, own};
use crate::loose;
use crate::problem::{MANAGED, POLICY, Problem, Problems, Severity, below};
use crate::schema::{ConditionalPolicies, DeclaredPolicy, Schemas, conditional_policies, declared_policies};
use crate::scripting::ScriptFiles;
use crate::scripting::source::source;
use crate::scripting::waiver::Waivers;

/// The product's own policy script.
const PRODUCT_FILE: &str = "policy.js";
/// Where it lies, for files that say so.
const PRODUCT_PLACE: &str = "bin/defaults/script/policy.js";
/// The key of a script that computes policies, and the word that waives it.
const CALCULATED: &str = "calculatedProperties";
/// The module of the product that computes policies.
const PRODUCT_MODULE: &str = "selfServicePolicies";
/// Its functions; both are native.
const PRODUCT_FUNCTIONS: [&str; 2] = ["getRegistrationProperties", "getResetProperties"];

pub(super) fn policies(policy: Option<&Value>, schemas: &Schemas, companions: Companions) -> (Policies, Vec<Problem>) {
    let mut of_managed = Problems::of(MANAGED);
    let (own, mut of_policy) = own::of(policy, &companions.scripts);
    let known = Known { companions: &companions, own: &own };
    let mut policies = Policies::default();
    for object in schemas.iter() {
        let of_object = effective::of_object(object, known, &mut of_managed);
        policies.objects.insert(object.collection(), of_object);
    }
    if let Some(file) = policy {
        let of_file = Waivers::read(file, "", &mut of_policy);
        scripts(file, &known.companions.scripts, &mut of_policy);
        for (pointer, resource) in resources(file) {
            let Some(name) = loose::text(resource, "resource") else {
                of_policy.add(Severity::Warning, &pointer, "an entry of 'resources' needs a 'resource'; it is ignored");
                continue;
            };
            let collection = name.trim_matches('/').trim_end_matches("/*").trim_start_matches("repo/").to_owned();
            let of_resource = Waivers::read(resource, &pointer, &mut of_policy);
            if own_calculation(resource, &known.companions.scripts) && !of_resource.covers(CALCULATED) {
                let message = format!(
                    "the policies of '{name}' are computed by a script of your own, which is not run: whatever asks for them is refused, until \
                     \"vestibule\": {{\"waive\": [\"{CALCULATED}\"]}} beside it says that the product's own are enough"
                );
                of_policy.add(Severity::Error, &below(&pointer, CALCULATED), message);
                policies.unknown.push(name.trim_matches('/').to_owned());
            }
            for (pointer, property) in properties(resource, &pointer) {
                let Some(property_name) = loose::text(property, "name") else { continue };
                let waivers = Waivers::read(property, &pointer, &mut of_policy);
                let waived = |policy: &mut DeclaredPolicy| {
                    policy.waived |= [&waivers, &of_resource, &of_file].map(|waivers| waivers.covers_policy(&policy.id)).contains(&true);
                };
                let Declared { mut plain, mut conditional, mut fallback } =
                    Declared::of(property, &pointer, &known.companions.scripts, &mut of_policy);
                plain.iter_mut().for_each(waived);
                fallback.iter_mut().for_each(waived);
                conditional.iter_mut().flat_map(|conditional| &mut conditional.policies).for_each(waived);
                waivers.report(&format!("'{property_name}'"), &mut of_policy);
                let target = policies.objects.entry(collection.clone()).or_default();
                let (of, element) = match property_name.strip_suffix("[*]") {
                    Some(of) => (of, true),
                    None => (property_name.as_str(), false),
                };
                let at = target.iter().position(|known| known.name == of);
                let mut held =
                    at.map_or_else(|| PropertyPolicies { name: of.to_owned(), ..PropertyPolicies::default() }, |at| target.remove(at));
                let credential = of == "password";
                let list = if element { &mut held.elements } else { &mut held.policies };
                effective::declared(&plain, credential, list, known, &mut of_policy);
                held.reauthenticate(&plain, known.own);
                if element && !conditional.is_empty() {
                    let message = "conditions on the elements of a list are not offered: every value of the list is refused";
                    of_policy.add(Severity::Error, &below(&pointer, "conditionalPolicies"), message);
                    held.elements.push(Policy::broken("conditionalPolicies", message));
                } else if element {
                    effective::declared(&fallback, credential, &mut held.elements, known, &mut of_policy);
                } else {
                    held.add_conditional(&conditional, &fallback, credential, known, &mut of_policy);
                }
                target.insert(at.unwrap_or(target.len()), held);
            }
            of_resource.report(&format!("'{name}'"), &mut of_policy);
        }
        of_file.report("policy.json", &mut of_policy);
    }
    let modules = companions.scripts.modules();
    policies.scripting.modules = modules;
    policies.companions = companions;
    let mut problems = of_managed.into_vec();
    problems.extend(of_policy.into_vec());
    (policies, problems)
}

/// The policies that an entry declares.
struct Declared {
    plain: Vec<DeclaredPolicy>,
    conditional: Vec<ConditionalPolicies>,
    fallback: Vec<DeclaredPolicy>,
}

impl Declared {
    fn of(property: &Value, pointer: &str, files: &ScriptFiles, problems: &mut Problems) -> Self {
        Self {
            plain: declared_policies(property.get("policies"), &below(pointer, "policies"), problems),
            conditional: conditional_policies(property.get("conditionalPolicies"), &below(pointer, "conditionalPolicies"), files, problems),
            fallback: declared_policies(property.get("fallbackPolicies"), &below(pointer, "fallbackPolicies"), problems),
        }
    }

    fn all(self) -> impl Iterator<Item = DeclaredPolicy> {
        let conditional = self.conditional.into_iter().flat_map(|conditional| conditional.policies);
        self.plain.into_iter().chain(self.fallback).chain(conditional)
    }
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

fn scripts(file: &Value, files: &ScriptFiles, problems: &mut Problems) {
    let of_product = |name: &str| (name.trim_start_matches("./") == PRODUCT_FILE || name.ends_with(PRODUCT_PLACE)) && !files.replaces(name);
    if let Some(name) = loose::text(file, "file").filter(|name| !of_product(name.trim())) {
        let message = format!(
            "the policy script '{name}' stands in the place of the product's, which is not offered: the product's policies hold natively, and \
             others are refused; add yours with 'additionalFiles'"
        );
        problems.add(Severity::Error, "/file", message);
    }
}

/// Whether a resource's policies are computed by anything else than a call of the product's.
fn own_calculation(resource: &Value, files: &ScriptFiles) -> bool {
    let Some(script) = loose::member(resource, CALCULATED) else { return false };
    let source: String = source(script).ok().flatten().unwrap_or_default().chars().filter(|c| !c.is_whitespace()).collect();
    let called = source.trim_end_matches(';').replace('"', "'");
    let of_product = PRODUCT_FUNCTIONS.iter().any(|function| called == format!("require('{PRODUCT_MODULE}').{function}()"));
    !of_product || files.replaces(PRODUCT_MODULE)
}

pub(super) fn word_files(schemas: &Schemas, policy: Option<&Value>) -> Vec<String> {
    let mut declared: Vec<DeclaredPolicy> = Vec::new();
    for property in schemas.iter().flat_map(|object| &object.properties) {
        let conditional = property.conditional_policies.iter().flat_map(|conditional| &conditional.policies);
        declared.extend(property.policies.iter().chain(&property.fallback_policies).chain(conditional).cloned());
    }
    let mut ignored = Problems::of(POLICY);
    for (pointer, resource) in policy.into_iter().flat_map(resources) {
        for (pointer, property) in properties(resource, &pointer) {
            declared.extend(Declared::of(property, &pointer, &ScriptFiles::default(), &mut ignored).all());
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
