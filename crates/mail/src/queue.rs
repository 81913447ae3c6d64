//! Who is next. Clients take turns, and among the mails of a client their domains do, so that neither who asks for a thousand mails nor a
//! domain that takes them slowly stands before the others. Mails of one client to one domain keep their order.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

/// Things by key, the keys in turn.
struct Turns<K, V> {
    order: VecDeque<K>,
    of: HashMap<K, V>,
}

impl<K: Clone + Eq + Hash, V: Default> Turns<K, V> {
    fn entry(&mut self, key: &K) -> &mut V {
        if !self.of.contains_key(key) {
            self.order.push_back(key.clone());
        }
        self.of.entry(key.clone()).or_default()
    }

    /// Asks each key in turn until one gives something. That one is last from now on, or gone when it is `empty`.
    fn next<T>(&mut self, mut give: impl FnMut(&K, &mut V) -> Option<T>, empty: impl Fn(&V) -> bool) -> Option<T> {
        for position in 0..self.order.len() {
            let Some(key) = self.order.get(position) else { break };
            let Some(given) = self.of.get_mut(key).and_then(|value| give(key, value)) else { continue };
            if let Some(key) = self.order.remove(position) {
                if self.of.get(&key).is_some_and(&empty) {
                    self.of.remove(&key);
                } else {
                    self.order.push_back(key);
                }
            }
            return Some(given);
        }
        None
    }
}

impl<K, V> Default for Turns<K, V> {
    fn default() -> Self {
        Self { order: VecDeque::new(), of: HashMap::new() }
    }
}

/// Whose mail something is, and where it goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lane {
    /// Nothing for mails nobody asked for from outside.
    pub(crate) client: Option<i64>,
    pub(crate) domain: String,
}

/// The waiting.
pub(crate) struct Queue<T> {
    clients: Turns<Option<i64>, Turns<String, VecDeque<T>>>,
    len: usize,
}

impl<T> Queue<T> {
    pub(crate) fn new() -> Self {
        Self { clients: Turns::default(), len: 0 }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn push(&mut self, lane: &Lane, item: T) {
        self.clients.entry(&lane.client).entry(&lane.domain).push_back(item);
        self.len += 1;
    }

    /// Before all others of its lane.
    pub(crate) fn push_front(&mut self, lane: &Lane, item: T) {
        self.clients.entry(&lane.client).entry(&lane.domain).push_front(item);
        self.len += 1;
    }

    /// The next one that may go: its client and its domain have room.
    pub(crate) fn pop(&mut self, client: impl Fn(Option<i64>) -> bool, domain: impl Fn(&str) -> bool) -> Option<T> {
        let item = self.clients.next(
            |key, domains| {
                if client(*key) {
                    domains.next(|key, items| if domain(key) { items.pop_front() } else { None }, VecDeque::is_empty)
                } else {
                    None
                }
            },
            |domains| domains.order.is_empty(),
        )?;
        self.len = self.len.saturating_sub(1);
        Some(item)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lane(client: i64, domain: &str) -> Lane {
        Lane { client: Some(client), domain: domain.to_owned() }
    }

    #[test]
    fn who_asks_for_much_does_not_stand_before_who_asks_for_little() {
        let mut queue = Queue::new();
        for number in 0..100 {
            queue.push(&lane(1, "a.example"), number);
        }
        queue.push(&lane(2, "a.example"), 1000);
        queue.push(&lane(1, "b.example"), 2000);
        let first: Vec<i32> = std::iter::from_fn(|| queue.pop(|_| true, |_| true)).take(6).collect();
        assert_eq!(first, [0, 1000, 2000, 1, 2, 3]);
        assert_eq!(queue.len(), 96);
    }

    #[test]
    fn a_domain_or_a_client_without_room_is_passed_over_and_keeps_its_order() {
        let mut queue = Queue::new();
        for number in 0..3 {
            queue.push(&lane(1, "slow.example"), number);
        }
        queue.push(&lane(1, "b.example"), 10);
        queue.push(&lane(2, "b.example"), 11);
        assert_eq!(queue.pop(|_| true, |domain| domain != "slow.example"), Some(10));
        assert_eq!(queue.pop(|client| client != Some(2), |domain| domain != "slow.example"), None);
        assert_eq!(queue.pop(|_| true, |domain| domain != "slow.example"), Some(11));
        queue.push_front(&lane(1, "slow.example"), -1);
        assert_eq!(std::iter::from_fn(|| queue.pop(|_| true, |_| true)).collect::<Vec<_>>(), [-1, 0, 1, 2]);
        assert_eq!((queue.len(), queue.clients.of.len(), queue.clients.order.len()), (0, 0, 0), "nothing is left of who waits no more");
    }
}
