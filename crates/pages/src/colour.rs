//! Colours of a brand, made readable: whatever an operator chooses, text on it and links in it keep the contrast of WCAG 2.2, 1.4.3.

/// Contrast that text needs.
const READABLE: f64 = 4.5;
/// Background of pages, light and dark; the same as in the style sheet.
const PAPER: [f64; 3] = [255.0, 255.0, 255.0];
const NIGHT: [f64; 3] = [20.0, 24.0, 31.0];

/// The style that a brand's colours add; nothing where it has none.
#[must_use]
pub(crate) fn style(colour: &str, dark: &str) -> String {
    let Some(light) = parse(colour) else { return String::new() };
    let light = towards(light, [0.0; 3], PAPER);
    let dark = towards(parse(dark).unwrap_or(light), [255.0; 3], NIGHT);
    let (on_light, on_dark) = (on(light), on(dark));
    let (light, dark) = (written(light), written(dark));
    format!(
        "\n:root{{--accent:{light};--on-accent:{on_light}}}@media(prefers-color-scheme:dark){{:root{{--accent:{dark};--on-accent:{on_dark}}}}}\n"
    )
}

/// `#rgb` or `#rrggbb`.
#[must_use]
pub(crate) fn parse(text: &str) -> Option<[f64; 3]> {
    let digits = text.trim().strip_prefix('#')?;
    let long: String = if digits.len() == 3 { digits.chars().flat_map(|digit| [digit, digit]).collect() } else { digits.to_owned() };
    if long.len() != 6 || !long.is_ascii() {
        return None;
    }
    let part = |from: usize| u8::from_str_radix(long.get(from..from + 2)?, 16).ok().map(f64::from);
    Some([part(0)?, part(2)?, part(4)?])
}

/// The colour, as far towards `end` as it must be to be read on `ground`.
fn towards(colour: [f64; 3], end: [f64; 3], ground: [f64; 3]) -> [f64; 3] {
    let mix = |share: f64| std::array::from_fn(|at| colour.get(at).unwrap_or(&0.0) * (1.0 - share) + end.get(at).unwrap_or(&0.0) * share);
    (0..=20).map(|step| mix(f64::from(step) / 20.0)).find(|mixed| contrast(*mixed, ground) >= READABLE).unwrap_or(end)
}

/// White or black, whichever is read better.
fn on(colour: [f64; 3]) -> &'static str {
    if contrast(colour, [255.0; 3]) >= contrast(colour, [0.0; 3]) { "#fff" } else { "#000" }
}

/// WCAG 2.2, "contrast ratio".
fn contrast(one: [f64; 3], other: [f64; 3]) -> f64 {
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

/// WCAG 2.2, "relative luminance".
fn luminance(colour: [f64; 3]) -> f64 {
    let linear = colour.map(|part| {
        let part = part / 255.0;
        if part <= 0.040_45 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
    });
    let [red, green, blue] = linear;
    0.2126 * red + 0.7152 * green + 0.0722 * blue
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is rounded and lies between 0 and 255")]
fn written(colour: [f64; 3]) -> String {
    let [red, green, blue] = colour.map(|part| format!("{:02x}", part.round().clamp(0.0, 255.0) as u8));
    format!("#{red}{green}{blue}")
}

/// The ground of a button and a text that can be read on it: the one that was chosen, else black or white.
pub(crate) fn of_button(ground: &str, text: &str) -> Option<(String, String)> {
    let ground = parse(ground)?;
    let chosen = parse(text).filter(|text| contrast(*text, ground) >= READABLE).map(written);
    Some((written(ground), chosen.unwrap_or_else(|| on(ground).to_owned())))
}

/// A colour as it is written here.
pub(crate) fn tidy(text: &str) -> Option<String> {
    parse(text).map(written)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_colour_of_a_brand_is_readable() {
        for colour in ["#ffcc00", "#0b5", "#000000", "#ffffff", "#e4002b", "#1d70b8"] {
            let light = towards(parse(colour).unwrap(), [0.0; 3], PAPER);
            let dark = towards(parse(colour).unwrap(), [255.0; 3], NIGHT);
            assert!(contrast(light, PAPER) >= READABLE && contrast(dark, NIGHT) >= READABLE, "{colour}");
            assert!(style(colour, "").contains("--accent:#"), "{colour}");
        }
        assert_eq!(style("red", ""), "");
        assert_eq!(style("#1d70b8", "").matches("#1d70b8").count(), 1, "a readable colour is left alone");
    }
}
