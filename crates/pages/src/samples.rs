//! Every page in every state and language as files, for whoever wants to see what people will: `vestibule check --pages`. The tests of our own
//! pages look at the same files.

use std::path::Path;

use project::Project;
use serde_json::{Value, json};

use crate::language::direction;
use crate::look::Look;
use crate::table::ROWS;

/// Every page of a project, a file each: `<language>/<page>.<state>.html`, and what they load, `assets/…`. A page that cannot be shown is left
/// out; [`check`](crate::check) says why.
#[must_use]
pub fn samples(root: Option<&Path>, project: &Project) -> Vec<(String, Vec<u8>)> {
    let look = Look::of(root, project);
    let mut files: Vec<(String, Vec<u8>)> =
        look.assets.files().map(|(name, asset)| (format!("assets/{name}"), asset.bytes.to_vec())).collect();
    for (state, template, context) in ROWS.iter().flat_map(|row| (row.samples)()) {
        let page = template.trim_end_matches(".html").replace('/', "-");
        for language in look.languages.tags() {
            let context = on_disk(&look, context.clone(), language, template.starts_with("account/"));
            if let Ok(html) = look.templates.render_own(&template, &context) {
                files.push((format!("{language}/{page}.{state}.html"), html.into_bytes()));
            }
        }
    }
    files
}

/// A sample with what surrounds every page; `own` is what is not the same wherever samples are looked at.
pub(crate) fn surrounded(mut context: Value, language: &str, own: Value) -> Value {
    let around = json!({
        "language": language,
        "dir": direction(language),
        "form_token": "sample",
        "owing": false,
        "pages_on": true,
        "features": {"registration": true, "reset": true, "username": true},
    });
    for more in [around, own] {
        if let (Value::Object(members), Value::Object(more)) = (&mut context, more) {
            members.extend(more);
        }
    }
    context
}

/// The same as a browser on the disk finds it.
fn on_disk(look: &Look, context: Value, language: &str, signed_in: bool) -> Value {
    let languages: Vec<Value> = look
        .languages
        .tags()
        .map(|tag| json!({"tag": tag, "dir": direction(tag), "name": look.languages.plain(tag, "language-name", &[]), "current": tag == language}))
        .collect();
    let logo = look.assets.files().find(|(_, asset)| asset.path == look.logo());
    let own = json!({
        "languages": languages,
        "brand": look.brand,
        "logo": logo.map(|(name, _)| format!("../assets/{name}")).unwrap_or_default(),
        "assets": {"style": "../assets/style.css", "script": "../assets/page.js", "icon": "data:,"},
        "here": "/",
        "account": if signed_in { "bjensen" } else { "" },
    });
    surrounded(context, language, own)
}
