//! The forms of exports, one file each.

pub(crate) mod csv;
pub(crate) mod dump;
pub(crate) mod json_lines;
pub(crate) mod ldif;
pub(crate) mod lines;
