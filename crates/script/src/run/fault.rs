//! What was thrown, in words. The rule that is easiest to break: a script may throw anything, with getters that throw again, so
//! nothing here relies on what it finds.

use rquickjs::{Coerced, Ctx, FromJs, Value as JsValue};
use serde_json::Value;

/// Bytes of a message that are kept.
const MAX_MESSAGE_LEN: usize = 512;
/// Bytes of JSON that a thrown object may have.
const MAX_THROWN_LEN: usize = 16 << 10;

/// What was thrown.
pub(crate) struct Fault {
    pub(crate) message: String,
    /// Line and column in the script, counted from 1.
    pub(crate) place: Option<(u32, u32)>,
    pub(crate) is_out_of_memory: bool,
    /// The object that was thrown; null for an error of the engine and for what is no object.
    pub(crate) thrown: Value,
}

/// Describes `thrown`. May run code of the script, which the interrupt handler bounds as any other.
pub(crate) fn describe<'js>(ctx: &Ctx<'js>, thrown: &JsValue<'js>, file_name: &str) -> Fault {
    let property = |name: &str| {
        let object = thrown.as_object()?;
        let found = object.get::<_, JsValue<'js>>(name).ok();
        let text = found.filter(JsValue::is_string).and_then(|text| text.get::<String>().ok());
        if text.is_none() {
            ctx.catch();
        }
        text
    };
    let is_error = thrown.is_error();
    let own = property("message");
    // The engine has no memory left for an error object, or it had just enough for one.
    let is_out_of_memory = (is_error && own.as_deref() == Some("out of memory")) || thrown.is_null();
    let place = property("stack").filter(|_| is_error).and_then(|stack| place(&stack, file_name));
    // IDM's own exceptions are plain objects, `{code, message, detail}`, which have no text form of their own.
    let message = own.filter(|_| !is_error).or_else(|| {
        let text = Coerced::<String>::from_js(ctx, thrown.clone()).ok().map(|text| text.0);
        if text.is_none() {
            ctx.catch();
        }
        text
    });
    let message = shorten(message.unwrap_or_else(|| "something that has no text form".to_owned()), MAX_MESSAGE_LEN);
    Fault { message, place, is_out_of_memory, thrown: members(ctx, thrown) }
}

/// The members of a thrown object, an error's `code` and `detail` among them.
fn members<'js>(ctx: &Ctx<'js>, thrown: &JsValue<'js>) -> Value {
    if !thrown.is_object() || thrown.is_function() {
        return Value::Null;
    }
    let text = ctx.json_stringify(thrown.clone()).ok().flatten().and_then(|text| text.to_string().ok());
    if text.is_none() {
        ctx.catch();
    }
    let mut members: Option<Value> = text.filter(|text| text.len() <= MAX_THROWN_LEN).and_then(|text| serde_json::from_str(&text).ok());
    if let Some(members) = members.as_mut().and_then(Value::as_object_mut).filter(|_| thrown.is_error()) {
        // An error's message is told by itself; some of the engine's own have it among their members as well.
        members.remove("message");
    }
    members.filter(|members: &Value| members.as_object().is_some_and(|members| !members.is_empty())).unwrap_or_default()
}

/// The innermost frame in the script, of lines such as `    at name (file:2:9)` or `    at file:2:9`.
fn place(stack: &str, file_name: &str) -> Option<(u32, u32)> {
    stack.lines().find_map(|frame| {
        let (_, rest) = frame.split_once(file_name)?;
        let mut numbers = rest.strip_prefix(':')?.trim_end_matches(')').split(':');
        let line = numbers.next()?.parse().ok()?;
        let column = numbers.next()?.parse().ok()?;
        Some((line, column))
    })
}

/// At most `length` bytes, without control characters, which would let a script forge lines of a log.
pub(crate) fn shorten(text: String, length: usize) -> String {
    let mut text = if text.contains(char::is_control) { text.replace(char::is_control, " ") } else { text };
    text.truncate(text.floor_char_boundary(length));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_innermost_frame_of_the_script_gives_the_place() {
        let stack = "    at read (native)\n    at f (a:b.js:12:3)\n    at <eval> (a:b.js:1:1)\n";
        assert_eq!(place(stack, "a:b.js"), Some((12, 3)));
        assert_eq!(place("    at a.js:2:9\n", "a.js"), Some((2, 9)));
        assert_eq!(place("    at other.js:2:9\n", "a.js"), None);
        assert_eq!(place("    at a.js:x:9\n    at a.js", "a.js"), None);
    }

    #[test]
    fn messages_are_cut_between_characters_and_forge_no_lines() {
        assert_eq!(shorten("ab\u{e4}".into(), 3), "ab");
        assert_eq!(shorten("a\nb\r\u{1b}c".into(), 99), "a b  c");
    }
}
