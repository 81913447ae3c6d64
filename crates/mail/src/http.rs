//! What mail reads of the answers to its questions over HTTP. Whoever runs the courier brings the client that asks them.

/// How much of an answer is read.
const MAX_ANSWER: usize = 64 * 1024;

/// The text of an answer, as far as it is read.
pub(crate) async fn text(reply: &mut reqwest::Response) -> Result<String, String> {
    let mut bytes = Vec::new();
    while let Some(chunk) = reply.chunk().await.map_err(|error| error.without_url().to_string())? {
        if bytes.len() + chunk.len() > MAX_ANSWER {
            return Err("its answer is too long".to_owned());
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// What a refusal says about itself, in the forms of RFC 6749 §5.2 and of Microsoft Graph.
pub(crate) fn reason(text: &str) -> String {
    let value: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
    let says = |pointer: &str| value.pointer(pointer).and_then(serde_json::Value::as_str);
    let said: Vec<&str> = ["/error", "/error_description", "/error/code", "/error/message"].into_iter().filter_map(says).collect();
    let said: String = said.join(", ").chars().filter(|c| !c.is_control()).take(300).collect();
    if said.is_empty() { said } else { format!(": {said}") }
}
