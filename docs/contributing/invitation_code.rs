//! `invitationCode`: asks for a code that was given out beforehand. A file of the project holds the SHA-256 of each code, one a line, as
//! `printf %s CODE | sha256sum` prints it; whoever reads the file cannot use them. Codes must be long enough that nobody guesses one:
//! `openssl rand -hex 16` makes a good one.
//!
//! Easiest to break: a code is used when the account exists, and not when it was typed. Whoever does not finish has lost nothing, and of
//! many who finish at once with one code, one gets an account.

use std::collections::BTreeSet;

use async_trait::async_trait;
use crest::ResourceError;
use process::keys::{FileName, Needed};
use process::{Compiling, Example, Issue, Progress, Requirements, Stage, StageContext, StageFacts, Tag, file_companion, sha256_hex};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::{Services, input};

/// Configuration of `invitationCode`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Config {
    /// The file of the project that holds the codes, hashed.
    #[serde(default)]
    file: Needed<FileName>,
}

/// The stage.
pub(super) struct InvitationCode {
    hashes: BTreeSet<String>,
}

/// What is taken, in the words of the answer to whoever comes too late.
const THING: &str = "invitation code";

#[async_trait]
impl Stage<Services> for InvitationCode {
    const NAME: &'static str = "invitationCode";
    const SUMMARY: &'static str = "Asks for an invitation code, which is good for one account.";

    type Config = Config;

    fn example() -> Example {
        let codes = format!("{}\n{}\n", sha256_hex("5f1c9a0e7b3d4c26"), sha256_hex("a90b7d2e4f6c8135"));
        Example::new(json!({ "file": "conf/invitations.txt" }))
            .with(file_companion("conf/invitations.txt"), codes.into())
            .answered(Tag::INITIAL, json!({ "invitationCode": "5f1c9a0e7b3d4c26" }))
            .or(json!({ "invitationCode": " a90b7d2e4f6c8135 " }))
    }

    fn facts(_: &Config) -> StageFacts {
        StageFacts::default()
    }

    fn compile(config: Config, cx: &mut Compiling<'_, Services>) -> Result<Self, Vec<Issue>> {
        let Some(text) = cx.file(config.file.trim()) else {
            let message = format!("there is no file '{}' in the project", config.file.trim());
            return Err(vec![Issue::error(format!("{}/file", cx.pointer()), "missing-file", message)]);
        };
        // `sha256sum` prints a file's name behind the hash.
        let hashes = text.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_lowercase).collect();
        Ok(Self { hashes })
    }

    fn is_static(&self) -> bool {
        true
    }

    async fn requirements(&self, _: &mut StageContext<'_, Services>) -> Result<Option<Requirements>, ResourceError> {
        Ok(Some(Requirements::new("Invitation").text("invitationCode", "Invitation code")))
    }

    async fn advance(&self, cx: &mut StageContext<'_, Services>, _: &str, input: &Map<String, Value>) -> Result<Progress, ResourceError> {
        let hash = sha256_hex(input::text(input, "invitationCode")?.trim());
        if !self.hashes.contains(&hash) || cx.is_taken(THING, &hash).await? {
            return Err(ResourceError::bad_request("The invitation code is not valid"));
        }
        cx.take_once(THING, hash);
        Ok(Progress::Done)
    }
}
