//! The process engine: definitions, the stage contract, the advance loop, snapshot tokens and the proof that a definition asks for
//! enough before it changes anything. No I/O: whatever touches the world is a port ([`Ledger`], [`Outbox`], the services type `S`
//! that stages receive), so the same engine serves HTTP, runs offline and runs under a virtual clock.
//!
//! The rule that is easiest to break: a stage advances only on a fact that was earned in *this* instance, never because some state
//! happens to be there (SEC-31). State is data; [`Facts`] are proofs.

mod audit;
mod caller;
mod canary;
mod catalogue;
mod companions;
mod compile;
mod compiling;
mod config;
mod context;
mod declaration;
mod definition;
mod effect;
mod engine;
mod example;
mod facts;
mod former;
mod hashing;
mod initial;
pub mod keys;
pub mod loose;
mod map;
mod mint;
mod options;
mod overtaken;
mod passage;
mod placed;
mod ports;
mod proof;
mod requirements;
mod session;
mod stage;
mod submission;
mod token;
mod version;

pub use audit::{AuditEvent, Topic};
pub use caller::Caller;
pub use canary::{CanaryOptions, CanaryOutcome, CanaryPair, KeptCanary, MOST_MAILS, Tally, Tolerance};
pub use catalogue::{Catalogue, Merger};
pub use companions::{Companions, declaration_companion, file_companion};
pub use compile::{Compiled, compile};
pub use compiling::{Compiling, StageType};
pub use config::Issue;
pub use context::{InstanceId, ProcessContext, Taken};
pub use crest::{Severity, nearest};
pub use declaration::Declared;
pub use definition::{Definitions, Process};
pub use effect::{Effect, Mail, MailId};
pub use engine::{Engine, Standing};
pub use example::{Answer, Example};
pub use facts::{Fact, FactKind, Facts, Need, StageFacts, Subject};
pub use former::{FormerToken, TakenOver};
pub use hashing::sha256_hex;
pub use initial::Initial;
pub use map::{MapBranch, MapChange, MapFinding, MapStep, ProcessMap};
pub use mint::{Minted, mint, open_minted};
pub use options::{Audience, Disclosure, Options};
pub use overtaken::Overtaken;
pub use passage::{Counted, Passage, Reason, language};
pub use placed::{AnyStage, Delivery, Joined, Placed, Progress, StageContext};
pub use ports::{
    CommitError, Handover, Ledger, LedgerError, Outbox, OutboxEntry, OutboxState, Receipt, Sessions, Spend, StoredContext,
    StoredDefinition, UNIQUE, UndeliveredMails, Unit,
};
pub use requirements::{Requirements, Tag};
pub use session::Session;
pub use stage::Stage;
pub use submission::{Failure, Refused, Step, StepOutcome, Submission, Submitted};
pub use token::{LOCAL_LENGTH, SnapshotToken, TokenSettings};
pub use version::Version;
