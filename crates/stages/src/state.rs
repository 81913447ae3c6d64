//! Members of the shared state (idm-docs §1.7). State is data handed from stage to stage; it never proves anything.

/// The named account's id.
pub(crate) const USER_ID: &str = "userId";
/// A mail address: the named account's, or the one a person without account typed.
pub(crate) const MAIL: &str = "mail";
/// The named account's user name.
pub(crate) const USER_NAME: &str = "userName";
/// The named account's status.
pub(crate) const ACCOUNT_STATUS: &str = "accountStatus";
/// An address that the signed-in person wants instead of the stored one, until it is confirmed.
pub(crate) const NEW_MAIL: &str = "newMail";
/// Details of a person who has no account yet.
pub(crate) const USER: &str = "user";
/// Which question each answer belongs to.
pub(crate) const ASKED: &str = "KEY_STATE_ANSWER_VS_QUESTION";
/// Digest of the credential the account had when it was named.
pub(crate) const CREDENTIAL: &str = "credential";
/// Seconds since 1970, when the code of this token was mailed.
pub(crate) const MAILED_AT: &str = "mailedAt";
/// The property that holds mail addresses, where it is not `mail`.
pub(crate) const MAIL_FIELD: &str = "mailField";
/// Makes the members of an account as long as those of any other.
pub(crate) const FILLER: &str = "filler";

/// The collection the details are for, where it is not `managed/user`.
pub(crate) const COLLECTION: &str = "collection";
/// 1 when an account has the typed address already, else 0: as long either way.
pub(crate) const MAIL_TAKEN: &str = "mailTaken";
/// The typed password, sealed for this instance; only where a stage signs the person in elsewhere.
pub(crate) const PASSWORD: &str = "sealedPassword";
/// Whether the terms were accepted.
pub(crate) const TERMS_ACCEPTED: &str = "TERMS_ACCEPTED";
/// When they were.
pub(crate) const TERMS_DATE: &str = "TERMS_DATE";
/// Which version; absent for a text without one.
pub(crate) const TERMS_VERSION: &str = "TERMS_VERSION";
/// What `consentedMappings` of the new person will hold.
pub(crate) const CONSENTED: &str = "consentedMappings";
/// Which parts of a joined form are done.
pub(crate) const PARTS: &str = "parts";

/// Where a conditional stage keeps its choice, with the stage's place behind it.
pub(crate) const CHOSEN: &str = "branch";
/// A nested form was left without an answer.
pub(crate) const SKIPPED: &str = "skipped";

/// Where a stage of the project's own keeps its state, with the stage's place behind it.
pub(crate) const FOREIGN: &str = "foreign";

/// Members that parameters of a client may never be called.
pub(crate) const RESERVED: [&str; 18] = [
    USER_ID,
    ACCOUNT_STATUS,
    NEW_MAIL,
    USER,
    ASKED,
    CREDENTIAL,
    MAILED_AT,
    MAIL_FIELD,
    FILLER,
    COLLECTION,
    MAIL_TAKEN,
    PASSWORD,
    TERMS_ACCEPTED,
    TERMS_DATE,
    TERMS_VERSION,
    CONSENTED,
    PARTS,
    SKIPPED,
];
