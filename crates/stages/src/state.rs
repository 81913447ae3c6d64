//! Members of the shared state (idm-docs §1.7). State is data handed from stage to stage; it never proves anything.

/// The named account's id.
pub(crate) const USER_ID: &str = "userId";
/// A mail address: the named account's, or the one a person without account typed.
pub(crate) const MAIL: &str = "mail";
/// The named account's user name.
pub(crate) const USER_NAME: &str = "userName";
/// The named account's status.
pub(crate) const ACCOUNT_STATUS: &str = "accountStatus";
/// Details of a person who has no account yet.
pub(crate) const USER: &str = "user";
/// Which question each answer belongs to.
pub(crate) const ASKED: &str = "KEY_STATE_ANSWER_VS_QUESTION";
/// Digest of the credential the account had when it was named.
pub(crate) const CREDENTIAL: &str = "credential";
/// The property that holds mail addresses, where it is not `mail`.
pub(crate) const MAIL_FIELD: &str = "mailField";
/// Makes the members of an account as long as those of any other.
pub(crate) const FILLER: &str = "filler";

/// Members that parameters of a client may never be called.
pub(crate) const RESERVED: [&str; 7] = [USER_ID, ACCOUNT_STATUS, USER, ASKED, CREDENTIAL, MAIL_FIELD, FILLER];
