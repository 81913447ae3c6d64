//! The subjects that are measured: one file each, and one line each in [`SUBJECTS`].
//!
//! Easiest to get wrong: a comparison belongs into one run. What is set against each other is measured round by round, in turns.

mod alone;
mod arrivals;
mod beside;
mod browsers;
mod conditions;
mod enumeration;
mod hostile;
mod initial;
mod lists;
mod mail;
mod memory;
mod moving_in;
mod pages;
mod population;
mod processes;
mod profile;
mod proving;
mod registration;
mod rolling;
mod searching;
mod secrets;
mod shared;
mod social;
mod start;
mod submissions;
mod together;
mod tokens;
mod writes;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

use tempfile::TempDir;

use crate::figure::Group;
use crate::mailbox::Mailbox;
use crate::project::AtSignIn;
use crate::server::{Launch, Server};
use crate::{Failure, people, project};

/// A port at which nobody listens (RFC 863's, which no system of today serves).
const NO_MAIL_SERVER: u16 = 9;

/// How much is measured.
#[derive(Clone, Debug)]
pub(crate) struct Extent {
    /// Rounds; a figure is the median of them.
    pub(crate) rounds: u32,
    /// Sizes of the stores that a reset is measured on, smallest first.
    pub(crate) populations: Vec<u64>,
    /// People in flight.
    pub(crate) in_flight: u64,
    /// People who register at once.
    pub(crate) arrivals: u64,
    /// Connections of each hostile network.
    pub(crate) hostile: u64,
    /// Reports of one manager.
    pub(crate) reports: u64,
}

/// What others made, where it is set beside ours.
#[derive(Clone, Debug, Default)]
pub(crate) struct Others {
    /// The program of a peer.
    pub(crate) peer: Option<PathBuf>,
    /// A Python that has the C reference of Argon2.
    pub(crate) reference: Option<PathBuf>,
}

/// What a subject is measured with.
pub(crate) struct Bench {
    /// How the server is started.
    pub(crate) launch: Launch,
    /// How it is started where it may use two cores.
    pub(crate) wide: Launch,
    /// What is set beside us.
    pub(crate) others: Others,
    /// How much is measured.
    pub(crate) extent: Extent,
    /// Where mails go.
    pub(crate) mailbox: Rc<Mailbox>,
    work: TempDir,
    directories: Cell<u32>,
    /// A store of each size that was made, for who only reads.
    stores: RefCell<BTreeMap<u64, PathBuf>>,
}

/// A running measurement.
pub(crate) type Measurement<'b> = Pin<Box<dyn Future<Output = Result<Group, Failure>> + 'b>>;

/// A subject: what `--only` calls it, and how it is measured.
pub(crate) struct Subject {
    /// Its name on the command line.
    pub(crate) name: &'static str,
    /// Measures it.
    pub(crate) measure: fn(&Bench) -> Measurement<'_>,
}

/// The subject that needs somebody else's program.
pub(crate) const PEER: &str = "peer";

/// Every subject, in the order of the table. A new one is a file beside this one and a line here.
pub(crate) const SUBJECTS: [Subject; 28] = [
    Subject { name: "start", measure: |bench| Box::pin(start::measure(bench)) },
    Subject { name: "initial", measure: |bench| Box::pin(initial::measure(bench)) },
    Subject { name: "submissions", measure: |bench| Box::pin(submissions::measure(bench)) },
    Subject { name: "alone", measure: |bench| Box::pin(alone::measure(bench)) },
    Subject { name: "together", measure: |bench| Box::pin(together::measure(bench)) },
    Subject { name: "registration", measure: |bench| Box::pin(registration::measure(bench)) },
    Subject { name: "arrivals", measure: |bench| Box::pin(arrivals::measure(bench)) },
    Subject { name: "profile", measure: |bench| Box::pin(profile::measure(bench)) },
    Subject { name: "proving", measure: |bench| Box::pin(proving::measure(bench)) },
    Subject { name: "conditions", measure: |bench| Box::pin(conditions::measure(bench)) },
    Subject { name: "pages", measure: |bench| Box::pin(pages::measure(bench)) },
    Subject { name: "browsers", measure: |bench| Box::pin(browsers::measure(bench)) },
    Subject { name: "social", measure: |bench| Box::pin(social::measure(bench)) },
    Subject { name: "population", measure: |bench| Box::pin(population::measure(bench)) },
    Subject { name: "lists", measure: |bench| Box::pin(lists::measure(bench)) },
    Subject { name: "searching", measure: |bench| Box::pin(searching::measure(bench)) },
    Subject { name: "processes", measure: |bench| Box::pin(processes::measure(bench)) },
    Subject { name: "memory", measure: |bench| Box::pin(memory::measure(bench)) },
    Subject { name: "enumeration", measure: |bench| Box::pin(enumeration::measure(bench)) },
    Subject { name: "mail", measure: |bench| Box::pin(mail::measure(bench)) },
    Subject { name: "secrets", measure: |bench| Box::pin(secrets::measure(bench)) },
    Subject { name: "tokens", measure: |bench| Box::pin(tokens::measure(bench)) },
    Subject { name: "hostile", measure: |bench| Box::pin(hostile::measure(bench)) },
    Subject { name: "writes", measure: |bench| Box::pin(writes::measure(bench)) },
    Subject { name: "postgresql", measure: |bench| Box::pin(shared::measure(bench)) },
    Subject { name: "rolling", measure: |bench| Box::pin(rolling::measure(bench)) },
    Subject { name: "import", measure: |bench| Box::pin(moving_in::measure(bench)) },
    Subject { name: PEER, measure: |bench| Box::pin(beside::measure(bench)) },
];

impl Bench {
    /// Everything is kept below a temporary directory and goes with it.
    ///
    /// # Errors
    /// When there is no such directory, or no port for mails.
    pub(crate) async fn new(launch: Launch, wide: Launch, others: Others, extent: Extent) -> Result<Self, Failure> {
        let work = tempfile::Builder::new().prefix("vestibule-bench-").tempdir()?;
        let mailbox = Mailbox::start().await?;
        Ok(Self { launch, wide, others, extent, mailbox, work, directories: Cell::new(0), stores: RefCell::default() })
    }

    /// A new directory for a server's data. Its name is free; the server makes it.
    fn data(&self) -> PathBuf {
        let number = self.directories.replace(self.directories.get() + 1);
        self.work.path().join(format!("data{number}"))
    }

    /// A project whose mails come here.
    fn project(&self, at_sign_in: AtSignIn) -> Result<PathBuf, Failure> {
        let root = self.work.path().join(format!("project{at_sign_in:?}"));
        // Servers watch their project; one that is written again would be read again in the middle of a round.
        if !root.exists() {
            project::write(&root, self.mailbox.port(), at_sign_in)?;
        }
        Ok(root)
    }

    /// A directory with a store of so many people, whose indexes are made.
    async fn populated(&self, population: u64) -> Result<PathBuf, Failure> {
        let data = self.data();
        std::fs::create_dir_all(&data)?;
        people::fill(&data, population).await?;
        self.serve(&data)?.stop()?;
        self.stores.borrow_mut().insert(population, data.clone());
        Ok(data)
    }

    /// A directory with a store of so many people, in which others may have changed their passwords. Filling a large one takes minutes.
    async fn lived_in(&self, population: u64) -> Result<PathBuf, Failure> {
        let known = self.stores.borrow().get(&population).cloned();
        match known {
            Some(data) => Ok(data),
            None => self.populated(population).await,
        }
    }

    /// A server with our project, where nothing is due at sign-in, on a store.
    fn serve(&self, data: &Path) -> Result<Server, Failure> {
        self.serve_with(data, AtSignIn::Nothing)
    }

    /// A server with our project in one of its variants.
    fn serve_with(&self, data: &Path, at_sign_in: AtSignIn) -> Result<Server, Failure> {
        self.launch.start(Some(&self.project(at_sign_in)?), data)
    }

    /// A server with our project, and a mail server that is not there.
    fn serve_without_mail(&self, data: &Path) -> Result<Server, Failure> {
        let root = self.work.path().join("projectWithoutMail");
        if !root.exists() {
            project::write(&root, NO_MAIL_SERVER, AtSignIn::Nothing)?;
        }
        self.launch.start(Some(&root), data)
    }

    /// A server with our project that may use two cores.
    fn serve_wide(&self, data: &Path) -> Result<Server, Failure> {
        self.wide.start(Some(&self.project(AtSignIn::Nothing)?), data)
    }
}

/// What one operation costs a server.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cost {
    /// CPU time of one operation.
    pub(crate) cpu: Duration,
    /// The part of it that was hashing.
    pub(crate) hashing: Duration,
    /// Hashes of one operation.
    pub(crate) hashes: f64,
}

impl Cost {
    /// Runs `work`, which does `count` operations, and divides what it cost the server, afterwork included.
    async fn of(server: &Server, count: u64, work: impl Future<Output = Result<(), Failure>>) -> Result<Self, Failure> {
        server.settle().await?;
        let (hashing_before, before) = (server.hashing().await?, server.cpu()?);
        work.await?;
        server.settle().await?;
        let (after, hashing_after) = (server.cpu()?, server.hashing().await?);
        let each = u32::try_from(count.max(1))?;
        Ok(Self {
            cpu: after.saturating_sub(before) / each,
            hashing: hashing_after.cpu.saturating_sub(hashing_before.cpu) / each,
            hashes: f64::from(u32::try_from(hashing_after.jobs - hashing_before.jobs)?) / f64::from(each),
        })
    }

    /// Milliseconds of CPU time.
    fn total(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e3
    }

    /// Milliseconds of CPU time besides hashing.
    fn outside(&self) -> f64 {
        self.cpu.saturating_sub(self.hashing).as_secs_f64() * 1e3
    }

    /// How many of it fit into a second of CPU time.
    fn rate(&self) -> f64 {
        1.0 / self.cpu.as_secs_f64()
    }

    /// Microseconds of CPU time.
    fn micros(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6
    }

    /// Percent of the CPU time that was hashing.
    fn share(&self) -> f64 {
        100.0 * self.hashing.as_secs_f64() / self.cpu.as_secs_f64()
    }
}

/// One number of every sample.
fn each<S>(samples: &[S], of: impl Fn(&S) -> f64) -> Vec<f64> {
    samples.iter().map(of).collect()
}

/// One number of every two samples of a round.
fn pairwise<S>(first: &[S], second: &[S], of: impl Fn(&S, &S) -> f64) -> Vec<f64> {
    first.iter().zip(second).map(|(first, second)| of(first, second)).collect()
}

/// The ninety-ninth of a hundred samples.
fn p99(samples: &mut [f64]) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples.get(samples.len() * 99 / 100).copied().unwrap_or(f64::NAN)
}

/// A number with its thousands apart.
fn grouped(number: u64) -> String {
    match number {
        0..1000 => number.to_string(),
        _ => format!("{} {:03}", grouped(number / 1000), number % 1000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_in_a_hundred_is_worse() {
        let mut samples: Vec<f64> = (0..200).rev().map(f64::from).collect();
        assert!((p99(&mut samples) - 198.0).abs() < f64::EPSILON && p99(&mut []).is_nan());
    }

    #[test]
    fn thousands_stand_apart() {
        assert_eq!([1, 1000, 100_000, 1_000_001].map(grouped), ["1", "1 000", "100 000", "1 000 001"]);
    }
}
