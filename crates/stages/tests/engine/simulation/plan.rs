//! What happens, as a function of the seed alone.

/// Who submits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Client {
    /// Whose account it is: reads the mailbox, knows the answers.
    Owner,
    /// Somebody who knows the name, and sees the owner's tokens until something is proved.
    Stranger,
}

/// What is submitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    /// What is asked, as well as this client can.
    Right,
    /// The link of the newest mail, token and code; a stranger, who has no mail, guesses.
    Link,
    /// Something of the right shape that is wrong.
    Wrong,
    /// Five codes that are wrong.
    Guesses,
    /// A password that the policies refuse, whatever is asked.
    Weak,
    /// A password, whatever is asked.
    Password,
    /// Nothing.
    Empty,
    /// A new instance.
    Begin,
}

impl Act {
    pub(super) const ALL: [Self; 8] =
        [Self::Right, Self::Link, Self::Wrong, Self::Guesses, Self::Weak, Self::Password, Self::Empty, Self::Begin];
}

/// What becomes of the server during a submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Crash {
    No,
    /// Before the unit of the answer is committed.
    Before,
    /// After that, and before the client is told.
    After,
}

/// What happens after a submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    Nothing,
    /// The operator saves another text of the process.
    Reload,
    /// The server is started again.
    Restart,
    /// So many seconds.
    Pass(i64),
}

#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) client: Client,
    pub(super) act: Act,
    /// How many of the client's answers back the token is taken from.
    pub(super) back: usize,
    pub(super) crash: Crash,
    pub(super) then: Then,
}

#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) seed: u64,
    /// Which of the processes.
    pub(super) process: usize,
    pub(super) steps: Vec<Step>,
}

/// SplitMix64.
struct Draw(u64);

impl Draw {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % most
    }
}

impl Plan {
    pub(super) fn of(seed: u64, processes: usize) -> Self {
        let mut draw = Draw(seed.wrapping_mul(0x2545_f491_4f6c_dd1d));
        let process = usize::try_from(draw.below(processes as u64)).unwrap();
        let count = 6 - draw.below(8).saturating_sub(5);
        let steps = (0..count).map(|_| step(&mut draw)).collect();
        Self { seed, process, steps }
    }
}

fn step(draw: &mut Draw) -> Step {
    let client = if draw.below(3) == 0 { Client::Stranger } else { Client::Owner };
    // Mostly what leads on: a rule about the end of a process is tried at its end.
    let act = match draw.below(20) {
        0..=10 => Act::Right,
        11 | 12 => Act::Link,
        13 => Act::Wrong,
        14 => Act::Guesses,
        15 => Act::Weak,
        16 => Act::Password,
        17 => Act::Empty,
        _ => Act::Begin,
    };
    let back = match draw.below(10) {
        0..=6 => 0,
        7 | 8 => 1,
        _ => 2,
    };
    let crash = match draw.below(12) {
        0 => Crash::Before,
        1 => Crash::After,
        _ => Crash::No,
    };
    let then = match draw.below(16) {
        0 => Then::Reload,
        1 => Then::Restart,
        2 => Then::Pass(1),
        3 => Then::Pass(301),
        _ => Then::Nothing,
    };
    Step { client, act, back, crash, then }
}
