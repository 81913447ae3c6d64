//! Which scripts may stand together in one name: those of one language (Unicode TR39 §5.2, *highly restrictive*).
//!
//! Easiest to break: this is about mixing. A name in one script is good whichever it is; that it may look like a Latin one is what
//! skeletons are compared for.

use unicode_security::RestrictionLevel;
use unicode_security::mixed_script::AugmentedScriptSet;
use unicode_security::restriction_level::RestrictionLevelDetection;

/// Whether all letters are of one script, or of scripts that are written together: Latin with those of Japanese, Korean or Chinese.
pub(super) fn are_written_together(text: &str) -> bool {
    // Digits, signs and emoji belong to every script.
    let letters: String = text.chars().filter(|character| character.is_alphabetic()).collect();
    !AugmentedScriptSet::for_str(&letters).is_empty() || letters.as_str().detect_restriction_level() <= RestrictionLevel::HighlyRestrictive
}
