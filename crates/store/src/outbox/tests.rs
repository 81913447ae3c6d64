//! Mails handed over at their commit.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use process::{Effect, Handover, Ledger, Mail, Outbox, OutboxEntry, Unit};

use crate::{Collections, Db};

/// A courier with room for so many, and what it was given.
struct Hand {
    room: AtomicI64,
    taken: Mutex<Vec<OutboxEntry>>,
}

impl Handover for Hand {
    fn lease(&self) -> i64 {
        100
    }

    fn reserve(&self, _: &Mail) -> bool {
        self.room.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |room| (room > 0).then(|| room - 1)).is_ok()
    }

    fn release(&self, _: &Mail) {
        self.room.fetch_add(1, Ordering::SeqCst);
    }

    fn look(&self) {}

    fn take(self: Arc<Self>, entry: OutboxEntry) {
        self.taken.lock().unwrap().push(entry);
    }
}

fn unit(subject: &str) -> Unit {
    let mail = Mail {
        to: "a@example.com".into(),
        from: None,
        subject: subject.into(),
        mime_type: "text/plain".into(),
        body: "b".into(),
        wait: false,
        withheld: false,
        client: None,
    };
    Unit { now: 1000, spend: None, effects: vec![Effect::Mail(mail)] }
}

async fn open(room: i64) -> (tempfile::TempDir, Db, Arc<Hand>) {
    let directory = tempfile::tempdir().unwrap();
    let db = Db::open(directory.path().join("t.db").to_str().unwrap(), Collections::new()).await.unwrap();
    let hand = Arc::new(Hand { room: AtomicI64::new(room), taken: Mutex::default() });
    db.hand_mails_to(Some(Arc::clone(&hand) as Arc<dyn Handover>));
    (directory, db, hand)
}

#[tokio::test]
async fn a_mail_is_handed_over_as_it_is_written_and_one_without_room_is_due() {
    let (directory, db, hand) = open(1).await;
    let (first, second) = (db.commit(unit("1")).await.unwrap(), db.commit(unit("2")).await.unwrap());
    let taken = hand.taken.lock().unwrap().clone();
    assert_eq!((taken.len(), taken[0].id, taken[0].next_attempt), (1, first.mails[0], 1100));
    assert_eq!(db.mail(first.mails[0]).await.unwrap().unwrap(), taken[0]);
    let claimed = db.claim(1000, 2000, 10).await.unwrap();
    assert_eq!((claimed.len(), claimed[0].id), (1, second.mails[0]));
    // Another process that finds the store after this one was killed.
    drop(db);
    let again = Db::open(directory.path().join("t.db").to_str().unwrap(), Collections::new()).await.unwrap();
    assert_eq!(again.claim(1050, 2000, 10).await.unwrap(), []);
    assert_eq!(again.release(1050).await.unwrap(), 2);
    assert_eq!(again.claim(1050, 2000, 10).await.unwrap().len(), 2);
    again.release(1060).await.unwrap();
}

#[tokio::test]
async fn a_unit_that_fails_gives_its_room_back() {
    let (_directory, db, hand) = open(1).await;
    let gone = Effect::Change(crest::Change::Delete { collection: "managed/user".into(), id: "nobody".into(), expected: None });
    let mut failing = unit("1");
    failing.effects.push(gone);
    db.commit(failing).await.unwrap_err();
    assert_eq!((hand.taken.lock().unwrap().len(), hand.room.load(Ordering::SeqCst)), (0, 1));
}

/// A client that hangs up drops its request in the middle of a commit, at any moment of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_mail_whose_commit_nobody_waited_for_is_due_at_once() {
    let (_directory, db, hand) = open(1000).await;
    // On a busy machine the writer may be done before it is asked whether it is: such a commit was waited for, and is none of the two hundred.
    let (mut given_up, mut waited_for) = (0, 0);
    while given_up < 200 {
        let subject = (given_up + waited_for).to_string();
        let mut commit = Box::pin(db.commit(unit(&subject)));
        if let Poll::Ready(done) = commit.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            done.unwrap();
            waited_for += 1;
            continue;
        }
        if given_up % 2 == 0 {
            tokio::task::yield_now().await;
        }
        drop(commit);
        given_up += 1;
    }
    // Behind all that was ordered, in the writer's queue; the second time behind what the first ones' ends have ordered.
    for _ in 0..1000 {
        db.renew(&[process::MailId(-1)], 0).await.unwrap();
        tokio::task::yield_now().await;
    }
    let written = db.list(None, 1000).await.unwrap();
    let claimed = db.claim(1000, 5000, 1000).await.unwrap();
    assert_eq!(claimed.len() + waited_for, written.len(), "none is left to a lease that nobody holds");
    assert_eq!(
        (hand.taken.lock().unwrap().len(), hand.room.load(Ordering::SeqCst)),
        (waited_for, 1000 - i64::try_from(waited_for).unwrap())
    );
}
