//! Style, scripts and pictures. A name has the hash of the content in it, so a browser keeps what it has for ever and never keeps too long.

use std::collections::BTreeMap;

use aws_lc_rs::digest;
use axum::body::Bytes;
use wire::files::media_type;

/// Where assets are served.
pub(crate) const PATH: &str = "/vestibule/assets/";

/// The assets of the binary.
const BUILTIN: [(&str, &[u8]); 2] =
    [("style.css", include_bytes!("../assets/style.css")), ("page.js", include_bytes!("../assets/page.js"))];

/// Extensions of what may be served: style, scripts, pictures and fonts, nothing that is a page.
const SERVED: [&str; 12] = ["css", "js", "svg", "png", "jpg", "jpeg", "gif", "webp", "avif", "ico", "woff2", "woff"];

/// One asset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Asset {
    /// The content.
    pub(crate) bytes: Bytes,
    /// Its media type.
    pub(crate) media: &'static str,
    /// Its path, with the hash.
    pub(crate) path: String,
}

/// Every asset, by name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Assets(BTreeMap<String, Asset>);

impl Assets {
    /// Those of the binary, with a project's own over them. `colours` is style that a brand adds.
    pub(crate) fn with(own: Vec<(String, Vec<u8>)>, colours: &str) -> Self {
        let mut all: BTreeMap<String, Vec<u8>> = BUILTIN.iter().map(|(name, bytes)| ((*name).to_owned(), bytes.to_vec())).collect();
        all.extend(own);
        if let Some(style) = all.get_mut("style.css") {
            style.extend_from_slice(colours.as_bytes());
        }
        let asset = |(name, bytes): (String, Vec<u8>)| {
            let (stem, extension) = name.rsplit_once('.').unwrap_or((&name, ""));
            let media = media(extension)?;
            let hash = digest::digest(&digest::SHA256, &bytes);
            let hash = hash.as_ref().iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte));
            Some((name.clone(), Asset { path: format!("{PATH}{stem}.{hash:016x}.{extension}"), bytes: bytes.into(), media }))
        };
        Self(all.into_iter().filter_map(asset).collect())
    }

    /// The path of an asset by its name; empty where there is none.
    pub(crate) fn path(&self, name: &str) -> &str {
        self.0.get(name).map_or("", |asset| asset.path.as_str())
    }

    /// Every asset with its name.
    pub(crate) fn files(&self) -> impl Iterator<Item = (&str, &Asset)> {
        self.0.iter().map(|(name, asset)| (name.as_str(), asset))
    }

    /// The asset at a path.
    pub(crate) fn at(&self, path: &str) -> Option<&Asset> {
        self.0.values().find(|asset| asset.path == path)
    }
}

/// The media type of an extension that may be served.
pub(crate) fn media(extension: &str) -> Option<&'static str> {
    let known = SERVED.iter().find(|known| extension.eq_ignore_ascii_case(known))?;
    media_type(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn style_and_scripts_stay_small() {
        let size = |name: &str| BUILTIN.iter().find(|(known, _)| *known == name).unwrap().1.len();
        assert!(size("style.css") <= 20 * 1024, "{}", size("style.css"));
        assert!(size("page.js") <= 20 * 1024, "{}", size("page.js"));
    }

    #[test]
    fn a_name_changes_with_its_content() {
        let (plain, coloured) = (Assets::with(Vec::new(), ""), Assets::with(Vec::new(), ":root{}"));
        assert_ne!(plain.path("style.css"), coloured.path("style.css"));
        assert_eq!(plain.path("page.js"), coloured.path("page.js"));
        assert!(plain.at(plain.path("page.js")).is_some() && plain.at("/vestibule/assets/page.js").is_none());
        assert!(Assets::with(vec![("x.html".into(), Vec::new())], "").path("x.html").is_empty());
    }
}
