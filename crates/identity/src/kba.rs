//! Security questions (knowledge-based answers): the questions of `selfservice.kba.json`, the answers of a person, what may be
//! defined, which are asked, and whether an answer is right.
//!
//! Easiest to break: which questions are asked must not depend on how often somebody asks. [`draw`] is a keyed function of the
//! process instance, so a replayed token cannot re-roll them, and an account that does not exist has questions of its own
//! ([`decoy_questions`]) to draw from (decision 21, SEC-28). Attempts are counted in the store before anything is
//! compared (SEC-47); nothing here counts.

mod answers;
mod config;
mod definition;
mod patch;
mod question;
mod selection;
mod settling;

pub use answers::{QuestionRef, StoredAnswer, answer_secret, hash_answer, normalise, read_answers, verify_answer};
pub use config::{DEFAULT_KBA, KbaConfig, Question};
pub use definition::{DefinitionRules, KbaError, KbaErrorKind, NewAnswer, NewAnswerValue, check_definition, check_stored, hash_answers};
pub use patch::check_user_patch;
pub use selection::{asked_from, decoy_questions, draw, verification_properties};
pub use settling::{mark_changed, settled};

/// Longest custom question, in characters.
pub const MAX_QUESTION_CHARACTERS: usize = 512;

/// Most answers one person may define: each costs a slow hash.
pub const MAX_ANSWERS: usize = 32;

/// Member naming a system question.
pub(crate) const QUESTION_ID: &str = "questionId";
/// Member holding a question of the person's own.
pub(crate) const CUSTOM_QUESTION: &str = "customQuestion";
/// Member holding the answer.
pub(crate) const ANSWER: &str = "answer";
/// Member holding when an answer was set by somebody who had shown a session and nothing else, in seconds since 1970.
pub(crate) const CHANGED: &str = "changed";
