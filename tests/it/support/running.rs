//! A process that is not a [`Server`](super::Server), and ends with its test.

use std::process::{Child, Command};

/// The process. It is killed when dropped.
pub(crate) struct Running(pub(crate) Child);

impl Running {
    /// Tells it to stop.
    #[track_caller]
    pub(crate) fn tell_to_stop(&self) {
        assert!(Command::new("kill").arg("-TERM").arg(self.0.id().to_string()).status().unwrap().success());
    }

    /// Waits for its end, and gives its exit status.
    #[track_caller]
    pub(crate) fn ended(&mut self) -> Option<i32> {
        self.0.wait().unwrap().code()
    }

    /// Tells it to stop, waits, and gives its exit status.
    #[track_caller]
    pub(crate) fn stop(&mut self) -> Option<i32> {
        self.tell_to_stop();
        self.ended()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It has ended already where the test is whole.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
