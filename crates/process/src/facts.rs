//! What an instance has proved so far. *Naming* a subject is not *proving* one: `userQuery` names, a mailed code or answered
//! questions prove. Facts are sealed in the process context together with the index of the stage that earned them (SEC-31, SEC-35).

use serde::{Deserialize, Serialize};

/// A managed object that a process is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// Collection path, `managed/user`.
    #[serde(rename = "c")]
    pub collection: String,
    /// The object's id; for a decoy a derived one that no object has.
    #[serde(rename = "i")]
    pub id: String,
    /// A decoy: the account asked for does not exist, is ambiguous or is not active. A decoy can never be proven.
    #[serde(rename = "d", default, skip_serializing_if = "std::ops::Not::not")]
    pub decoy: bool,
}

/// One proven statement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "f", rename_all = "camelCase")]
pub enum Fact {
    /// A captcha was solved.
    Human,
    /// Somebody claims to be this subject.
    Named {
        /// The subject named.
        subject: Subject,
    },
    /// A secret sent to this address came back. `subject` is whose stored address it is; none for a person without account.
    ControlsMail {
        /// The subject whose stored address it is.
        subject: Option<Subject>,
        /// The address.
        address: String,
    },
    /// The subject's security questions were answered.
    KnowsAnswers {
        /// The subject that answered.
        subject: Subject,
    },
    /// The request came on the subject's own session.
    SignedIn {
        /// The session's owner.
        subject: Subject,
    },
    /// The state holds a mail address.
    Mail,
    /// The state holds the details of a person who has no account yet.
    NewUser,
    /// The state holds the subject's user name.
    Username,
    /// The state holds the subject's account status.
    AccountStatus,
    /// The state holds parameters for the end of the process.
    Parameters,
    /// A text was accepted (`terms`, `consent`), in this version.
    Accepted {
        /// What was accepted.
        what: String,
        /// Which version of it.
        version: String,
    },
    /// An account at an identity provider is the person's. It proves that account alone: no mailbox, and no account here.
    OwnsExternal {
        /// The provider.
        provider: String,
        /// The account, by the provider's name for it.
        subject: String,
    },
    /// The object was created.
    Created {
        /// The new object.
        subject: Subject,
    },
}

/// The kinds of [`Fact`], the vocabulary of the prover.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum FactKind {
    /// See [`Fact::Human`].
    Human,
    /// See [`Fact::Named`].
    Named,
    /// See [`Fact::ControlsMail`].
    ControlsMail,
    /// See [`Fact::KnowsAnswers`].
    KnowsAnswers,
    /// See [`Fact::SignedIn`].
    SignedIn,
    /// See [`Fact::Mail`].
    Mail,
    /// See [`Fact::NewUser`].
    NewUser,
    /// See [`Fact::Username`].
    Username,
    /// See [`Fact::AccountStatus`].
    AccountStatus,
    /// See [`Fact::Parameters`].
    Parameters,
    /// See [`Fact::Accepted`].
    Accepted,
    /// See [`Fact::OwnsExternal`].
    OwnsExternal,
    /// See [`Fact::Created`].
    Created,
}

impl FactKind {
    /// What the fact means, to be read after "needs": `needs a named account`.
    #[must_use]
    pub fn phrase(self) -> &'static str {
        match self {
            Self::Human => "a solved captcha",
            Self::Named => "a named account",
            Self::ControlsMail => "a confirmed mail address",
            Self::KnowsAnswers => "answered security questions",
            Self::SignedIn => "a signed-in person",
            Self::Mail => "a mail address",
            Self::NewUser => "the details of a new person",
            Self::Username => "a user name",
            Self::AccountStatus => "an account status",
            Self::Parameters => "parameters",
            Self::Accepted => "an accepted text",
            Self::OwnsExternal => "an account at an identity provider",
            Self::Created => "a created account",
        }
    }
}

impl Fact {
    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> FactKind {
        match self {
            Self::Human => FactKind::Human,
            Self::Named { .. } => FactKind::Named,
            Self::ControlsMail { .. } => FactKind::ControlsMail,
            Self::KnowsAnswers { .. } => FactKind::KnowsAnswers,
            Self::SignedIn { .. } => FactKind::SignedIn,
            Self::Mail => FactKind::Mail,
            Self::NewUser => FactKind::NewUser,
            Self::Username => FactKind::Username,
            Self::AccountStatus => FactKind::AccountStatus,
            Self::Parameters => FactKind::Parameters,
            Self::Accepted { .. } => FactKind::Accepted,
            Self::OwnsExternal { .. } => FactKind::OwnsExternal,
            Self::Created { .. } => FactKind::Created,
        }
    }
}

/// A fact and the stage that earned it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Earned {
    #[serde(rename = "s")]
    stage: usize,
    #[serde(flatten)]
    fact: Fact,
}

/// All facts of one instance.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Facts(Vec<Earned>);

impl Facts {
    /// Records that `stage` earned `fact`; an equal one of the same stage is replaced, so a repeated stage adds nothing.
    pub(crate) fn earn(&mut self, stage: usize, fact: Fact) {
        let kind = fact.kind();
        self.0.retain(|earned| !(earned.stage == stage && earned.fact.kind() == kind && kind != FactKind::Accepted));
        let earned = Earned { stage, fact };
        if !self.0.contains(&earned) {
            self.0.push(earned);
        }
    }

    /// Every fact, in the order they were earned.
    pub fn iter(&self) -> impl Iterator<Item = &Fact> {
        self.0.iter().map(|earned| &earned.fact)
    }

    /// Whether a fact of this kind was earned.
    #[must_use]
    pub fn has(&self, kind: FactKind) -> bool {
        self.iter().any(|fact| fact.kind() == kind)
    }

    /// The first of `needs` that is not met.
    #[must_use]
    pub fn missing<'n>(&self, needs: impl IntoIterator<Item = &'n Need>) -> Option<&'n Need> {
        needs.into_iter().find(|need| !need.any_of.iter().any(|kind| self.has(*kind)))
    }

    /// The subject that was named, last one first.
    #[must_use]
    pub fn named(&self) -> Option<&Subject> {
        self.0.iter().rev().find_map(|earned| match &earned.fact {
            Fact::Named { subject } | Fact::Created { subject } => Some(subject),
            _ => None,
        })
    }

    /// Whose a run is, as a path: who was named, or who is signed in; empty where that is nobody.
    pub(crate) fn object(&self) -> String {
        let subject = self.named().or_else(|| self.signed_in()).filter(|subject| !subject.decoy);
        subject.map(|subject| format!("{}/{}", subject.collection, subject.id)).unwrap_or_default()
    }

    /// The signed-in subject.
    #[must_use]
    pub fn signed_in(&self) -> Option<&Subject> {
        self.iter().find_map(|fact| match fact {
            Fact::SignedIn { subject } => Some(subject),
            _ => None,
        })
    }

    /// Whether a secret that was sent to the stored address of `subject` came back.
    #[must_use]
    pub fn controls_mail_of(&self, subject: &Subject) -> bool {
        self.iter().any(|fact| matches!(fact, Fact::ControlsMail { subject: Some(proven), .. } if proven == subject))
    }

    /// Whether `subject` itself was proven: by its stored mail address, its answers or its session. Never true for a decoy.
    #[must_use]
    pub fn proves(&self, subject: &Subject) -> bool {
        self.proves_beyond_session(subject) || (!subject.decoy && self.signed_in() == Some(subject))
    }

    /// Whether more than a session proves the subject: whoever finds it open would take the account with it (SEC-20).
    #[must_use]
    pub fn proves_beyond_session(&self, subject: &Subject) -> bool {
        !subject.decoy
            && self.iter().any(|fact| match fact {
                Fact::ControlsMail { subject: Some(proven), .. } | Fact::KnowsAnswers { subject: proven } => proven == subject,
                _ => false,
            })
    }
}

/// One thing a stage cannot do without: any of these facts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Need {
    /// One of them is enough.
    pub any_of: &'static [FactKind],
    /// Whether the need is a proof of identity, which `"allowUnproven": true` on the process may waive.
    pub proof: bool,
}

impl Need {
    /// A plain need.
    #[must_use]
    pub const fn any(any_of: &'static [FactKind]) -> Self {
        Self { any_of, proof: false }
    }

    /// A need for proof of the subject.
    #[must_use]
    pub const fn proof(any_of: &'static [FactKind]) -> Self {
        Self { any_of, proof: true }
    }

    /// `a confirmed mail address or answered security questions`.
    #[must_use]
    pub fn phrase(&self) -> String {
        self.any_of.iter().map(|kind| kind.phrase()).collect::<Vec<_>>().join(" or ")
    }
}

/// What a configured stage needs and gives.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct StageFacts {
    /// All of these must be met before the stage may run.
    pub needs: Vec<Need>,
    /// What the stage may earn. A stage can grant nothing else.
    pub gives: Vec<FactKind>,
    /// What the stage may earn on some of its paths only. Nothing is proved by it when a process is loaded.
    pub may_give: Vec<FactKind>,
    /// What the stage earns on each of its paths, where they differ: whichever is taken, everything of one of these lists is earned.
    pub paths: Vec<Vec<FactKind>>,
    /// The stage works on the signed-in person wherever no stage before it names or makes another.
    pub wants_session: bool,
    /// The stage changes a credential: what it needs is counted as proof of identity.
    pub changes_credential: bool,
    /// The stage tells its caller something about an account by design, so that hiding its existence is pointless.
    pub discloses: bool,
    /// A stage before it must keep the password that was typed, sealed, because this one signs the person in elsewhere.
    pub uses_password: bool,
    /// What stages before it wrote must be in the store when it runs, so it is committed first. Such a stage never refuses: what was
    /// committed cannot be taken back.
    pub after_commit: bool,
}
