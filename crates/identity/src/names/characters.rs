//! Characters that cannot be seen: controls, marks of direction, joiners, fillers, and code points that are no characters.

use std::ops::RangeInclusive;

/// Default ignorable code points (Unicode `DerivedCoreProperties`), separators, blanks that pass for letters, interlinear marks,
/// private use and noncharacters. The list is stable: later versions of Unicode add to the last plane only, which is here whole.
const HIDDEN: [RangeInclusive<u32>; 26] = [
    0x00AD..=0x00AD,
    0x034F..=0x034F,
    0x061C..=0x061C,
    0x115F..=0x1160,
    0x17B4..=0x17B5,
    0x180B..=0x180F,
    0x200B..=0x200F,
    0x2028..=0x202E,
    0x2060..=0x206F,
    0x2800..=0x2800,
    0x3164..=0x3164,
    0xE000..=0xF8FF,
    0xFDD0..=0xFDEF,
    0xFE00..=0xFE0F,
    0xFEFF..=0xFEFF,
    0xFFA0..=0xFFA0,
    0xFFF0..=0xFFFF,
    0x1_BCA0..=0x1_BCA3,
    0x1_D173..=0x1_D17A,
    0x1_FFFE..=0x1_FFFF,
    0x2_FFFE..=0x2_FFFF,
    0x3_FFFE..=0x3_FFFF,
    0x4_0000..=0xD_FFFF,
    0xE_0000..=0xE_0FFF,
    0xE_1000..=0xE_FFFF,
    0xF_0000..=0x10_FFFF,
];

/// Whether nobody sees the character.
pub(crate) fn is_hidden(character: char) -> bool {
    let code = u32::from(character);
    character.is_control() || HIDDEN.iter().any(|range| range.contains(&code))
}
