//! How somebody goes on here whose token was made by the server that the project comes from.
//!
//! Easiest to break: such a token can be made here as little as any other, but it is bound to nothing: not to its process, nor to a definition, nor
//! to the password it was made against. So every stage before its own finds out anew what it had found out, and one that cannot, as a proof of
//! identity, refuses it; and one token is one instance, whatever text it is brought in, so it is spent as any other.

use std::sync::Arc;

use crest::ResourceError;

use super::{Engine, Seen, Standing};
use crate::{Caller, Definitions, FormerToken, InstanceId, Spend, TakenOver};

impl<S: Send + Sync + 'static> Engine<S> {
    /// How such a token stands in the process it is brought to, on the definition that is served now.
    pub(super) async fn take_over(
        &self,
        definitions: &dyn Definitions<S>,
        name: &str,
        mut former: FormerToken,
        caller: &Caller,
    ) -> Result<Seen<S>, ResourceError> {
        let not = |standing| Ok(Seen::Not(standing, None));
        let Some(process) = definitions.current(name).filter(|process| !process.binds_session()) else { return not(Standing::Foreign) };
        let now = self.clock.unix_seconds();
        former.issued = former.expires.saturating_sub(process.token.lifetime);
        // Nobody was ever given more than a lifetime.
        if former.issued > now {
            return not(Standing::Foreign);
        }
        if former.expires < now || former.issued < self.ledger.not_before() || former.issued.saturating_add(self.longest) < now {
            return not(Standing::Expired);
        }
        let mut run = self.begin_as(InstanceId::of_former(name, &former.text), &process, caller);
        run.context.began = former.issued;
        run.context.issued = former.issued;
        run.context.expires = former.expires;
        let spent_below = self.ledger.spent_below(&run.context.instance).await?;
        if u32::try_from(former.stage).unwrap_or(Spend::WHOLE) < spent_below {
            return not(Standing::Spent);
        }
        while let Some(placed) = process.stages.get(run.context.stage) {
            let is_last = run.context.stage == former.stage;
            let taken_over = placed.stage.take_over(&mut self.stage_context(&mut run, placed), &former).await?;
            match taken_over {
                TakenOver::Passed if !is_last => run.context.stage += 1,
                TakenOver::Asks(tag) if is_last && tag.0 == former.tag && run.effects.is_empty() => {
                    tag.0.clone_into(&mut run.context.tag);
                    let context = Box::new(run.context);
                    return Ok(Seen::Good(Arc::clone(&process), context));
                }
                _ => break,
            }
        }
        not(Standing::Foreign)
    }
}
