//! TLS to a real server: what is verified, and what goes on without.

use std::path::Path;
use std::process::Command;

use crate::testing::{PASSWORD, Postgres};
use crate::{Collections, Db};

/// A server with a certificate of its own for this name; gives the file of the certificate, too.
fn server(directory: &Path, name: &str) -> (Postgres, String) {
    let pair = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
    let at = |end: &str| directory.join(format!("{name}.{end}")).display().to_string();
    std::fs::write(at("crt"), pair.cert.pem()).unwrap();
    std::fs::write(at("key"), pair.signing_key.serialize_pem()).unwrap();
    std::fs::set_permissions(at("key"), std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    // The server is somebody else where the tests are root; where they are not, the file is its own already.
    drop(Command::new("chown").arg("postgres").arg(at("key")).output());
    let settings = ["ssl=on".to_owned(), format!("ssl_cert_file={}", at("crt")), format!("ssl_key_file={}", at("key"))];
    (Postgres::start(&settings.each_ref().map(String::as_str)), at("crt"))
}

async fn opened(server: &Postgres, more: &str) -> Result<(), String> {
    let url = format!("postgres://vestibule:{PASSWORD}@127.0.0.1:{}/vestibule{more}", server.port());
    Db::open(&url, Collections::new()).await.map(drop).map_err(|error| error.to_string())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_is_verified_unless_the_address_says_otherwise() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::set_permissions(directory.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let (here, own) = server(directory.path(), "127.0.0.1");
    let (elsewhere, others) = server(directory.path(), "db.example.test");
    assert_eq!(opened(&here, &format!("?sslrootcert={own}")).await, Ok(()), "verify-full is what is meant");
    assert_eq!(opened(&here, "?sslmode=require").await, Ok(()), "encrypted to whoever answers");
    assert_eq!(opened(&elsewhere, &format!("?sslmode=verify-ca&sslrootcert={others}")).await, Ok(()), "the name does not matter");
    for (server, more) in [
        (&here, String::new()),
        (&here, format!("?sslrootcert={others}")),
        (&here, format!("?sslmode=verify-ca&sslrootcert={others}")),
        (&here, format!("?sslmode=require&sslrootcert={others}")),
        (&elsewhere, format!("?sslrootcert={others}")),
    ] {
        let refused = opened(server, &more).await.unwrap_err();
        assert!(refused.contains("certificate") && !refused.contains(PASSWORD), "{more}: {refused}");
    }
    let missing = opened(&here, "?sslrootcert=/nowhere.pem").await.unwrap_err();
    assert!(missing.contains("/nowhere.pem"), "{missing}");
}
