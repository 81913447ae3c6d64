//! The identity providers of a project, read and judged before anything is served (docs/protocol/social.md, "Files").
//!
//! Easiest to break: what is wrong with one keeps that one out, and is said when the file is read, never when somebody signs in.

use project::{Diagnostic, Project, ProviderFile, Severity};
use script::Program;
use social::{Flaw, Provider};

use crate::ports::Transforms;

/// The providers that can be used, and their scripts. What is wrong with one is said, and keeps that one out.
pub(crate) fn read(project: &Project, diagnostics: &mut Vec<Diagnostic>) -> (Vec<Provider>, Transforms) {
    let (mut usable, mut transforms) = (Vec::new(), Transforms::new());
    for file in project.providers.iter().filter(|file| file.is_meant()) {
        let said = |code: &'static str, message: String| Diagnostic::new(Severity::Warning, code, file.location.clone(), message);
        let name = file.name().unwrap_or_default();
        match of_file(file, &mut transforms) {
            Ok(provider) => {
                diagnostics.extend(provider.lifted.iter().map(|lifted| {
                    let message = format!(
                        "{name}: '{}' of {} is not answered any more ({}); '{}' is used",
                        lifted.old, lifted.key, lifted.why, lifted.new
                    );
                    said("provider-dialect", message)
                }));
                if provider.redirect_uri().is_empty() {
                    let message = format!(
                        "{name}: redirectUri is missing, so that people sign in with it by clients of 5.0 alone, which ask the provider themselves: other clients and \
                         the server's own pages need it"
                    );
                    diagnostics.push(said("identity-provider", message));
                }
                usable.push(provider);
            }
            // What is of another type was said where it stands.
            Err(flaws) => diagnostics.extend(flaws.into_iter().filter(|flaw| !is_misfit(file, flaw)).map(|flaw| {
                let message = match flaw.key {
                    "" | "provider" => format!("nobody can sign in with this provider: {}", flaw.message),
                    key => format!("nobody can sign in with {name}: {key}: {}", flaw.message),
                };
                said("identity-provider", message)
            })),
        }
    }
    (usable, transforms)
}

fn is_misfit(file: &ProviderFile, flaw: &Flaw) -> bool {
    Provider::misfits(&file.value).iter().any(|misfit| misfit.refuses && misfit.key == flaw.key)
}

fn of_file(file: &ProviderFile, transforms: &mut Transforms) -> Result<Provider, Vec<Flaw>> {
    let provider = Provider::read_with(&file.value, &|name| file.scripts.text(name).map(str::to_owned))?;
    let mut flaws = Vec::new();
    for (key, text) in provider.scripts() {
        match Program::compile(text, key) {
            Ok(program) => drop(transforms.insert(text.to_owned(), program)),
            Err(error) => flaws.push(Flaw { key, message: format!("a script cannot be compiled: {error}") }),
        }
    }
    if flaws.is_empty() { Ok(provider) } else { Err(flaws) }
}
