//! What `socialUserClaim` answers to a proof that is none, in `requirements.error.message`. Pages say it in the person's language.

/// The password is not the account's, or was tried too often.
pub const WRONG_PASSWORD: &str = "The password is wrong";
/// The account has nothing that would prove it.
pub const UNCLAIMABLE: &str = "This account cannot be claimed: it has no password and no identity provider";
/// What was given is the account that is being claimed with.
pub const SAME_ACCOUNT: &str = "Another account, which is linked to this person, or the password is needed";
/// What was given belongs to somebody else.
pub const NOT_LINKED: &str = "That account is not linked to this person";
/// The account has one of this provider already.
pub const LINKED_ANOTHER: &str = "Another account of this identity provider is linked already";
