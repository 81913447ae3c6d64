//! A script that was read and found to be JavaScript.
//!
//! The rule that is easiest to break: compiling must not run anything. QuickJS offers no parse alone through safe bindings, so the
//! source is evaluated behind a `throw`: a script is parsed as a whole before its first statement runs, and the first one ends it.

use std::sync::Arc;

use rquickjs::context::{EvalOptions, intrinsic};
use rquickjs::{Context, Runtime};

use crate::ScriptError;
use crate::run::fault;

/// Bytes of source a script may have.
pub const MAX_SOURCE_LEN: usize = 64 << 10;
/// Ends the check before the script's first statement. On the script's first line, so that lines count as the author counts them.
const STOP: &str = "throw 0;";
/// The parser works on the caller's stack, of which this much is used at most.
const PARSER_STACK: usize = 256 << 10;
const PARSER_HEAP: usize = 16 << 20;
const MAX_FILE_NAME_LEN: usize = 255;

/// A script, ready to run any number of times. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    source: Arc<str>,
    file_name: Arc<str>,
}

impl Program {
    /// Reads a classic script, not a module, in sloppy mode unless it says `'use strict'`, as IDM's Rhino does. Its result is its
    /// completion value: the value of the last expression statement. `return` belongs into a function: `(function () { … }())`.
    ///
    /// `file_name` appears in messages only.
    ///
    /// # Errors
    /// [`ScriptError::Syntax`] with the place, [`ScriptError::TooLarge`] beyond [`MAX_SOURCE_LEN`] bytes or when the parser needs
    /// more memory than a script may.
    pub fn compile(source: &str, file_name: &str) -> Result<Self, ScriptError> {
        if source.len() > MAX_SOURCE_LEN {
            return Err(ScriptError::TooLarge { what: "the length of the script in bytes", limit: MAX_SOURCE_LEN });
        }
        let file_name: String = file_name
            .chars()
            .filter(|c| !c.is_control())
            .scan(0, |length, c| {
                *length += c.len_utf8();
                (*length <= MAX_FILE_NAME_LEN).then_some(c)
            })
            .collect();
        let program = Self { source: source.into(), file_name: file_name.into() };
        program.check()?;
        Ok(program)
    }

    /// The text as it was given.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The name used in messages.
    pub fn file_name(&self) -> &str {
        &self.file_name
    }

    /// How every script is evaluated.
    pub(crate) fn options(&self, strict: bool) -> EvalOptions {
        let mut options = EvalOptions::default();
        options.global = true;
        options.strict = strict;
        options.filename = Some(self.file_name.to_string());
        options
    }

    fn check(&self) -> Result<(), ScriptError> {
        type Parser = (intrinsic::Eval, intrinsic::RegExpCompiler, intrinsic::RegExp);
        if let Some(at) = self.source.find('\0') {
            let (line, column) = place(&self.source, at);
            return Err(ScriptError::Syntax { line, column, message: "a NUL character".to_owned() });
        }
        let runtime = Runtime::new().map_err(|_| ScriptError::OutOfMemory)?;
        runtime.set_max_stack_size(PARSER_STACK);
        let context = Context::custom::<Parser>(&runtime).map_err(|_| ScriptError::OutOfMemory)?;
        runtime.set_memory_limit(PARSER_HEAP);
        context.with(|ctx| {
            let options = self.options(is_strict(&self.source));
            match ctx.eval_with_options::<(), _>(format!("{STOP}{}", self.source), options) {
                Err(rquickjs::Error::Exception) => {}
                Err(error) => return Err(ScriptError::Syntax { line: 1, column: 1, message: error.to_string() }),
                Ok(()) => return Ok(()),
            }
            let thrown = ctx.catch();
            if thrown.as_int() == Some(0) {
                return Ok(());
            }
            let fault = fault::describe(&ctx, &thrown, &self.file_name);
            if fault.is_out_of_memory {
                return Err(ScriptError::TooLarge { what: "the memory to read the script in bytes", limit: PARSER_HEAP });
            }
            let (line, column) = fault.place.unwrap_or((1, 1));
            let shift = if line == 1 { u32::try_from(STOP.len()).unwrap_or(0) } else { 0 };
            Err(ScriptError::Syntax { line, column: column.saturating_sub(shift).max(1), message: explain(fault.message) })
        })
    }
}

/// Line and column of a byte, counted from 1.
fn place(source: &str, at: usize) -> (u32, u32) {
    let before = source.get(..at).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (u32::try_from(line).unwrap_or(u32::MAX), u32::try_from(column).unwrap_or(u32::MAX))
}

/// Whether the script begins with `'use strict'`, which the `throw` before it would otherwise hide.
fn is_strict(source: &str) -> bool {
    let mut rest = source.trim_start_matches('\u{feff}');
    loop {
        rest = rest.trim_start();
        let Some(quote) = rest.chars().next() else { return false };
        if let Some(comment) = rest.strip_prefix("//") {
            rest = comment.split_once(['\n', '\r']).map_or("", |(_, after)| after);
        } else if let Some(comment) = rest.strip_prefix("/*") {
            rest = comment.split_once("*/").map_or("", |(_, after)| after);
        } else if matches!(quote, '\'' | '"') {
            let Some((directive, after)) = rest.get(1..).and_then(|text| text.split_once(quote)) else { return false };
            if directive == "use strict" {
                return true;
            }
            rest = after.trim_start().trim_start_matches(';');
        } else {
            return false;
        }
    }
}

/// Adds what the parser's own message leaves out.
fn explain(message: String) -> String {
    let message = message.strip_prefix("SyntaxError: ").map(ToOwned::to_owned).unwrap_or(message);
    if message.starts_with("return not in a function") {
        return format!("{message}; the result is the value of the last expression, or wrap the script in (function () {{ … }}())");
    }
    match message.strip_suffix(": ''") {
        Some(before) => format!("{before}: the end of the script"),
        None => message,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(source: &str) -> (u32, u32, String) {
        match Program::compile(source, "test.js") {
            Err(ScriptError::Syntax { line, column, message }) => (line, column, message),
            other => panic!("{source:?}: {other:?}"),
        }
    }

    #[test]
    fn syntax_errors_name_the_place_the_author_sees() {
        assert_eq!(refused("var a = 1;\nvar b = ;\n"), (2, 9, "unexpected token in expression: ';'".into()));
        assert_eq!(refused("  )").0, 1);
        assert_eq!(refused("  )").1, 3);
        assert_eq!(refused("\u{e4} = 1\0"), (1, 6, "a NUL character".into()));
        assert!(refused("if (true) {").2.contains("the end of the script"), "{:?}", refused("if (true) {"));
        assert!(refused("/(/.test('')").2.contains("expecting ')'"), "{:?}", refused("/(/.test('')"));
    }

    #[test]
    fn return_outside_a_function_is_explained() {
        let (line, _, message) = refused("var a = 1;\nreturn a;");
        assert_eq!(line, 2);
        assert!(message.contains("last expression"), "{message}");
    }

    #[test]
    fn modules_are_refused() {
        assert!(refused("import fs from 'fs'; true").2.len() > 3);
        assert!(refused("export default true").2.len() > 3);
        assert!(refused("await 1").2.len() > 3);
    }

    #[test]
    fn compiling_runs_nothing() {
        for source in ["while (true) {}", "throw 1", "(function f() { f() }())", "function f() {} f()", "// c\n'use strict'; for (;;);"] {
            assert!(Program::compile(source, "test.js").is_ok(), "{source}");
        }
    }

    #[test]
    fn strictness_is_the_scripts_own() {
        assert!(Program::compile("with ({a: true}) { a }", "test.js").is_ok());
        assert!(refused("/* c */ 'other'; \"use strict\"\nwith ({a: 1}) { a }").2.contains("with"));
        assert!(Program::compile("('use strict'); with ({a: 1}) { a }", "test.js").is_ok());
    }

    #[test]
    fn sec_52_long_and_deep_sources_are_refused() {
        assert!(matches!(Program::compile(&" ".repeat(MAX_SOURCE_LEN + 1), "a.js"), Err(ScriptError::TooLarge { .. })));
        assert!(Program::compile(&format!("{}true", " ".repeat(MAX_SOURCE_LEN - 4)), "a.js").is_ok());
        let deep = "[".repeat(30_000) + &"]".repeat(30_000);
        assert!(refused(&deep).2.contains("call stack"), "{:?}", refused(&deep));
        let pattern = format!("/{}a{}/", "(".repeat(30_000), ")".repeat(30_000));
        assert!(!refused(&pattern).2.is_empty());
    }
}
