//! The outbox.

use std::collections::BTreeSet;

use process::{Effect, Mail, MailId, Outbox as _, OutboxState, UndeliveredMails, Unit};
use tokio::task::JoinSet;

use super::Store;
use crate::Db;

fn mail(subject: &str) -> Mail {
    Mail {
        to: "ada@example.com".into(),
        from: Some("desk@example.com".into()),
        subject: subject.into(),
        mime_type: "text/html".into(),
        body: "<p>é</p>".into(),
        wait: true,
        withheld: false,
        client: Some(7),
    }
}

async fn send<S: Store>(store: &S, now: i64, mail: Mail) -> MailId {
    store.commit(Unit { now, spend: None, effects: vec![Effect::Mail(mail)] }).await.unwrap().mails[0]
}

pub async fn a_mail_is_claimed_once_until_its_lease_ends<S: Store>(store: S) {
    assert_eq!(store.next_due().await.unwrap(), None);
    let (first, second) = (send(&store, 100, mail("1")).await, send(&store, 105, mail("2")).await);
    assert_eq!(store.next_due().await.unwrap(), Some(100));
    assert_eq!(store.claim(99, 200, 10).await.unwrap(), []);
    let claimed = store.claim(105, 200, 1).await.unwrap();
    assert_eq!((claimed[0].id, claimed[0].attempts, claimed[0].unfinished, claimed.len()), (first, 1, 1, 1));
    let claimed = store.claim(105, 210, 10).await.unwrap();
    assert_eq!((claimed[0].id, claimed.len()), (second, 1));
    assert_eq!(store.claim(199, 300, 10).await.unwrap(), []);
    assert_eq!(store.next_due().await.unwrap(), Some(200));
    let again = store.claim(200, 300, 10).await.unwrap();
    assert_eq!((again[0].id, again[0].attempts, again[0].unfinished, again.len()), (first, 2, 2, 1), "an attempt counts when it begins");
}

/// A mail that kills the process is counted each time, and none that was on its way beside it is blamed more than twice.
pub async fn a_mail_whose_attempts_never_ended_comes_alone_and_last<S: Store>(store: S) {
    let (first, second) = (send(&store, 100, mail("1")).await, send(&store, 101, mail("2")).await);
    for (now, lease) in [(101, 200), (200, 300), (300, 400)] {
        assert_eq!(store.claim(now, lease, 10).await.unwrap().len(), 2, "a process that is killed leaves an attempt on all it had in hand");
    }
    let third = send(&store, 390, mail("3")).await;
    let mut claimed: Vec<Vec<_>> = Vec::new();
    for _ in 0..4 {
        claimed.push(store.claim(400, 500, 10).await.unwrap().iter().map(|entry| (entry.id, entry.unfinished)).collect());
    }
    assert_eq!(claimed, [vec![(third, 1)], vec![(first, 4)], vec![(second, 4)], vec![]]);
    store.failed(first, "451 later", Some(450)).await.unwrap();
    let entry = store.mail(first).await.unwrap().unwrap();
    assert_eq!((entry.attempts, entry.unfinished), (4, 0), "it ended");
}

pub async fn parallel_claims_never_share_a_mail<S: Store>(store: S) {
    for number in 0..20 {
        send(&store, 100, mail(&number.to_string())).await;
    }
    let mut claims = JoinSet::new();
    for _ in 0..10 {
        let store = store.clone();
        claims.spawn(async move { store.claim(100, 200, 3).await.unwrap() });
    }
    let claimed: Vec<i64> = claims.join_all().await.into_iter().flatten().map(|entry| entry.id.0).collect();
    assert_eq!(claimed.len(), 20);
    assert_eq!(claimed.iter().collect::<BTreeSet<_>>().len(), 20);
}

pub async fn a_failed_mail_is_tried_again_until_it_is_dead_and_can_be_put_back<S: Store>(store: S) {
    let id = send(&store, 100, mail("1")).await;
    assert_eq!(store.claim(100, 200, 1).await.unwrap().len(), 1);
    store.failed(id, "451 later", Some(150)).await.unwrap();
    assert_eq!(store.claim(149, 200, 1).await.unwrap(), []);
    assert_eq!(store.claim(150, 200, 1).await.unwrap()[0].last_error.as_deref(), Some("451 later"));
    assert!(!store.retry(id, 160).await.unwrap(), "it is not dead");
    store.failed(id, "550 never", None).await.unwrap();
    let dead = store.mail(id).await.unwrap().unwrap();
    assert_eq!((dead.state, dead.attempts, dead.last_error.as_deref()), (OutboxState::Dead, 2, Some("550 never")));
    assert_eq!(store.claim(9999, 9999, 1).await.unwrap(), []);
    assert_eq!(store.next_due().await.unwrap(), None);
    assert!(store.retry(id, 300).await.unwrap());
    assert!(!store.retry(MailId(id.0 + 1), 300).await.unwrap());
    assert_eq!(store.claim(300, 400, 1).await.unwrap()[0].attempts, 1, "all its attempts are before it again");
    store.delivered(id, 301).await.unwrap();
    store.failed(id, "too late", None).await.unwrap();
    assert_eq!(store.mail(id).await.unwrap().unwrap().state, OutboxState::Delivered);
}

/// SEC-02: a decoy's mail is written like any other, and nobody ever reads it. It stands in nobody's way.
pub async fn a_withheld_mail_is_never_claimed_and_leaves_no_trace<S: Store>(store: S) {
    let id = send(&store, 100, Mail { withheld: true, ..mail("1") }).await;
    assert_eq!((store.claim(100, 200, 1).await.unwrap(), store.next_due().await.unwrap()), (vec![], None));
    assert!(store.mail(id).await.unwrap().unwrap().mail.withheld);
    assert_eq!(store.list(Some(OutboxState::Pending), 10).await.unwrap(), [], "nor counted among those that wait");
    store.delivered(id, 101).await.unwrap();
    assert_eq!(store.mail(id).await.unwrap(), None);
    let left = send(&store, 100, Mail { withheld: true, ..mail("2") }).await;
    assert_ne!(left, id, "a number is given once");
    store.failed(left, "451 later", Some(i64::MAX)).await.unwrap();
    assert_eq!(store.mail(left).await.unwrap().unwrap().last_error.as_deref(), Some("451 later"));
    assert_eq!(store.undelivered().await.unwrap(), UndeliveredMails::default());
    let given_up = send(&store, 100, Mail { withheld: true, ..mail("3") }).await;
    store.failed(given_up, "550 never", None).await.unwrap();
    assert_eq!(store.undelivered().await.unwrap(), UndeliveredMails::default());
    assert!(!store.retry(given_up, 100).await.unwrap());
    assert_eq!(store.forget_delivered(101).await.unwrap(), 2);
    assert_eq!((store.mail(left).await.unwrap(), store.mail(given_up).await.unwrap()), (None, None));
}

pub async fn mails_that_are_not_delivered_are_counted<S: Store>(store: S) {
    for (written, number) in [(300, "1"), (200, "2"), (100, "3"), (400, "4")] {
        let id = send(&store, written, mail(number)).await;
        match number {
            "3" => store.delivered(id, 500).await.unwrap(),
            "4" => store.failed(id, "550 never", None).await.unwrap(),
            _ => {}
        }
    }
    assert_eq!(store.undelivered().await.unwrap(), UndeliveredMails { waiting: 2, oldest: Some(200), dead: 1 });
}

pub async fn mails_are_found_by_their_numbers_as_far_as_they_are_there(store: crate::Db) {
    let (first, second) = (send(&store, 100, mail("1")).await, send(&store, 100, mail("2")).await);
    let elsewhere = MailId(second.0 + 1);
    let found = store.mails([second, elsewhere, first]).await.unwrap();
    assert_eq!(found.iter().map(|entry| (entry.id, entry.mail.clone())).collect::<Vec<_>>(), [(first, mail("1")), (second, mail("2"))]);
    assert_eq!(store.mails([]).await.unwrap(), []);
}

pub async fn a_lease_can_be_renewed<S: Store>(store: S) {
    let id = send(&store, 100, mail("1")).await;
    assert_eq!(store.claim(100, 200, 1).await.unwrap().len(), 1);
    store.renew(&[id], 300).await.unwrap();
    assert_eq!(store.claim(299, 400, 1).await.unwrap(), []);
    assert_eq!(store.claim(300, 400, 1).await.unwrap()[0].attempts, 2);
    store.delivered(id, 301).await.unwrap();
    store.renew(&[id], 500).await.unwrap();
    assert_eq!(store.next_due().await.unwrap(), None, "what has ended stays ended");
}

pub async fn a_clock_that_is_set_back_keeps_no_mail_waiting<S: Store>(store: S) {
    let (first, second) = (send(&store, 10_000, mail("1")).await, send(&store, 10_000, mail("2")).await);
    assert_eq!(store.claim(10_000, 10_120, 2).await.unwrap().len(), 2);
    store.failed(first, "later", Some(10_002)).await.unwrap();
    store.failed(second, "later", Some(1_500)).await.unwrap();
    assert_eq!(store.claim(1_000, 1_120, 2).await.unwrap(), []);
    assert_eq!(store.bring_forward(1_000, 1_900).await.unwrap(), 1);
    let due: Vec<MailId> = store.claim(1_000, 1_120, 2).await.unwrap().iter().map(|entry| entry.id).collect();
    assert_eq!(due, [first], "what waits for a time of now waits on");
    assert_eq!(store.claim(1_500, 1_620, 2).await.unwrap().len(), 2);
}

pub async fn a_mail_comes_back_as_it_went<S: Store>(store: S) {
    let (html, plain) = (mail("Ä"), Mail { from: None, wait: false, mime_type: "text/plain".into(), ..mail("B") });
    let (first, second) = (send(&store, 100, html.clone()).await, send(&store, 100, plain.clone()).await);
    assert_eq!(store.mail(first).await.unwrap().unwrap().mail, html);
    assert_eq!(store.mail(second).await.unwrap().unwrap().mail, plain);
    let listed: Vec<MailId> = store.list(Some(OutboxState::Pending), 10).await.unwrap().iter().map(|entry| entry.id).collect();
    assert_eq!(listed, [second, first], "newest first");
    assert_eq!(store.list(None, 1).await.unwrap()[0].id, second);
    assert_eq!(store.list(Some(OutboxState::Dead), 10).await.unwrap(), []);
}

pub async fn delivered_mails_are_forgotten_after_their_time<S: Store>(store: S) {
    let (old, new, waiting) = (send(&store, 100, mail("1")).await, send(&store, 200, mail("2")).await, send(&store, 100, mail("3")).await);
    for id in [old, new] {
        store.delivered(id, 250).await.unwrap();
    }
    assert_eq!(store.forget_delivered(200).await.unwrap(), 1);
    assert_eq!(store.mail(old).await.unwrap(), None);
    assert!(store.mail(new).await.unwrap().is_some() && store.mail(waiting).await.unwrap().is_some());
    for number in 0..700 {
        let id = send(&store, 300, mail(&number.to_string())).await;
        store.delivered(id, 301).await.unwrap();
    }
    assert_eq!(store.forget_delivered(301).await.unwrap(), 701, "slice by slice");
}

pub async fn mails_that_were_given_up_are_forgotten_after_their_time(store: Db) {
    let (old, new, waiting) = (send(&store, 100, mail("1")).await, send(&store, 200, mail("2")).await, send(&store, 100, mail("3")).await);
    for id in [old, new] {
        store.failed(id, "550 no such person", None).await.unwrap();
    }
    assert_eq!(store.forget_dead(200).await.unwrap(), 1);
    assert_eq!(store.mail(old).await.unwrap(), None);
    assert!(store.mail(new).await.unwrap().is_some() && store.mail(waiting).await.unwrap().is_some());
}

/// A backlog drains in the order in which it was written, however long it is, and what was given up stays to be read.
pub async fn ten_thousand_mails_drain_in_order_and_dead_ones_stay<S: Store>(store: S) {
    const MAILS: usize = 10_000;
    let to = |number: usize| Effect::Mail(Mail { to: format!("person{number}@example.com"), ..mail(&number.to_string()) });
    let receipt = store.commit(Unit { now: 100, spend: None, effects: (0..MAILS).map(to).collect() }).await.unwrap();
    assert_eq!(receipt.mails.len(), MAILS);
    let (mut drained, mut dead) = (Vec::new(), Vec::new());
    loop {
        let claimed = store.claim(200, 300, 250).await.unwrap();
        if claimed.is_empty() {
            break;
        }
        for entry in claimed {
            match drained.len() % 500 {
                0 => {
                    store.failed(entry.id, "550 no such person", None).await.unwrap();
                    dead.push(entry.id);
                }
                1 => store.delivered(entry.id, 201).await.unwrap(),
                _ => {}
            }
            drained.push(entry.id);
        }
    }
    assert_eq!(drained, receipt.mails);
    assert_eq!(dead.len(), MAILS / 500);
    for id in dead {
        let entry = store.mail(id).await.unwrap().unwrap();
        assert_eq!(
            (entry.state, entry.last_error.as_deref(), entry.mail.body.as_str()),
            (OutboxState::Dead, Some("550 no such person"), "<p>é</p>")
        );
    }
}
