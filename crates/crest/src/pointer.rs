//! JSON pointers as Common REST writes them.
