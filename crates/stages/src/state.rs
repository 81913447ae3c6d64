//! Members of the shared state (docs/protocol/processes.md, "State"). State is data handed from stage to stage; it never proves anything.

/// The named account's id.
pub const USER_ID: &str = "userId";
/// A mail address: the named account's, or the one a person without account typed.
pub const MAIL: &str = "mail";
/// The named account's user name.
pub const USER_NAME: &str = "userName";
/// The named account's status.
pub const ACCOUNT_STATUS: &str = "accountStatus";
/// An address that the signed-in person wants instead of the stored one, until it is confirmed.
pub const NEW_MAIL: &str = "newMail";
/// Details of a person who has no account yet.
pub const USER: &str = "user";
/// Which question each answer belongs to.
pub const ASKED: &str = "KEY_STATE_ANSWER_VS_QUESTION";
/// Digest of the credential the account had when it was named.
pub const CREDENTIAL: &str = "credential";
/// Seconds since 1970, when the code of this token was mailed.
pub const MAILED_AT: &str = "mailedAt";
/// The code of a mail that another server sent, until it comes back.
pub const FORMER_CODE: &str = "formerCode";
/// The property that holds mail addresses, where it is not `mail`.
pub const MAIL_FIELD: &str = "mailField";
/// The property that holds the status, where it is not `accountStatus`.
pub const STATUS_FIELD: &str = "statusField";
/// Makes the members of an account as long as those of any other.
pub const FILLER: &str = "filler";

/// The collection the details are for, where it is not `managed/user`.
pub const COLLECTION: &str = "collection";
/// 1 when an account has the typed address already, else 0: as long either way.
pub const MAIL_TAKEN: &str = "mailTaken";
/// The typed password, sealed for this instance; only where a stage signs the person in elsewhere.
pub const PASSWORD: &str = "sealedPassword";
/// Whether the terms were accepted.
pub const TERMS_ACCEPTED: &str = "TERMS_ACCEPTED";
/// When they were.
pub const TERMS_DATE: &str = "TERMS_DATE";
/// Which version; absent for a text without one.
pub const TERMS_VERSION: &str = "TERMS_VERSION";
/// What `consentedMappings` of the new person will hold.
pub const CONSENTED: &str = "consentedMappings";
/// The account at an identity provider that was proven, with what the provider says of it.
pub const IDP_DATA: &str = "idpdata";
/// Whose account is being claimed.
pub const CLAIMED: &str = "claimed";
/// Whether the client signs in with the identity provider afterwards.
pub const OAUTH_LOGIN: &str = "OAUTH_LOGIN";
/// Which parts of a joined form are done.
pub const PARTS: &str = "parts";

/// Where a conditional stage keeps its choice, with the stage's place behind it.
pub const CHOSEN: &str = "branch";
/// A nested form was left without an answer.
pub const SKIPPED: &str = "skipped";

/// Where a stage of the project's own keeps its state, with the stage's place behind it.
pub const FOREIGN: &str = "foreign";
