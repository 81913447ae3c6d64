//! The process engine: definitions, the stage contract, the advance loop, snapshot tokens and the proof that a definition asks for
//! enough before it changes anything. No I/O: whatever touches the world is a port ([`Ledger`], [`Outbox`], the services type `S`
//! that stages receive), so the same engine serves HTTP, runs offline and runs under a virtual clock.
//!
//! The rule that is easiest to break: a stage advances only on a fact that was earned in *this* instance, never because some state
//! happens to be there (SEC-31). State is data; [`Facts`] are proofs.

mod catalogue;
mod compile;
mod config;
mod context;
mod definition;
mod effect;
mod engine;
mod facts;
pub mod loose;
mod mint;
mod ports;
mod proof;
mod requirements;
mod stage;
mod token;

pub use catalogue::{Catalogue, Declared, Merger, StageType};
pub use compile::{Compiled, Compiling, compile, declaration_companion, file_companion};
pub use config::{Issue, Severity};
pub use context::{InstanceId, ProcessContext};
pub use crest::nearest;
pub use definition::{Audience, Companions, Disclosure, Options, Placed, Process, Version};
pub use effect::{AuditEvent, Effect, Mail, MailId, NewSession};
pub use engine::{Caller, Engine, Failure, Initial, Step, StepOutcome, Submission, Submitted};
pub use facts::{Fact, FactKind, Facts, Need, StageFacts, Subject};
pub use mint::{Minted, open_minted};
pub use ports::{
    CommitError, Definitions, Ledger, LedgerError, Outbox, OutboxEntry, OutboxState, Receipt, Spend, StoredContext, StoredDefinition, Unit,
};
pub use requirements::Requirements;
pub use stage::{AnyStage, Delivery, Progress, Stage, StageContext, Tag};
pub use token::{SnapshotToken, TokenSettings};
