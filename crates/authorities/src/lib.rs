//! Which authorities are believed that a server is who it says: those that this system names, or, where it names none at all, those of Mozilla's
//! list, which is linked. So the binary alone, in a root directory that holds nothing else, speaks TLS.
//!
//! Easiest to break: nobody is believed whom the operator's system does not believe. The linked list counts only where the system has none: not
//! where the operator names a file or a directory (`SSL_CERT_FILE`, `SSL_CERT_DIR`), and not where the system's list cannot be read.

mod believed;

pub use believed::{Nobody, certificates, linked};
