//! What the courier has in hand: mails that wait, mails that are on their way, and who waits for them.
//!
//! Easiest to break: what is in hand is claimed in the store, and is nobody else's. It stays on the desk until the store knows what became
//! of it, so that the courier never claims what it has.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

use process::{MailId, OutboxEntry};
use tokio::sync::oneshot;

use crate::failure::Failure;
use crate::queue::{Lane, Queue};
use crate::window::Window;

/// Mails in hand at most.
const MAILS: usize = 4096;
/// Bytes of their texts at most.
const BYTES: usize = 16 * 1024 * 1024;
/// Below this many waiting mails more are claimed.
const LOW: usize = 256;
/// Attempts that never ended, beyond which a mail is suspected of ending the process. A process that is killed leaves one on whatever it
/// had in hand.
pub(crate) const SUSPECTED: u32 = 2;
/// A suspected mail waits this long for a moment without others, and then makes one.
const PATIENCE: Duration = Duration::from_secs(30);
/// Mails to one recipient that are on their way at the same time.
const PER_RECIPIENT: usize = 8;
/// A mail that got no connection goes back so often while others get one.
const AGAIN: u8 = 3;
/// Others got one when one did in this time.
const LATELY: Duration = Duration::from_secs(10);

/// A mail on the desk.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) entry: OutboxEntry,
    pub(crate) lane: Lane,
    /// Times it was put back because there was no connection for it.
    back: u8,
    since: Instant,
    epoch: u64,
}

/// What became of a mail, for who waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    Delivered,
    Refused,
    Later,
}

#[derive(Default)]
struct Domain {
    running: usize,
    /// Mails in a row that the server did not answer in time.
    late: u32,
}

/// The desk.
pub(crate) struct Desk {
    queue: Queue<Job>,
    suspects: VecDeque<Job>,
    /// A suspected mail is on its way, and nothing else.
    alone: bool,
    running: usize,
    domains: HashMap<String, Domain>,
    clients: HashMap<i64, usize>,
    recipients: HashMap<String, usize>,
    window: Window,
    last_success: Option<Instant>,
    /// Every mail in hand, with the bytes of its text.
    held: HashMap<MailId, usize>,
    held_of: HashMap<i64, usize>,
    reserved: usize,
    bytes: usize,
    waiting: HashMap<MailId, Vec<oneshot::Sender<Ended>>>,
    /// The store may have more that is due.
    pub(crate) more: bool,
}

fn add<K: std::hash::Hash + Eq>(counts: &mut HashMap<K, usize>, key: K) {
    *counts.entry(key).or_default() += 1;
}

fn subtract<K, Q>(counts: &mut HashMap<K, usize>, key: &Q)
where
    K: std::hash::Hash + Eq + std::borrow::Borrow<Q>,
    Q: std::hash::Hash + Eq + ?Sized,
{
    if let Some(count) = counts.get_mut(key) {
        *count = count.saturating_sub(1);
        if *count == 0 {
            counts.remove(key);
        }
    }
}

impl Desk {
    pub(crate) fn new(connections: usize) -> Self {
        Self {
            queue: Queue::new(),
            suspects: VecDeque::new(),
            alone: false,
            running: 0,
            domains: HashMap::new(),
            clients: HashMap::new(),
            recipients: HashMap::new(),
            window: Window::new(connections),
            last_success: None,
            held: HashMap::new(),
            held_of: HashMap::new(),
            reserved: 0,
            bytes: 0,
            waiting: HashMap::new(),
            more: true,
        }
    }

    /// Another mail server begins with a clean sheet.
    pub(crate) fn new_window(&mut self, connections: usize) {
        self.window = Window::new(connections);
        self.domains.values_mut().for_each(|domain| domain.late = 0);
    }

    /// Whether a mail that is about to be written can be taken over at once. A client that has much in hand leaves the rest of the room to
    /// others.
    pub(crate) fn reserve(&mut self, client: Option<i64>) -> bool {
        let taken = self.held.len() + self.reserved;
        let own = client.and_then(|client| self.held_of.get(&client)).copied().unwrap_or(0);
        let share = if client.is_some() { own < MAILS / 8 } else { taken < MAILS / 2 };
        let room = taken < MAILS && self.bytes < BYTES && share;
        if room {
            self.reserved += 1;
        } else {
            self.more = true;
        }
        room
    }

    pub(crate) fn release(&mut self) {
        self.reserved = self.reserved.saturating_sub(1);
    }

    /// How many more may be claimed.
    pub(crate) fn room(&self) -> usize {
        if !self.more || self.queue.len() >= LOW || self.bytes >= BYTES {
            return 0;
        }
        (MAILS / 2).saturating_sub(self.held.len() + self.reserved)
    }

    /// Takes a mail over, unless it is here.
    pub(crate) fn put(&mut self, entry: OutboxEntry) {
        let size = entry.mail.body.len();
        if self.held.insert(entry.id, size).is_some() {
            return;
        }
        self.bytes += size;
        if let Some(client) = entry.mail.client {
            add(&mut self.held_of, client);
        }
        let domain = entry.mail.to.rsplit_once('@').map_or("", |(_, domain)| domain).to_lowercase();
        let lane = Lane { client: entry.mail.client, domain };
        let suspected = entry.unfinished > SUSPECTED;
        let job = Job { entry, lane: lane.clone(), back: 0, since: Instant::now(), epoch: 0 };
        if suspected { self.suspects.push_back(job) } else { self.queue.push(&lane, job) }
    }

    /// The next mail to be sent, if one may go now.
    pub(crate) fn next(&mut self) -> Option<Job> {
        let urgent = self.suspects.front().is_some_and(|job| job.since.elapsed() > PATIENCE);
        if self.alone || (urgent && self.running > 0) {
            return None;
        }
        if self.running == 0
            && (urgent || self.queue.len() == 0)
            && let Some(job) = self.suspects.pop_front()
        {
            self.alone = true;
            return Some(self.begin(job));
        }
        let size = self.window.size();
        if self.running >= size {
            return None;
        }
        // A quarter is left to others, whoever fills the rest.
        let share = (size - size / 4).max(1);
        let (domains, clients) = (&self.domains, &self.clients);
        let has_client = |client: Option<i64>| client.and_then(|client| clients.get(&client)).is_none_or(|running| *running < share);
        let has_domain = |domain: &str| domains.get(domain).is_none_or(|domain| domain.running < (share >> domain.late.min(16)).max(2));
        // A recipient that is served slowly is looked at again when one of their mails has ended.
        let mut passed = Vec::new();
        let found = loop {
            let Some(job) = self.queue.pop(has_client, has_domain) else { break None };
            if self.recipients.get(&job.entry.mail.to).is_none_or(|running| *running < PER_RECIPIENT) || passed.len() >= LOW {
                break Some(job);
            }
            passed.push(job);
        };
        for job in passed.into_iter().rev() {
            let lane = job.lane.clone();
            self.queue.push_front(&lane, job);
        }
        found.map(|job| self.begin(job))
    }

    fn begin(&mut self, mut job: Job) -> Job {
        job.epoch = self.window.epoch();
        job.since = Instant::now();
        self.running += 1;
        self.domains.entry(job.lane.domain.clone()).or_default().running += 1;
        if let Some(client) = job.lane.client {
            add(&mut self.clients, client);
        }
        add(&mut self.recipients, job.entry.mail.to.clone());
        job
    }

    /// A mail is not on its way any more. What was learned from it is in `outcome`; nothing when it never said.
    pub(crate) fn ended(&mut self, job: &Job, outcome: Option<&Result<(), Failure>>) {
        let full = self.running >= self.window.size();
        self.running = self.running.saturating_sub(1);
        self.alone = false;
        if let Some(client) = job.lane.client {
            subtract(&mut self.clients, &client);
        }
        subtract(&mut self.recipients, job.entry.mail.to.as_str());
        let domain = self.domains.entry(job.lane.domain.clone()).or_default();
        domain.running = domain.running.saturating_sub(1);
        match outcome {
            Some(Ok(())) => {
                domain.late = 0;
                self.last_success = Some(Instant::now());
                if full {
                    self.window.grow();
                }
            }
            Some(Err(Failure::Unreachable(_) | Failure::Busy { .. })) => self.window.shrink(job.epoch),
            Some(Err(Failure::Deferred(_))) => domain.late += 1,
            Some(Err(_)) | None => {}
        }
        if domain.running == 0 && domain.late == 0 {
            self.domains.remove(&job.lane.domain);
        }
        // Domains that were late once are forgotten when there are too many to remember.
        if self.domains.len() > MAILS {
            self.domains.retain(|_, domain| domain.running > 0);
        }
    }

    /// Puts a mail back that got no connection while others get one; gives it back when it was put back often enough.
    pub(crate) fn put_back(&mut self, mut job: Job) -> Option<Job> {
        let others = self.last_success.is_some_and(|at| at.elapsed() < LATELY);
        if !others || job.back >= AGAIN || job.entry.unfinished > SUSPECTED {
            return Some(job);
        }
        job.back += 1;
        let lane = job.lane.clone();
        self.queue.push_front(&lane, job);
        None
    }

    /// The store knows what became of a mail, or nobody will ever say.
    pub(crate) fn settle(&mut self, id: MailId, client: Option<i64>, ended: Option<Ended>) {
        if let Some(size) = self.held.remove(&id) {
            self.bytes = self.bytes.saturating_sub(size);
            if let Some(client) = client {
                subtract(&mut self.held_of, &client);
            }
        }
        for waiting in self.waiting.remove(&id).into_iter().flatten() {
            if let Some(ended) = ended {
                // Who has gone needs no answer.
                let _ = waiting.send(ended);
            }
        }
    }

    /// Will be told what becomes of a mail. Also says whether the mail is in hand.
    pub(crate) fn watch(&mut self, id: MailId) -> (oneshot::Receiver<Ended>, bool) {
        let (sender, receiver) = oneshot::channel();
        self.waiting.entry(id).or_default().push(sender);
        (receiver, self.held.contains_key(&id))
    }

    /// Forgets who waits no longer.
    pub(crate) fn forget_gone(&mut self, id: MailId) {
        if let Some(waiting) = self.waiting.get_mut(&id) {
            waiting.retain(|sender| !sender.is_closed());
            if waiting.is_empty() {
                self.waiting.remove(&id);
            }
        }
    }

    /// Marks a mail that nobody reads as in hand, so that who waits for it is told.
    pub(crate) fn hold(&mut self, id: MailId) {
        self.held.insert(id, 0);
    }

    pub(crate) fn held(&self) -> Vec<MailId> {
        self.held.keys().copied().collect()
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.held.is_empty() && self.reserved == 0
    }

    pub(crate) fn waiting(&self) -> usize {
        self.queue.len() + self.suspects.len()
    }

    pub(crate) fn running(&self) -> usize {
        self.running
    }
}
