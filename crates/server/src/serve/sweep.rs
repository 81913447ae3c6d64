//! What is done every minute: rows that have expired, budgets that are whole again, and the sign that this node is there.

use std::fmt::Display;
use std::time::Duration;

use process::{Ledger, LedgerError, Outbox as _, Sessions};
use tokio::sync::watch;

use super::app::App;
use crate::audit::Noted;

/// How often expired rows are swept.
const SWEEP: Duration = Duration::from_mins(1);
/// What nobody looks at every minute is swept this often, in seconds.
const RARELY: i64 = 3600;
/// Delivered mails are kept this long, in seconds.
const KEEP_DELIVERED: i64 = 7 * 24 * 3600;
/// The funnel, mails that were given up, and definitions that nobody is on are kept so many days, where `[audit] retain_days` says nothing.
const KEEP: i64 = 400;
/// What a step of a process wrote is told in the store for so many days, where `[audit] retain_days` says no less: strangers begin processes, and
/// must not leave something for ever.
const KEEP_STEPS: i64 = 30;
const DAY: i64 = 86_400;

/// Sweeps until the end.
pub(super) async fn sweep(app: App, mut stop: watch::Receiver<bool>) {
    let mut of_before = Before { noted: Noted::default(), steps_forgotten: 0, rarely: i64::MIN };
    loop {
        let dwell = app.accounts.runtime.load().project.jsonstore.cleanup_dwell;
        tokio::select! {
            () = tokio::time::sleep(dwell.min(SWEEP)) => {}
            _ = stop.changed() => return,
        }
        in_the_store(&app, &mut of_before).await;
        // A store that is away has taken its time; an old moment would look as if the clock had been set back.
        let now = app.accounts.now();
        app.budget.sweep(now);
        app.accounts.limits.sweep(now);
        app.accounts.accepted.sweep(now);
        app.metrics.upkeep();
        app.build.upkeep();
    }
}

/// What is known from the sweeps before.
struct Before {
    noted: Noted,
    /// The last step of a process that was looked at.
    steps_forgotten: i64,
    /// When what nobody looks at every minute was swept.
    rarely: i64,
}

/// Everything that is done in the store. What fails keeps the rest from being done only where the store does not answer at all: each part would
/// wait for it as long as a request does, and this node would say late that it is there again.
async fn in_the_store(app: &App, of_before: &mut Before) {
    let now = app.accounts.now();
    let Ok(changed) = app.nodes.look(&app.db, now).await else { return };
    if let Some(alive) = changed {
        app.share_limits(&app.accounts.runtime.load().project.settings.limits);
        // Said once it holds.
        tracing::info!(nodes = alive, "the number of nodes that share the limits has changed");
    }
    let swept = expired(app, of_before, now).await;
    if is_left(app, now, "expired rows could not be swept", swept).await {
        return;
    }
    app.metrics.write_passages(&app.db, now).await;
    let folded = app.db.fold_passages(now).await.map(|counts| app.metrics.counted(&counts));
    if is_left(app, now, "instances whose time is over could not be counted", folded).await {
        return;
    }
    let longest = app.accounts.runtime.load().project.settings.longest_instance();
    let noted = of_before.noted.note(&app.db, app.audit.directory(), now, longest).await;
    if is_left(app, now, "who is on revoked definitions could not be noted", noted).await {
        return;
    }
    let idle = i64::try_from(app.accounts.runtime.load().project.authentication.session.idle.as_secs()).unwrap_or(i64::MAX);
    if let Err(error) = Sessions::sweep(&app.db, now, now.saturating_sub(idle)).await {
        tracing::warn!(%error, "ended sessions could not be swept");
    }
}

/// Says `what` could not be done, where it could not, and whether the rest is left to the next sweep, as the store gives no answer.
async fn is_left<T>(app: &App, now: i64, what: &str, done: Result<T, impl Display>) -> bool {
    let Err(error) = done else { return false };
    tracing::warn!(%error, "{what}");
    app.nodes.are_cut_off(&app.db, now).await
}

/// Removes what has expired and what is older than it is to be kept.
async fn expired(app: &App, of_before: &mut Before, now: i64) -> Result<(), LedgerError> {
    Ledger::sweep(&app.db, now).await?;
    let retained = app.accounts.runtime.load().project.settings.audit.retain_days;
    if of_before.rarely.saturating_add(RARELY) <= now {
        forget_rarely(app, now, retained.map_or(KEEP, i64::from)).await?;
        of_before.rarely = now;
    }
    of_before.steps_forgotten = app.db.forget_steps(of_before.steps_forgotten, now.saturating_sub(KEEP_STEPS * DAY)).await?;
    if let Some(days) = retained {
        let before = now.saturating_sub(i64::from(days) * DAY);
        let forgotten = app.db.forget_audit(before).await?;
        if forgotten > 0 {
            tracing::info!(audit.events = forgotten, "events of the store that are older than [audit] retain_days were removed");
        }
        app.audit.forget(before);
    }
    app.db.forget_delivered(now.saturating_sub(KEEP_DELIVERED)).await.map(drop)
}

/// Removes what is older than so many days.
async fn forget_rarely(app: &App, now: i64, days: i64) -> Result<(), LedgerError> {
    app.db.forget_funnel(now.div_euclid(DAY).saturating_sub(days)).await?;
    let mails = app.db.forget_dead(now.saturating_sub(days.saturating_mul(DAY))).await?;
    let longest = app.accounts.runtime.load().project.settings.longest_instance();
    let definitions = app.db.forget_definitions(now, days.saturating_mul(DAY).max(longest.saturating_add(DAY))).await?;
    if mails > 0 || definitions > 0 {
        tracing::info!(mails, definitions, "mails that were given up, and definitions that nobody is on, were removed after {days} days");
    }
    Ok(())
}
