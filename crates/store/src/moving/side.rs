//! The two sides of a copy: how each is opened, and how its transactions begin.
//!
//! Easiest to break: a source is read in one transaction, so that what the target has is what the source was at one moment.

use std::path::PathBuf;

use super::MoveError;
use crate::engine::{self, Connection};
use crate::{OpenError, postgres, sqlite};

/// A store that is copied from or to.
pub(super) struct Side {
    /// Without a password.
    pub(super) name: String,
    pub(super) connection: Connection,
}

/// What a transaction is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Begin {
    /// Reading one moment, whoever writes meanwhile.
    Reading,
    /// Writing.
    Writing,
}

impl Side {
    /// One that is there.
    pub(super) fn source(location: &str) -> Result<Self, MoveError> {
        if let Some(opened) = postgres::open_to_move(location, false) {
            return Ok(Self::of(opened?));
        }
        let file = existing(location)?;
        let connection = sqlite::writer(&file).map_err(|error| sqlite::open_error(&file, &error))?;
        sqlite::check_version(&file, &connection)?;
        Ok(Self { name: file.display().to_string(), connection: Connection::Sqlite(connection) })
    }

    /// One that is made where it is not there.
    pub(super) fn target(location: &str) -> Result<Self, MoveError> {
        if let Some(opened) = postgres::open_to_move(location, true) {
            return Ok(Self::of(opened?));
        }
        sqlite::migrate_at(location)?;
        let file = sqlite::file(location)?;
        let connection = sqlite::writer(&file).map_err(|error| sqlite::open_error(&file, &error))?;
        Ok(Self { name: file.display().to_string(), connection: Connection::Sqlite(connection) })
    }

    fn of((name, connection): (String, Connection)) -> Self {
        Self { name, connection }
    }

    pub(super) fn failed(&self, error: impl std::fmt::Display) -> MoveError {
        MoveError::Failed { store: self.name.clone(), cause: error.to_string() }
    }

    pub(super) fn begin(&self, begin: Begin) -> Result<(), MoveError> {
        self.run(self.connection.dialect().begin(begin == Begin::Writing))?;
        if begin == Begin::Reading {
            // SQLite keeps the moment of the first look.
            self.run("SELECT rev FROM revision_floor")?;
        }
        Ok(())
    }

    pub(super) fn commit(&self) -> Result<(), MoveError> {
        self.connection.settled().map_err(|error| self.failed(error))?;
        self.run("COMMIT")?;
        if self.connection.is_unreplicated() {
            return Err(self.failed("it is done, but the standby may not have it"));
        }
        Ok(())
    }

    pub(super) fn roll_back(&self) -> Result<(), MoveError> {
        self.run("ROLLBACK")
    }

    fn run(&self, text: &str) -> Result<(), MoveError> {
        self.connection.run(text).map_err(|error| self.failed(error))
    }

    /// Does something in a transaction of its own.
    pub(super) fn write<T>(&self, work: impl FnOnce(&Connection) -> Result<T, engine::Error>) -> Result<T, MoveError> {
        self.begin(Begin::Writing)?;
        match work(&self.connection) {
            Ok(done) => self.commit().map(|()| done),
            Err(error) => {
                // What failed first is what counts.
                let _ = self.roll_back();
                Err(self.failed(error))
            }
        }
    }
}

fn existing(location: &str) -> Result<PathBuf, OpenError> {
    let file = sqlite::file(location)?;
    if file.exists() {
        Ok(file)
    } else {
        Err(OpenError::Unreachable { file: file.display().to_string(), cause: "there is no such file".to_owned() })
    }
}
