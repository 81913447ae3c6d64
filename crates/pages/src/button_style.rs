//! The colours of the buttons of identity providers, by what their files say (`uiConfig`).
//!
//! Easiest to get wrong: what an operator writes there are styles of another client's pages. A colour of it comes into the style sheet, and nothing
//! else does.

use serde_json::Value;
use social::Provider;

use crate::colour;

/// The colours of the buttons, as a part of the style sheet. Text on them keeps the contrast of WCAG 2.2, 1.4.3, whatever the file says.
pub(crate) fn style<'p>(files: impl Iterator<Item = &'p Value>) -> String {
    files.filter_map(rule).collect()
}

fn rule(file: &Value) -> Option<String> {
    let name = Provider::name_of(file).filter(|name| Provider::is_name(name))?;
    let look = file.get("uiConfig")?;
    let declared = |property: &str| {
        let declarations = look.get("buttonCustomStyle")?.as_str()?.split(';').filter_map(|one| one.split_once(':'));
        declarations.filter(|(name, _)| name.trim().eq_ignore_ascii_case(property)).map(|(_, value)| value.trim()).next_back()
    };
    let ground = declared("background-color").or_else(|| declared("background")).or_else(|| look.get("iconBackground")?.as_str());
    let (ground, text) = colour::of_button(ground?, declared("color").unwrap_or_default())?;
    let border = declared("border-color").and_then(colour::tidy).unwrap_or_else(|| ground.clone());
    // A point is the one character of a name that a selector would take for something else.
    let name = name.replace('.', "\\.");
    Some(format!(".provider-{name}{{background:{ground};color:{text};border-color:{border}}}\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn colours_of_a_button_are_readable_and_nothing_else_comes_into_the_style() {
        let file = |look: &Value| json!({"provider": "a.b", "uiConfig": look});
        let of = |look: &Value| style([file(look)].iter());
        assert_eq!(
            of(&json!({"buttonCustomStyle": "background-color: #3b5998; border-color: #FFF; color: #ffffff;"})),
            ".provider-a\\.b{background:#3b5998;color:#ffffff;border-color:#ffffff}\n"
        );
        assert_eq!(of(&json!({"iconBackground": "#ffffff"})), ".provider-a\\.b{background:#ffffff;color:#000;border-color:#ffffff}\n");
        let unreadable = of(&json!({"buttonCustomStyle": "background: #3b5998; color: #3b5999"}));
        assert!(unreadable.contains("color:#fff;"), "{unreadable}");
        for bad in
            [json!({}), json!({"iconBackground": "red}body{display:none"}), json!({"buttonCustomStyle": "background: url(https://x)"})]
        {
            assert_eq!(of(&bad), "", "{bad}");
        }
        assert_eq!(style([json!({"provider": "a b", "uiConfig": {"iconBackground": "#fff"}})].iter()), "");
    }
}
