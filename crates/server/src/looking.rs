//! A store that is looked at (`vestibule check --store`): opened once, with the keys that open what is sealed in it.
//!
//! Easiest to break: guessing. Where values are sealed and their keys are not here, nothing is said of whoever has them.

use std::path::Path;
use std::sync::Arc;

use jose::KeyRing;
use store::{Db, Inspection};

use crate::keys;
use crate::runtime::{Material, Source};
use crate::sealed::{self, PropertySeal};

/// A store that is looked at.
pub(crate) struct Looking {
    db: Db,
    /// The keys of its server, or why they are not those of the store.
    keys: Result<Arc<KeyRing>, String>,
    /// Whether the project has values sealed.
    is_sealed: bool,
}

impl Looking {
    /// Opens the store of a project.
    ///
    /// # Errors
    /// A sentence that says why it cannot be read.
    pub(crate) fn open(material: &Material, source: &Source, store: Inspection, data: &Path) -> Result<Self, String> {
        let is_sealed = material.project.schemas.iter().any(|schema| schema.sealed().next().is_some());
        let mark = is_sealed.then(|| store.sealed_by()).transpose().map_err(|error| error.to_string())?.flatten();
        let keys = match keys::look(data, &material.project.settings.keys, source.root()) {
            Ok(look) if mark.as_ref().is_some_and(|mark| !sealed::marks(&look.ring).contains(mark)) => Err(format!(
                "properties are encrypted, and the keys that open them are not in '{}'; name the data directory of the server with --data",
                data.display()
            )),
            Ok(look) => Ok(Arc::new(look.ring)),
            Err(error) => Err(error.to_string()),
        };
        let db = store.into_db().map_err(|error| error.to_string())?;
        if let Ok(keys) = &keys {
            db.open_values(Arc::new(PropertySeal(Arc::clone(keys))));
        }
        Ok(Self { db, keys, is_sealed })
    }

    /// The keys of the server.
    ///
    /// # Errors
    /// A sentence that says why these cannot be used.
    pub(crate) fn keys(&self) -> Result<Arc<KeyRing>, String> {
        self.keys.clone()
    }

    /// Its objects.
    ///
    /// # Errors
    /// A sentence that says why values of them cannot be opened.
    pub(crate) fn objects(&self) -> Result<&Db, String> {
        match &self.keys {
            Err(why) if self.is_sealed => Err(why.clone()),
            _ => Ok(&self.db),
        }
    }
}
