//! Who holds a connection, and who has to go when there are too many (SEC-52).
//!
//! Connections are bounded in all and per client network, so that one network cannot take the server away from the others. Above a bound the
//! connection that has waited longest for its own client goes, in the network that holds the most; one whose request is being answered never does.
//! Who that is must be found without looking at all of them: a network that keeps coming makes the server look each time.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::Notify;
use tokio::time::Instant;

/// Bytes of bodies that are not whole yet, of all clients. A body is at most a mebibyte unless the project says otherwise, and what gathers it has
/// room for twice as much.
const BODIES: usize = 16 * 1024 * 1024;
/// Bytes of heads that are not whole yet, beyond the few kilobytes that each connection has.
const HEADS: usize = 8 * 1024 * 1024;
/// Bytes of answers over HTTP/2 that their clients have not taken yet.
const ANSWERS: usize = 32 * 1024 * 1024;

/// Entries of connections that are gone, of a network with hardly any.
const FEW: usize = 16;
/// Bytes of a head that a connection may have whatever others have.
const EACH: usize = 4 * 1024;

/// All connections.
pub(crate) struct Crowd {
    most: usize,
    share: usize,
    began: Instant,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    next: u64,
    count: usize,
    networks: HashMap<IpAddr, Network>,
    bodies: Pool<BODIES>,
    heads: Pool<HEADS>,
    answers: Pool<ANSWERS>,
}

/// Bytes that are held for clients, by network. Where there are too many in all, a network holds its share of `MOST`.
#[derive(Default)]
struct Pool<const MOST: usize> {
    held: usize,
    networks: HashMap<IpAddr, usize>,
}

impl<const MOST: usize> Pool<MOST> {
    /// Whether so many more may be held for a network; then they are.
    fn take(&mut self, network: IpAddr, bytes: usize) -> bool {
        let own = self.networks.get(&network).copied().unwrap_or_default() + bytes;
        let networks = self.networks.len() + usize::from(own == bytes);
        if self.held + bytes > MOST && own > MOST / networks.max(1) {
            return false;
        }
        self.hold(network, bytes);
        true
    }

    /// Holds so many more, however many there are.
    fn hold(&mut self, network: IpAddr, bytes: usize) {
        if bytes > 0 {
            self.held += bytes;
            *self.networks.entry(network).or_default() += bytes;
        }
    }

    fn give_back(&mut self, network: IpAddr, bytes: usize) {
        self.held = self.held.saturating_sub(bytes);
        if let Some(own) = self.networks.get_mut(&network) {
            *own = own.saturating_sub(bytes);
            if *own == 0 {
                self.networks.remove(&network);
            }
        }
    }
}

/// The connections of one network.
#[derive(Default)]
struct Network {
    members: HashMap<u64, Arc<Member>>,
    /// Since when each waited at the earliest, for each at least once. A connection that was worked on meanwhile stands here too early, which is
    /// seen when its turn comes, and one that is gone is passed over.
    waiting: BinaryHeap<Reverse<(u64, u64)>>,
}

/// One connection.
pub(crate) struct Member {
    crowd: Weak<Crowd>,
    network: IpAddr,
    began: Instant,
    /// Requests that the server works on.
    working: AtomicUsize,
    /// Milliseconds after `began`; counts while the server works on none.
    waits_since: AtomicU64,
    /// Bytes of its answers that wait for the client.
    answers: AtomicUsize,
    end: Notify,
}

/// A request of a connection, on which the server works unless it waits for the client.
pub(crate) struct Turn {
    member: Arc<Member>,
    /// The network of the client that sent it, which may be another than that of the connection: a proxy's.
    sender: IpAddr,
    waiting: AtomicBool,
    /// Bytes of its body, while that is not whole.
    body: AtomicUsize,
}

/// A place in the crowd, given back when it is dropped.
pub(crate) struct Place {
    crowd: Arc<Crowd>,
    id: u64,
    member: Arc<Member>,
}

impl Crowd {
    /// At most `most` connections, and of them `share` of one network.
    pub(crate) fn new(most: usize, share: usize) -> Arc<Self> {
        Arc::new(Self { most, share, began: Instant::now(), state: Mutex::default() })
    }

    /// Takes a place, where necessary from a connection that waits for its client. `None` where every other one is being answered.
    /// `trusted`: a proxy, whose connections are many clients'.
    pub(crate) fn enter(self: &Arc<Self>, address: IpAddr, trusted: bool) -> Option<Place> {
        let network = network(address);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let own = state.networks.get(&network).map_or(0, |network| network.members.len());
        if !trusted && own >= self.share {
            state.make_room(network, since(self.began))?;
        } else if state.count >= self.most {
            state.make_room_anywhere(since(self.began))?;
        }
        let id = state.next;
        state.next += 1;
        state.count += 1;
        let now = since(self.began);
        let member = Arc::new(Member {
            crowd: Arc::downgrade(self),
            network,
            began: self.began,
            working: AtomicUsize::new(0),
            waits_since: AtomicU64::new(now),
            answers: AtomicUsize::new(0),
            end: Notify::new(),
        });
        state.networks.entry(network).or_default().join(id, now, Arc::clone(&member));
        Some(Place { crowd: Arc::clone(self), id, member })
    }
}

impl State {
    /// Ends a connection that waits for its client, of the network with the most connections that has one.
    fn make_room_anywhere(&mut self, now: u64) -> Option<()> {
        let largest = self.networks.iter().max_by_key(|(_, network)| network.members.len()).map(|(network, _)| *network)?;
        if self.make_room(largest, now).is_some() {
            return Some(());
        }
        let mut networks: Vec<_> = self.networks.iter().map(|(address, network)| (network.members.len(), *address)).collect();
        networks.sort_unstable_by(|left, right| right.cmp(left));
        networks.into_iter().find_map(|(_, network)| self.make_room(network, now))
    }

    /// Ends the connection of a network that has waited longest for its client.
    fn make_room(&mut self, network: IpAddr, now: u64) -> Option<()> {
        let id = self.networks.get_mut(&network)?.longest_waiting(now)?;
        let member = self.leave(network, id)?;
        member.end.notify_one();
        Some(())
    }

    /// Ends the connection of a network with the most bytes of answers that wait.
    fn make_room_for_answers(&mut self, network: IpAddr) {
        let members = self.networks.get(&network).into_iter().flat_map(|network| &network.members);
        let most = members.max_by_key(|(_, member)| member.answers.load(Ordering::Relaxed)).map(|(id, _)| *id);
        if let Some(member) = most.and_then(|id| self.leave(network, id)) {
            member.end.notify_one();
        }
    }

    fn leave(&mut self, network: IpAddr, id: u64) -> Option<Arc<Member>> {
        let left = self.networks.get_mut(&network)?;
        let member = left.members.remove(&id)?;
        if left.members.is_empty() {
            self.networks.remove(&network);
        }
        self.count -= 1;
        Some(member)
    }
}

impl Network {
    fn join(&mut self, id: u64, now: u64, member: Arc<Member>) {
        self.members.insert(id, member);
        self.waiting.push(Reverse((now, id)));
        // Those that are gone are as many as those that are here: once for each of them that has joined since.
        if self.waiting.len() > 2 * self.members.len() + FEW {
            let members = &self.members;
            self.waiting.retain(|Reverse((_, id))| members.contains_key(id));
        }
    }

    /// The connection that has waited longest for its client.
    fn longest_waiting(&mut self, now: u64) -> Option<u64> {
        let mut busy = Vec::new();
        let found = loop {
            let Some(Reverse((at_the_earliest, id))) = self.waiting.pop() else { break None };
            let Some(member) = self.members.get(&id) else { continue };
            match member.waits() {
                Some(since) if since <= at_the_earliest => break Some(id),
                Some(since) => self.waiting.push(Reverse((since, id))),
                // It will not have waited since before now.
                None => busy.push(Reverse((now, id))),
            }
        };
        self.waiting.extend(busy);
        found
    }
}

impl Member {
    /// Since when the client is waited for, if it is.
    fn waits(&self) -> Option<u64> {
        (self.working.load(Ordering::Acquire) == 0).then(|| self.waits_since.load(Ordering::Relaxed))
    }

    fn rests(&self) {
        self.waits_since.store(since(self.began), Ordering::Relaxed);
        self.working.fetch_sub(1, Ordering::Release);
    }

    /// Resolves when the place was given to somebody else.
    pub(crate) async fn ended(&self) {
        self.end.notified().await;
    }
}

impl Turn {
    /// A request has come from a client at this address.
    pub(crate) fn of(member: &Arc<Member>, client: IpAddr) -> Arc<Self> {
        member.working.fetch_add(1, Ordering::Relaxed);
        let sender = network(client);
        Arc::new(Self { member: Arc::clone(member), sender, waiting: AtomicBool::new(false), body: AtomicUsize::new(0) })
    }

    /// The server works; the client is not waited for.
    pub(crate) fn works(&self) {
        if self.waiting.swap(false, Ordering::Relaxed) {
            self.member.working.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// From now on the client is waited for.
    pub(crate) fn waits(&self) {
        if !self.waiting.swap(true, Ordering::Relaxed) {
            self.member.rests();
        }
    }
}

impl Turn {
    /// So many bytes more of its body have come. Whether they may be held: where all clients together hold too much, a network holds its share of that.
    pub(crate) fn holds(&self, bytes: usize) -> bool {
        if bytes == 0 {
            return true;
        }
        let Some(crowd) = self.member.crowd.upgrade() else { return true };
        if !crowd.state.lock().unwrap_or_else(PoisonError::into_inner).bodies.take(self.sender, bytes) {
            return false;
        }
        self.body.fetch_add(bytes, Ordering::Relaxed);
        true
    }

    /// Its body is whole, or is given up.
    pub(crate) fn has_all(&self) {
        let bytes = self.body.swap(0, Ordering::Relaxed);
        let Some(crowd) = self.member.crowd.upgrade().filter(|_| bytes > 0) else { return };
        crowd.state.lock().unwrap_or_else(PoisonError::into_inner).bodies.give_back(self.sender, bytes);
    }

    /// So many bytes of an answer wait for the client from now on. Where there are too many of its network, the connection that holds the most of
    /// them goes; `None` for a client behind a proxy, whose connection is not its own.
    pub(crate) fn answers(&self, bytes: usize) -> Option<Waiting> {
        if let Some(crowd) = self.member.crowd.upgrade() {
            let mut state = crowd.state.lock().unwrap_or_else(PoisonError::into_inner);
            let taken = state.answers.take(self.sender, bytes);
            if !taken && self.sender != self.member.network {
                return None;
            }
            self.member.answers.fetch_add(bytes, Ordering::Relaxed);
            if !taken {
                state.answers.hold(self.sender, bytes);
                state.make_room_for_answers(self.sender);
            }
        }
        Some(Waiting { member: Arc::clone(&self.member), sender: self.sender, bytes })
    }
}

/// Bytes of an answer that wait for their client, until this is dropped.
pub(crate) struct Waiting {
    member: Arc<Member>,
    sender: IpAddr,
    bytes: usize,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Some(crowd) = self.member.crowd.upgrade() {
            crowd.state.lock().unwrap_or_else(PoisonError::into_inner).answers.give_back(self.sender, self.bytes);
            self.member.answers.fetch_sub(self.bytes, Ordering::Relaxed);
        }
    }
}

/// Bytes of a head that is not whole yet, and of what else a connection gathers before anybody reads it.
pub(crate) struct Unread {
    crowd: Weak<Crowd>,
    network: IpAddr,
    bytes: usize,
}

impl Unread {
    /// Of a connection that has nothing yet.
    pub(crate) fn of(member: &Member) -> Self {
        Self { crowd: Weak::clone(&member.crowd), network: member.network, bytes: 0 }
    }

    /// Of a connection that is alone.
    #[cfg(test)]
    pub(crate) fn alone() -> Self {
        Self { crowd: Weak::new(), network: IpAddr::from([127, 0, 0, 1]), bytes: 0 }
    }

    /// It is so many bytes now. Whether they may be held.
    pub(crate) fn is(&mut self, bytes: usize) -> bool {
        let bytes = bytes.saturating_sub(EACH);
        if bytes == self.bytes {
            return true;
        }
        let Some(crowd) = self.crowd.upgrade() else { return true };
        let mut state = crowd.state.lock().unwrap_or_else(PoisonError::into_inner);
        if bytes < self.bytes {
            state.heads.give_back(self.network, self.bytes - bytes);
        } else if !state.heads.take(self.network, bytes - self.bytes) {
            return false;
        }
        self.bytes = bytes;
        true
    }
}

impl Drop for Unread {
    fn drop(&mut self) {
        self.is(0);
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.has_all();
        self.waits();
    }
}

impl Place {
    /// What the parts of a connection tell about it.
    pub(crate) fn member(&self) -> Arc<Member> {
        Arc::clone(&self.member)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.crowd.state.lock().unwrap_or_else(PoisonError::into_inner).leave(self.member.network, self.id);
    }
}

fn since(began: Instant) -> u64 {
    u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// What counts as one client: an IPv4 /24, an IPv6 /64.
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4((address.to_bits() & 0xffff_ff00).into()),
        IpAddr::V6(address) => IpAddr::V6((address.to_bits() & !u128::from(u64::MAX)).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn enter(crowd: &Arc<Crowd>, address: &str) -> Option<Place> {
        crowd.enter(address.parse().unwrap(), false)
    }

    fn turn(place: &Place) -> Arc<Turn> {
        Turn::of(&place.member(), place.member.network)
    }

    fn is_ended(place: &Place) -> bool {
        let state = place.crowd.state.lock().unwrap();
        !state.networks.get(&place.member.network).is_some_and(|network| network.members.contains_key(&place.id))
    }

    #[tokio::test]
    async fn sec_52_the_longest_idle_connection_of_a_network_goes_when_its_share_is_used_up() {
        let crowd = Crowd::new(100, 2);
        let first = enter(&crowd, "192.0.2.1").unwrap();
        let second = enter(&crowd, "192.0.2.2").unwrap();
        let other = enter(&crowd, "192.0.3.1").unwrap();
        let third = enter(&crowd, "192.0.2.3").unwrap();
        assert!(is_ended(&first) && !is_ended(&second) && !is_ended(&third) && !is_ended(&other));
        first.member().ended().await;
    }

    #[tokio::test]
    async fn sec_52_a_connection_that_is_being_answered_keeps_its_place() {
        let crowd = Crowd::new(100, 2);
        let (first, second) = (enter(&crowd, "2001:db8::1").unwrap(), enter(&crowd, "2001:db8::2").unwrap());
        let _first = turn(&first);
        let turns = [turn(&second), turn(&second)];
        assert!(enter(&crowd, "2001:db8::3").is_none(), "a /64 is one network");
        turns[0].waits();
        assert!(enter(&crowd, "2001:db8::3").is_none(), "another of its requests is being answered");
        turns[1].waits();
        turns[1].works();
        turns[1].waits();
        drop(turns);
        assert!(enter(&crowd, "2001:db8::3").is_some());
        assert!(is_ended(&second) && !is_ended(&first));
    }

    #[tokio::test]
    async fn sec_52_a_full_server_takes_the_place_from_the_network_that_holds_the_most() {
        let crowd = Crowd::new(4, 3);
        let many: Vec<_> = (1..4).map(|host| enter(&crowd, &format!("198.51.100.{host}")).unwrap()).collect();
        let few = enter(&crowd, "203.0.113.1").unwrap();
        let newcomer = enter(&crowd, "192.0.2.1").unwrap();
        assert_eq!(many.iter().filter(|place| is_ended(place)).count(), 1);
        assert!(!is_ended(&few) && !is_ended(&newcomer));
        drop((many, few, newcomer));
        let state = crowd.state.lock().unwrap();
        assert!(state.count == 0 && state.networks.is_empty());
    }

    #[tokio::test]
    async fn sec_52_unfinished_bodies_are_bounded_and_whoever_holds_the_most_of_them_is_refused() {
        let crowd = Crowd::new(100, 100);
        let (hostile, other) = (enter(&crowd, "192.0.2.1").unwrap(), enter(&crowd, "192.0.3.1").unwrap());
        let mebibyte = 1024 * 1024;
        let many: Vec<_> = (0..40).map(|_| turn(&hostile)).collect();
        assert_eq!(many.iter().filter(|turn| turn.holds(mebibyte)).count(), 16);
        let few: Vec<_> = (0..4).map(|_| turn(&other)).collect();
        assert!(few.iter().all(|turn| turn.holds(mebibyte)), "another network has its share");
        assert!(!many[0].holds(1), "and the first one's is smaller now");
        many[0].has_all();
        assert_eq!(crowd.state.lock().unwrap().bodies.held, 19 * mebibyte);
        drop((many, few));
        let state = crowd.state.lock().unwrap();
        assert!(state.bodies.held == 0 && state.bodies.networks.is_empty(), "and given back");
    }

    #[tokio::test]
    async fn sec_52_one_client_behind_a_proxy_does_not_take_the_room_of_the_others_for_bodies() {
        let crowd = Crowd::new(100, 100);
        let proxy = crowd.enter("127.0.0.1".parse().unwrap(), true).unwrap();
        let of = |client: &str| Turn::of(&proxy.member(), client.parse().unwrap());
        let many: Vec<_> = (0..40).map(|_| of("203.0.113.1")).collect();
        assert_eq!(many.iter().filter(|turn| turn.holds(1024 * 1024)).count(), 16);
        assert!(of("198.51.100.9").holds(1024 * 1024));
    }

    #[tokio::test]
    async fn sec_52_heads_are_bounded_and_a_small_one_is_never_refused() {
        let crowd = Crowd::new(1000, 1000);
        let (hostile, other) = (enter(&crowd, "192.0.2.1").unwrap(), enter(&crowd, "192.0.3.1").unwrap());
        let mut many: Vec<_> = (0..400).map(|_| Unread::of(&hostile.member())).collect();
        let held = many.iter_mut().filter_map(|head| head.is(64 * 1024).then_some(())).count();
        assert_eq!(held, HEADS / (60 * 1024));
        assert!(many.iter_mut().all(|head| head.bytes > 0 || head.is(EACH)));
        assert!(Unread::of(&other.member()).is(64 * 1024), "another network has its share");
        assert!(many.iter_mut().all(|head| head.is(0)));
        assert!(crowd.state.lock().unwrap().heads.networks.is_empty());
    }

    #[tokio::test]
    async fn sec_52_of_a_network_whose_answers_wait_the_connection_with_the_most_goes() {
        let crowd = Crowd::new(100, 100);
        let (hostile, neighbour) = (enter(&crowd, "192.0.2.1").unwrap(), enter(&crowd, "192.0.2.2").unwrap());
        let other = enter(&crowd, "192.0.3.1").unwrap();
        let mebibyte = 1024 * 1024;
        let waits = turn(&neighbour).answers(mebibyte).unwrap();
        let mut many: Vec<_> = (0..31).map(|_| turn(&hostile).answers(mebibyte).unwrap()).collect();
        assert!(!is_ended(&hostile));
        let elsewhere = turn(&other).answers(mebibyte).unwrap();
        assert!(!is_ended(&hostile) && !is_ended(&other), "another network has its share");
        many.push(turn(&neighbour).answers(1).unwrap());
        assert!(is_ended(&hostile) && !is_ended(&neighbour));
        let proxied = Turn::of(&other.member(), "192.0.2.9".parse().unwrap());
        assert!(proxied.answers(mebibyte).is_none(), "the connection is others' too");
        drop((many, waits, elsewhere));
        let state = crowd.state.lock().unwrap();
        assert!(state.answers.held == 0 && state.answers.networks.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn sec_52_who_was_answered_last_goes_last_however_early_it_came() {
        let crowd = Crowd::new(100, 3);
        let places: Vec<_> = (1..4).map(|host| enter(&crowd, &format!("192.0.2.{host}")).unwrap()).collect();
        let later = || tokio::time::advance(std::time::Duration::from_millis(10));
        later().await;
        let first = turn(&places[0]);
        later().await;
        // While the first is worked on, the second goes.
        let fourth = enter(&crowd, "192.0.2.4").unwrap();
        assert!(is_ended(&places[1]) && !is_ended(&places[0]) && !is_ended(&places[2]));
        later().await;
        first.waits();
        let fifth = enter(&crowd, "192.0.2.5").unwrap();
        assert!(is_ended(&places[2]) && !is_ended(&places[0]));
        let sixth = enter(&crowd, "192.0.2.6").unwrap();
        assert!(is_ended(&fourth) && !is_ended(&places[0]));
        let seventh = enter(&crowd, "192.0.2.7").unwrap();
        assert!(is_ended(&places[0]) && ![fifth, sixth, seventh].iter().any(is_ended));
    }

    #[tokio::test]
    async fn sec_52_who_comes_and_goes_leaves_nothing_behind() {
        let crowd = Crowd::new(100, 50);
        let stays = enter(&crowd, "192.0.2.1").unwrap();
        for _ in 0..10_000 {
            drop(enter(&crowd, "192.0.2.2").unwrap());
        }
        let state = crowd.state.lock().unwrap();
        assert!(state.networks[&stays.member.network].waiting.len() <= 2 + FEW + 1);
    }

    #[tokio::test]
    async fn a_trusted_proxy_has_no_share() {
        let crowd = Crowd::new(10, 2);
        let places: Vec<_> = (0..5).filter_map(|_| crowd.enter("192.0.2.1".parse().unwrap(), true)).collect();
        assert!(places.len() == 5 && places.iter().all(|place| !is_ended(place)));
    }
}
