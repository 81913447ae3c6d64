//! How many mails at once are useful. More connections help until the server says that there are too many; what it says is believed, and
//! asked again by and by (the additive increase and multiplicative decrease of RFC 5681).

/// Where it begins.
const BEGIN: f64 = 16.0;
/// Never fewer: a connection that hangs must leave others.
const LEAST: f64 = 4.0;

/// A number of mails that may be on their way.
#[derive(Debug)]
pub(crate) struct Window {
    size: f64,
    most: f64,
    /// Up to here it grows by one with every success, beyond by one with every round.
    threshold: f64,
    /// Grows with every decrease: what began before one says nothing about the size after it.
    epoch: u64,
}

impl Window {
    pub(crate) fn new(most: usize) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "a number of connections")]
        let most = most.max(1) as f64;
        Self { size: BEGIN.min(most), most, threshold: most, epoch: 0 }
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a number of connections")]
    pub(crate) fn size(&self) -> usize {
        self.size as usize
    }

    pub(crate) fn epoch(&self) -> u64 {
        self.epoch
    }

    /// A mail was taken while as many as allowed were on their way.
    pub(crate) fn grow(&mut self) {
        let step = if self.size < self.threshold { 1.0 } else { 1.0 / self.size };
        self.size = (self.size + step).min(self.most);
    }

    /// No connection could be had by what began at `epoch`.
    pub(crate) fn shrink(&mut self, epoch: u64) {
        if epoch == self.epoch {
            self.epoch += 1;
            self.size = (self.size / 2.0).max(LEAST.min(self.most));
            self.threshold = self.size;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_doubles_in_a_round_until_the_server_has_enough_and_then_feels_its_way() {
        let mut window = Window::new(128);
        for _ in 0..200 {
            window.grow();
        }
        assert_eq!(window.size(), 128);
        let epoch = window.epoch();
        for _ in 0..128 {
            window.shrink(epoch);
        }
        assert_eq!(window.size(), 64, "one round of refusals is one refusal");
        for _ in 0..64 {
            window.grow();
        }
        assert_eq!(window.size(), 64);
        for _ in 0..100 {
            window.shrink(window.epoch());
        }
        assert_eq!(window.size(), 4);
        let mut one = Window::new(1);
        one.shrink(0);
        assert_eq!(one.size(), 1);
    }
}
