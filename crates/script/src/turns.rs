//! Whose script runs next: those of clients in turn, and none of a client that has its share of the threads already (SEC-52).
//!
//! A script is the operator's, but how long it takes may be its input's: a pattern of a policy that somebody feeds with what it chokes on takes all the time
//! a script has. Easiest to get wrong: turns alone are not enough, because what runs is not taken away. So a client that has nothing running finds a thread
//! of its own, and a full queue costs the client that waits for the most its newest place.

use std::collections::{HashMap, VecDeque};

/// Whose a script is: a number that the caller has for a client; `None` for the server's own.
pub(crate) type Whose = Option<u64>;

/// Tasks that wait, by whose they are.
#[derive(Debug)]
pub(crate) struct Turns<T> {
    lines: HashMap<Whose, VecDeque<T>>,
    /// Whoever has something waiting, whose turn is next first.
    order: VecDeque<Whose>,
    waiting: usize,
}

impl<T> Default for Turns<T> {
    fn default() -> Self {
        Self { lines: HashMap::new(), order: VecDeque::new(), waiting: 0 }
    }
}

impl<T> Turns<T> {
    /// How many wait.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting
    }

    /// Whether somebody has something waiting of whom this is true.
    pub(crate) fn has(&self, of: impl Fn(Whose) -> bool) -> bool {
        self.order.iter().any(|whose| of(*whose))
    }

    /// Puts a task behind the others of its client. Where `most` wait already, the newest of the client that waits for the most is handed back; that may be
    /// this one.
    pub(crate) fn push(&mut self, whose: Whose, task: T, most: usize) -> Option<T> {
        let mut put_out = None;
        if self.waiting >= most {
            let largest = self.lines.iter().max_by_key(|(_, line)| line.len()).map(|(whose, line)| (*whose, line.len()));
            let own = self.lines.get(&whose).map_or(0, VecDeque::len);
            match largest {
                Some((largest, length)) if length > own + 1 => put_out = self.take(largest, VecDeque::pop_back),
                _ => return Some(task),
            }
        }
        let line = self.lines.entry(whose).or_default();
        if line.is_empty() {
            self.order.push_back(whose);
        }
        line.push_back(task);
        self.waiting += 1;
        put_out
    }

    /// The task whose turn it is, of those whose client may have one run.
    pub(crate) fn next(&mut self, may: impl Fn(Whose) -> bool) -> Option<(Whose, T)> {
        let at = self.order.iter().position(|whose| may(*whose))?;
        let whose = self.order.remove(at)?;
        // To the end of the turns, where more of theirs waits.
        self.order.push_back(whose);
        let task = self.take(whose, VecDeque::pop_front)?;
        Some((whose, task))
    }

    /// Takes out what waits.
    pub(crate) fn clear(&mut self) -> Vec<T> {
        self.order.clear();
        self.waiting = 0;
        self.lines.drain().flat_map(|(_, line)| line).collect()
    }

    fn take(&mut self, whose: Whose, which: fn(&mut VecDeque<T>) -> Option<T>) -> Option<T> {
        let line = self.lines.get_mut(&whose)?;
        let task = which(line)?;
        if line.is_empty() {
            self.lines.remove(&whose);
            self.order.retain(|turn| *turn != whose);
        }
        self.waiting -= 1;
        Some(task)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_have_their_turns() {
        let mut turns = Turns::default();
        for task in ["a0", "a1", "a2"] {
            assert_eq!(turns.push(Some(1), task, 9), None);
        }
        turns.push(None, "own", 9);
        turns.push(Some(2), "b0", 9);
        let mut order = Vec::new();
        while let Some((_, task)) = turns.next(|_| true) {
            order.push(task);
        }
        assert_eq!((order, turns.waiting()), (vec!["a0", "own", "b0", "a1", "a2"], 0));
    }

    #[test]
    fn whoever_has_their_share_is_passed_over_and_keeps_their_turn() {
        let mut turns = Turns::default();
        turns.push(Some(1), "a0", 9);
        turns.push(Some(2), "b0", 9);
        assert_eq!(turns.next(|whose| whose != Some(1)), Some((Some(2), "b0")));
        assert!(turns.next(|whose| whose != Some(1)).is_none() && turns.has(|whose| whose == Some(1)));
        assert_eq!(turns.next(|_| true), Some((Some(1), "a0")));
    }

    #[test]
    fn sec_52_a_full_queue_takes_the_place_from_whoever_waits_for_the_most() {
        let mut turns = Turns::default();
        for task in 0..4 {
            assert_eq!(turns.push(Some(1), task, 4), None);
        }
        assert_eq!(turns.push(Some(1), 9, 4), Some(9), "their own newest has no place");
        assert_eq!(turns.push(Some(2), 20, 4), Some(3));
        assert_eq!(turns.push(Some(2), 21, 4), Some(2));
        assert_eq!(turns.push(Some(2), 22, 4), Some(22), "half of it is their share");
        assert_eq!(turns.waiting(), 4);
        let mut left = turns.clear();
        left.sort_unstable();
        assert_eq!((left, turns.waiting()), (vec![0, 1, 20, 21], 0));
    }
}
