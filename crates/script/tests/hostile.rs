//! What a hostile or broken script can do: fail, and nothing else (SEC-52).

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that fails, panics")]

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use vestibule_script::{Bindings, Host, Level, Limits, NoHost, Program, Sandbox, ScriptError};

fn bindings() -> Bindings {
    Bindings::new(0, [3; 32])
}

fn run(sandbox: &Sandbox, source: &str) -> Result<Value, ScriptError> {
    let program = Program::compile(source, "test.js").unwrap();
    sandbox.run_blocking(&program, bindings(), Arc::new(NoHost))
}

/// The default time. The watchdog is patient: a busy machine must not look like an engine that cannot be interrupted.
fn strict() -> Sandbox {
    Sandbox::new(Limits { grace: Duration::from_secs(30), ..Limits::default() })
}

/// Time enough for a busy machine, where time is not what is tested.
fn patient() -> Sandbox {
    Sandbox::new(Limits { time: Duration::from_secs(30), ..Limits::default() })
}

fn assert_healthy(sandbox: &Sandbox) {
    let program = Program::compile("1 + 1", "healthy.js").unwrap();
    for _ in 0..20 {
        // A busy machine may starve one run of its second; never twenty in a row.
        if sandbox.run_blocking(&program, bindings(), Arc::new(NoHost)) == Ok(json!(2)) {
            return;
        }
    }
    panic!("the sandbox does not recover");
}

#[test]
fn sec_52_endless_loops_are_stopped() {
    let sandbox = strict();
    for source in [
        "while (true) {}",
        "for (;;) { try { throw 1 } catch (e) {} finally { continue } }",
        "do { try { for (;;); } catch (e) {} } while (true)",
        "var o = {get a() { for (;;); }}; o.a",
        "({toJSON: function () { for (;;); }})",
        "[{get deep() { for (;;); }}]",
        "throw {get message() { for (;;); }}",
        "throw {toString: function () { for (;;); }}",
        "new Proxy({}, {get: function () { for (;;); }, ownKeys: function () { for (;;); }})",
        "[3, 2, 1].sort(function () { for (;;); })",
        "Object.prototype.toString = function () { for (;;); }; throw {}",
        "var g = (function* () { for (;;) yield 1 }()); for (var x of g);",
        "eval('for (;;);')",
        "logger.info({toJSON: function () { for (;;); }})",
        "openidm.query('a', {get b() { for (;;); }})",
    ] {
        assert_eq!(run(&sandbox, source), Err(ScriptError::Timeout(Duration::from_millis(100))), "{source}");
    }
    assert_eq!(sandbox.abandoned(), 0, "all of them were interrupted");
    assert_healthy(&sandbox);
}

#[test]
fn sec_52_regular_expression_bombs_are_stopped() {
    let sandbox = strict();
    for source in [
        "/^(a+)+$/.test('a'.repeat(40) + '!')",
        "/(x+x+)+y/.test('x'.repeat(60))",
        "'a'.repeat(50).replace(/(a*)*b/g, '')",
        "/^(?=(a+)+b)/.test('a'.repeat(60))",
    ] {
        assert_eq!(run(&sandbox, source), Err(ScriptError::Timeout(Duration::from_millis(100))), "{source}");
    }
    assert_eq!(sandbox.abandoned(), 0);
    assert_healthy(&sandbox);
}

#[test]
fn sec_52_recursion_ends_within_the_stack() {
    let sandbox = patient();
    for source in [
        "function f() { return f() + 1 } f()",
        "var o = {}; o.toString = function () { return '' + o }; '' + o",
        "var a = []; for (var i = 0; i < 100000; i++) a = [a]; a",
        "JSON.parse('['.repeat(100000))",
        "eval('('.repeat(100000))",
        "new RegExp('('.repeat(60000) + ')'.repeat(60000))",
        "(function f() { new Proxy({}, {get: f}).x }())",
        "var p = {}; for (var i = 0; i < 100000; i++) p = new Proxy(p, {}); p.x",
        "var p = []; for (var i = 0; i < 100000; i++) p = new Proxy(p, {}); Array.isArray(p)",
        "(function f() { [1].map(f) }())",
        "(function f() { 'a'.replace(/a/, f) }())",
        "class A { constructor() { new A() } } new A()",
        "var b = function () {}; for (var i = 0; i < 100000; i++) b = b.bind(null); b()",
    ] {
        let outcome = run(&sandbox, source);
        assert!(
            matches!(outcome, Err(ScriptError::Threw { .. } | ScriptError::OutOfMemory)) || outcome == Ok(json!(true)),
            "{source}: {outcome:?}"
        );
    }
    assert_healthy(&sandbox);
}

#[test]
fn sec_52_memory_is_limited() {
    let sandbox = patient();
    for source in [
        "var a = []; for (;;) a.push(a.concat([1, 2, 3]))",
        "var s = 'x'; for (;;) s += s; s",
        "'x'.repeat(1 << 28)",
        "new ArrayBuffer(1 << 28)",
        "new Uint8Array(1e8)",
        "var o = {}; for (var i = 0; ; i++) o['k' + i] = {}",
        "var a = new Array(1000).fill('x'.repeat(100000)); a.join()",
        "var m = new Map(); for (var i = 0; ; i++) m.set(i, [i])",
        "2n ** 1000000000n",
        "var a = []; for (;;) a = [a, a, function () { return a }]",
        "'x'.padStart(1 << 29)",
        "JSON.stringify(new Array(1000).fill('x'.repeat(100000)))",
        "var f = []; for (;;) f.push(eval('(function () { return ' + f.length + ' })'))",
    ] {
        let outcome = run(&sandbox, source);
        // Some of these exceed a limit of the language before they exceed ours.
        let refused = match &outcome {
            Err(ScriptError::OutOfMemory) => true,
            Err(ScriptError::Threw { message, .. }) => message.starts_with("RangeError") || message == "InternalError: string too long",
            _ => false,
        };
        assert!(refused, "{source}: {outcome:?}");
    }
    assert_healthy(&sandbox);
}

#[test]
fn sec_52_lack_of_memory_at_any_point_is_survived() {
    // The engine is told to stop at many different sizes, so that many different allocations fail.
    let source = "var all = []; var text = 'abc'; all.push(/(a)(b)?/.exec(text)); all.push(new Map([[1, {}]]));
        (function f(n) { all.push(function () { return n; }); if (n) f(n - 1); }(50));
        for (var i = 0; i < 1000; i++) { try { all.push({a: i, b: [i], c: text += i, d: new Date(i), e: new Error(i)}); }
        catch (e) { all.push(String(e)); } } class A { #x = 1; get y() { return this.#x } } all.push(new A());
        try { null.x } catch (e) { all.push(e.stack) } JSON.parse(JSON.stringify(all)).length > 0";
    let program = Program::compile(source, "test.js").unwrap();
    let mut failed = 0;
    for step in 0..60 {
        let limits = Limits { heap: (1 << 20) + step * 9_973, time: Duration::from_secs(30), ..Limits::default() };
        let outcome = Sandbox::new(limits).run_condition_blocking(&program, bindings(), Arc::new(NoHost));
        assert!(matches!(outcome, Ok(true) | Err(ScriptError::OutOfMemory | ScriptError::Threw { .. })), "{step}: {outcome:?}");
        failed += usize::from(outcome.is_err());
    }
    assert!(failed > 0, "no size was too small: the test is too kind");
}

#[test]
fn sec_52_results_and_reads_are_limited() {
    let sandbox = patient();
    assert!(matches!(run(&sandbox, "'x'.repeat(300 * 1024)"), Err(ScriptError::TooLarge { limit: 262_144, .. })));
    assert!(run(&sandbox, "'x'.repeat(200 * 1024)").is_ok());
    let deep = run(&sandbox, "var a = 1; for (var i = 0; i < 500; i++) a = [a]; a");
    assert!(matches!(deep, Err(ScriptError::NotJson(_))), "{deep:?}");
    let reads = run(&sandbox, "for (var i = 0; i < 33; i++) openidm.read('a')");
    assert_eq!(reads, Err(ScriptError::Threw { message: "Error: the script reads too often".into(), line: Some(1), thrown: Value::Null }));
    assert_eq!(run(&sandbox, "for (var i = 0; i < 32; i++) openidm.read('a'); true"), Ok(json!(true)));
}

#[test]
fn what_cannot_be_interrupted_is_given_up_and_replaced() {
    let sandbox = Sandbox::new(Limits { workers: 1, ..Limits::default() });
    let outcome = run(&sandbox, "new Array(1e9) + ''");
    assert_eq!(outcome, Err(ScriptError::Timeout(Duration::from_millis(100))));
    assert_eq!(sandbox.abandoned(), 1);
    assert_healthy(&sandbox);
    assert_eq!(run(&sandbox, "while (true) {}"), Err(ScriptError::Timeout(Duration::from_millis(100))));
}

#[test]
fn whoever_shares_threads_counts_their_own_scripts_that_run_out_of_time() {
    let first = strict();
    let second = first.beside();
    assert!(run(&second, "while (true) {}").is_err() && run(&second, "throw 1").is_err());
    assert_eq!((first.slow(), second.slow()), (0, 1));
    drop(first);
    assert_healthy(&second);
}

/// Keeps a thread busy until the test lets it go.
struct Stuck {
    entered: Sender<()>,
    leave: Mutex<Receiver<()>>,
}

impl Host for Stuck {
    fn read(&self, _path: &str) -> Result<Value, String> {
        self.entered.send(()).unwrap();
        let _ = self.leave.lock().unwrap().recv();
        Ok(Value::Null)
    }

    fn query(&self, _path: &str, _params: &Value) -> Result<Value, String> {
        unreachable!("the script does not query")
    }
}

/// A host that takes three times as long as a script may compute.
struct Slow;

impl Host for Slow {
    fn read(&self, _path: &str) -> Result<Value, String> {
        let (_open, silent) = channel::<()>();
        let _ = silent.recv_timeout(Duration::from_millis(300));
        Ok(json!("read"))
    }

    fn query(&self, _path: &str, _params: &Value) -> Result<Value, String> {
        unreachable!("the script does not query")
    }
}

#[test]
fn a_wait_is_not_held_against_a_script_as_its_own_work_is() {
    // The core is taken away from a thread for longer than that on a busy machine, and the script can do nothing about it.
    let program = Program::compile("openidm.read('a')", "waits.js").unwrap();
    let patient = Sandbox::new(Limits { patience: 200, ..Limits::default() });
    assert_eq!(patient.run_blocking(&program, bindings(), Arc::new(Slow)), Ok(json!("read")));
    let impatient = Sandbox::new(Limits { patience: 1, ..Limits::default() });
    assert_eq!(
        impatient.run_blocking(&program, bindings(), Arc::new(Slow)),
        Err(ScriptError::Timeout(Duration::from_millis(100))),
        "but not for ever"
    );
}

#[test]
fn threads_given_up_are_bounded_and_come_back() {
    // Time enough to come to the host on a busy machine: a run that ends before would have nobody enter.
    let limits = Limits { workers: 1, abandoned: 2, time: Duration::from_secs(2), patience: 1, ..Limits::default() };
    let sandbox = Sandbox::new(limits);
    let (entered, has_entered) = channel();
    let (release, leave) = channel();
    let host = Arc::new(Stuck { entered, leave: Mutex::new(leave) });
    let program = Program::compile("openidm.read('a'); true", "stuck.js").unwrap();
    for stuck in 1..=2 {
        let outcome = sandbox.run_condition_blocking(&program, bindings(), host.clone());
        assert_eq!(outcome, Err(ScriptError::Timeout(Duration::from_secs(2))));
        has_entered.recv().unwrap();
        assert_eq!(sandbox.abandoned(), stuck);
    }
    let refused = run(&sandbox, "true");
    assert!(matches!(refused, Err(ScriptError::Unavailable(_))), "{refused:?}");
    drop(release);
    while sandbox.abandoned() > 0 {
        std::thread::yield_now();
    }
    assert_healthy(&sandbox);
}

#[test]
fn a_full_queue_refuses_and_closing_answers_everybody() {
    let limits = Limits { workers: 1, queue: 2, time: Duration::from_mins(1), ..Limits::default() };
    let sandbox = Sandbox::new(limits);
    let (entered, has_entered) = channel();
    let (release, leave) = channel();
    let host = Arc::new(Stuck { entered, leave: Mutex::new(leave) });
    let program = Program::compile("openidm.read('a'); true", "stuck.js").unwrap();
    let running = sandbox.run_condition(&program, bindings(), host);
    has_entered.recv().unwrap();
    let quick = Program::compile("true", "quick.js").unwrap();
    let waiting: Vec<_> = (0..2).map(|_| sandbox.run(&quick, bindings(), Arc::new(NoHost))).collect();
    let refused = sandbox.run_blocking(&quick, bindings(), Arc::new(NoHost));
    assert_eq!(refused, Err(ScriptError::Unavailable("too many scripts are waiting")));
    drop(sandbox);
    for run in waiting {
        assert!(matches!(wait(run), Err(ScriptError::Unavailable(_))));
    }
    drop(release);
    assert_eq!(wait(running), Ok(true), "what runs comes to its end");
}

fn wait<F: Future>(future: F) -> F::Output {
    let mut future = std::pin::pin!(future);
    loop {
        let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
        if let std::task::Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            return output;
        }
        std::thread::yield_now();
    }
}

struct Panicking;

impl Host for Panicking {
    fn read(&self, _path: &str) -> Result<Value, String> {
        panic!("a fault of the host")
    }

    fn query(&self, _path: &str, _params: &Value) -> Result<Value, String> {
        Ok(Value::Null)
    }

    fn log(&self, _level: Level, _message: &str) {
        panic!("another fault of the host")
    }
}

#[test]
fn a_panic_of_the_host_fails_the_run_and_no_thread() {
    let sandbox = Sandbox::new(Limits { workers: 1, time: Duration::from_secs(30), ..Limits::default() });
    let failing = |source: &str| {
        let program = Program::compile(source, "panic.js").unwrap();
        sandbox.run_blocking(&program, bindings(), Arc::new(Panicking))
    };
    let threw = Err(ScriptError::Threw { message: "Error: the server failed".into(), line: Some(1), thrown: Value::Null });
    assert_eq!(failing("openidm.read('a')"), threw);
    assert_eq!(failing("try { openidm.read('a') } catch (e) { e.message }"), Ok(json!("the server failed")));
    assert_eq!(failing("try { logger.info('a') } catch (e) { 1 }; null.x"), Err(ScriptError::Unavailable("the engine failed")));
    assert_healthy(&sandbox);
}

#[test]
fn nothing_leaks_into_the_next_run() {
    let sandbox = Sandbox::new(Limits { workers: 1, time: Duration::from_secs(30), ..Limits::default() });
    let pollution = "Object.prototype.isAdmin = true; Array.prototype.map = null; globalThis.left = 1; var alsoLeft = 1;
        JSON.parse = function () { return 1 }; Date.now = function () { return 1 }; Math.random = function () { return 2 };
        openidm.read = function () { return 'mine' }; logger.info = null; Function.prototype.call = null;
        Object.defineProperty(globalThis, 'locked', {value: 1}); Object.freeze(Object.prototype); RegExp.prototype.exec = null;
        Symbol.for('left').description; true";
    let look = "[({}).isAdmin === undefined, typeof [].map, typeof left, typeof alsoLeft, JSON.parse('2'), Date.now(),
        Math.random() < 1, openidm.read('a'), typeof logger.info, typeof locked, Object.isFrozen(Object.prototype), /a/.test('a')]";
    let clean = json!([true, "function", "undefined", "undefined", 2, 0, true, null, "function", "undefined", false, true]);
    assert_eq!(run(&sandbox, look), Ok(clean.clone()));
    assert_eq!(run(&sandbox, pollution), Ok(json!(true)));
    assert_eq!(run(&sandbox, look), Ok(clean));
}

#[test]
fn asynchronous_scripts_are_refused() {
    let sandbox = patient();
    for source in [
        "(async function () { return true }())",
        "(async function () { await 1; return true }()); true",
        "import('fs')",
        "import('fs'); true",
        "Array.fromAsync([1])",
        "(async function* () { yield 1 }()).next()",
    ] {
        assert_eq!(run(&sandbox, source), Err(ScriptError::Asynchronous), "{source}");
    }
    assert!(matches!(run(&sandbox, "new Promise(function () {})"), Err(ScriptError::Threw { .. })));
}

#[test]
fn scripts_run_side_by_side() {
    let sandbox = Arc::new(Sandbox::new(Limits {
        workers: 3,
        queue: 1000,
        time: Duration::from_secs(30),
        queue_time: Duration::from_mins(1),
        ..Limits::default()
    }));
    let program = Program::compile("var t = 0; for (var i = 0; i < n; i++) t += i; t", "sum.js").unwrap();
    let threads: Vec<_> = (0..8_u64)
        .map(|thread| {
            let (sandbox, program) = (Arc::clone(&sandbox), program.clone());
            std::thread::spawn(move || {
                for n in thread..thread + 25 {
                    let sum = sandbox.run_blocking(&program, bindings().with("n", json!(n)), Arc::new(NoHost));
                    assert_eq!(sum, Ok(json!(n * n.saturating_sub(1) / 2)));
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_thousand_runs_leave_nothing_behind() {
    fn resident_bytes() -> usize {
        let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
        statm.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
    }
    let sandbox = Sandbox::new(Limits { workers: 1, time: Duration::from_secs(30), ..Limits::default() });
    let source = "var a = []; for (var i = 0; i < 1000; i++) a.push({i: i, self: a}); var c = {}; c.c = c; logger.info('x'); null.x";
    let program = Program::compile(source, "grow.js").unwrap();
    let many = |count: usize| {
        for _ in 0..count {
            let outcome = sandbox.run_blocking(&program, bindings().with("object", json!({"a": "b".repeat(1000)})), Arc::new(NoHost));
            assert!(matches!(outcome, Err(ScriptError::Threw { .. })), "{outcome:?}");
        }
    };
    many(200);
    let before = resident_bytes();
    many(1000);
    // The other tests of this file run beside it, within their own limits of 16 MiB; a run that left its heap behind would leave
    // 300 KiB, a thousand of them 300 MiB.
    let grown = resident_bytes().saturating_sub(before);
    assert!(grown < 150 << 20, "{grown} bytes");
}

#[test]
fn a_run_may_have_a_time_of_its_own_and_keeps_it() {
    let sandbox = strict();
    let endless = Program::compile("while (true) {}", "endless.js").unwrap();
    let shorter = sandbox.run_blocking(&endless, bindings().within(Duration::from_millis(20)), Arc::new(NoHost));
    assert_eq!(shorter, Err(ScriptError::Timeout(Duration::from_millis(20))));
    let busy = Program::compile("for (var i = 0; i < 3e5; i++) {} i", "busy.js").unwrap();
    assert_eq!(sandbox.run_blocking(&busy, bindings().within(Duration::from_secs(30)), Arc::new(NoHost)), Ok(json!(300_000)));
    assert_healthy(&sandbox);
}

thread_local! {
    static CLIENT: std::cell::Cell<Option<u64>> = const { std::cell::Cell::new(None) };
}

/// One client has every thread busy and more waiting; the script of another runs at once.
#[test]
fn sec_52_scripts_of_one_client_keep_nobody_elses_waiting() {
    for workers in [1, 2] {
        let long = Duration::from_mins(10);
        let limits = Limits { workers, time: long, queue_time: long, ..Limits::default() };
        let sandbox = Sandbox::new(limits).in_turns_of(|| CLIENT.get());
        let (entered, has_entered) = channel();
        let (release, leave) = channel();
        let host = Arc::new(Stuck { entered, leave: Mutex::new(leave) });
        let program = Program::compile("openidm.read('a')", "stuck.js").unwrap();
        CLIENT.set(Some(1));
        let stuck: Vec<_> = (0..20).map(|_| sandbox.run(&program, bindings(), host.clone())).collect();
        for _ in 0..workers {
            has_entered.recv().unwrap();
        }
        for client in [None, Some(2), Some(3), Some(2)] {
            CLIENT.set(client);
            assert_eq!(run(&sandbox, "1 + 1"), Ok(json!(2)), "{client:?}");
        }
        assert!(has_entered.try_recv().is_err(), "the client with the most has no more threads than there are");
        drop(release);
        for one in stuck {
            assert_eq!(vestibule_script::wait(one), Ok(Value::Null));
        }
    }
}
