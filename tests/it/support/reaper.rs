//! Servers shared by tests live as long as the test binary, whose statics are never dropped. A small shell holds the other end of a
//! pipe: when the binary is gone, however it ended, it ends what is left and removes the directories.

use std::io::Write;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{LazyLock, Mutex};

const SCRIPT: &str = r#"
left=""
while read -r sign what; do
    case "$sign" in
        +) left="$left
$what" ;;
        -) left=$(printf '%s\n' "$left" | grep -Fvx -- "$what") ;;
    esac
done
printf '%s\n' "$left" | while read -r pid directory; do
    [ -n "$pid" ] || continue
    # A browser leads a group of its own, with all its children.
    kill -9 "-$pid" 2>/dev/null || kill -9 "$pid" 2>/dev/null
    # Who is killed may still finish a write: what has come back is removed once more.
    gone=0
    for try in $(seq 100); do
        if [ -d "$directory" ]; then gone=0; rm -rf -- "$directory" 2>/dev/null; else gone=$((gone + 1)); fi
        [ "$gone" -lt 3 ] || break
        sleep 0.1
    done
done
"#;

#[expect(clippy::zombie_processes, reason = "it ends after us, when our end of its pipe is gone")]
static SHELL: LazyLock<Mutex<ChildStdin>> = LazyLock::new(|| {
    let mut shell: Child = Command::new("sh").arg("-c").arg(SCRIPT).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    Mutex::new(shell.stdin.take().unwrap())
});

/// Watches a process of ours and the directory it works in.
pub(crate) fn watch(pid: u32, directory: &Path) {
    writeln!(SHELL.lock().unwrap(), "+ {pid} {}", directory.display()).unwrap();
}

/// The process was ended by its owner.
pub(crate) fn forget(pid: u32, directory: &Path) {
    writeln!(SHELL.lock().unwrap(), "- {pid} {}", directory.display()).unwrap();
}
