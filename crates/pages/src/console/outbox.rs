//! Mails that were given up or wait, sending one again, and the test of a mail.

use crest::ResourceError;
use process::{Mail, MailId, OutboxEntry, OutboxState};
use stages::MailAddress;

use super::shape::{Cell, Console, Field, PATH, Section, time};
use crate::answer::see_other;
use crate::dead_end::{DeadEnd, Why};
use crate::visit::{Outcome, Visit};

/// Mails that are shown of each state, the newest.
const SHOWN: u32 = 100;

pub(super) async fn page(visit: &Visit) -> Result<Console, DeadEnd> {
    let row = |entry: &OutboxEntry| {
        let why = entry.last_error.clone().unwrap_or_default();
        vec![Cell::from(entry.id.0.to_string()), entry.mail.to.as_str().into(), why.into(), time(entry.created).into()]
    };
    let of = async |state: OutboxState| visit.operator.outbox.list(Some(state), SHOWN).await.map_err(ResourceError::from);
    let again = |entry: &OutboxEntry| {
        let mut cells = row(entry);
        cells.push(Cell::button(format!("Send {} again", entry.id.0), "retry", entry.id.0.to_string()));
        cells
    };
    let dead: Vec<_> = of(OutboxState::Dead).await?.iter().map(again).collect();
    let waits = |entry: &OutboxEntry| {
        let mut cells = row(entry);
        cells.push(time(entry.next_attempt).into());
        cells
    };
    let waiting: Vec<_> = of(OutboxState::Pending).await?.iter().map(waits).collect();
    let lead = |rows: &[Vec<Cell>]| {
        if rows.is_empty() { "There are none." } else { "The newest hundred. Texts are never shown: they hold links and codes." }
    };
    let mut sections = vec![
        Section::table("Given up", lead(&dead), &["Mail", "To", "Why", "Written", "Do"], dead),
        Section::table("Waiting", lead(&waiting), &["Mail", "To", "Why", "Written", "Next attempt"], waiting),
    ];
    if visit.accounts.delivery.is_configured() {
        let to = Field { name: "to", label: "Mail address", value: String::new() };
        sections.push(Section::form(
            "Test",
            "Writes a mail to this address, and waits for what the mail server says.",
            "post",
            vec![to],
            "Send a mail",
        ));
    }
    Ok(Console::new("outbox", "Outbox", sections))
}

/// A mail again, or a test.
pub(super) async fn sent(visit: &Visit) -> Outcome {
    let on = |done: &str| Ok(see_other(&format!("{PATH}/outbox?done={done}")));
    if let Some(id) = visit.form.filled("retry") {
        let id = id.parse().map(MailId).map_err(|_| DeadEnd::new(Why::NotFound))?;
        let retried = visit.actor().retry_mail(visit.operator.outbox.as_ref(), id).await;
        retried.map_err(|error| DeadEnd { again: format!("{PATH}/outbox"), ..error.into() })?;
        return on("retried");
    }
    let Ok(address) = visit.form.get("to").trim().parse::<MailAddress>() else { return on("address") };
    if !visit.accounts.delivery.is_configured() {
        return Err(DeadEnd::new(Why::NotFound));
    }
    let mail = Mail {
        to: address.into(),
        from: None,
        subject: "Test of a mail".to_owned(),
        mime_type: "text/plain".to_owned(),
        body: "An administrator has asked for this mail, to see that mails leave this server.\n".to_owned(),
        wait: true,
        withheld: false,
        client: None,
    };
    match visit.actor().send_mails(vec![mail]).await {
        Ok(sent) if visit.accounts.delivery.wait(&sent).await.is_ok() => on("taken"),
        Ok(_) => on("refused"),
        Err(error) if error.code == 400 => on("address"),
        Err(error) => Err(error.into()),
    }
}
