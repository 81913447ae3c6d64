//! The reverse proxies of the page *Behind a reverse proxy*: their configurations as they stand there, before a real server. `make test-proxies`.

use std::net::{SocketAddr, TcpListener};

use store::testing::Between;

use crate::support::http::{PATIENCE, Request, Response, connected_from};
use crate::support::mailbox::repository;
use crate::support::server::ADMIN_PASSWORD;
use crate::support::tls::{Pair, Tls};
use crate::support::{Project, Server};

/// A configuration of the page with the places of this test in it.
fn page(name: &str, places: &[(&str, String)]) -> String {
    let mut text = std::fs::read_to_string(repository().join("docs/operations/proxies").join(name)).unwrap();
    for (place, here) in places {
        assert!(text.contains(place), "{name}: {place}");
        text = text.replace(place, here);
    }
    text
}

/// What every proxy has to do, seen from outside and from the server.
fn holds(begin: impl FnOnce(SocketAddr, u16, &Pair) -> Between) {
    let settings = "[server]\npublic_url = \"https://localhost\"\n[proxies]\ntrusted = [\"127.0.0.1\"]\n[limits]\nenabled = false\n";
    let server = Server::on(Project::new().file("vestibule.toml", settings)).start();
    let pair = Pair::of("localhost");
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let between = begin(server.address(), port, &pair);
    let to = SocketAddr::from(([127, 0, 0, 1], between.port()));
    let ask = |request: Request| -> Response {
        // From another address than the proxy's, so that it shows whom the server took for the client.
        let mut stream = Tls::trusting(&pair).over(connected_from("127.0.0.2", to, PATIENCE)).unwrap();
        request.try_send_over(&mut stream, "localhost").unwrap()
    };
    let who = |target: &str| {
        let request = Request::new("GET", target).header("X-OpenIDM-Username", "openidm-admin");
        request.header("X-OpenIDM-Password", ADMIN_PASSWORD)
    };
    let address = |answer: &Response| answer.json()["authorization"]["ipAddress"].clone();
    let signed_in = ask(who("/openidm/info/login")).expect(200);
    assert_eq!(address(&signed_in), "127.0.0.2");
    let cookie = signed_in.header("set-cookie").expect("a session").to_ascii_lowercase();
    assert!(cookie.contains("; secure"), "{cookie}");
    let forged = who("/openidm/info/login").header("X-Forwarded-For", "203.0.113.9").header("X-Forwarded-Proto", "http");
    let forged = ask(forged.header("Forwarded", "for=203.0.113.9;proto=http")).expect(200);
    assert_eq!(address(&forged), "127.0.0.2", "whoever writes the header is not believed");
    assert!(forged.header("set-cookie").expect("a session").to_ascii_lowercase().contains("; secure"));
    for closed in ["/metrics", "/mail", "/metrics/", "/mail/x", "/mail?key=x", "/metrics?x"] {
        assert_eq!(ask(who(closed)).status, 404, "{closed}");
    }
    assert_eq!(
        Request::new("GET", "/metrics")
            .header("X-OpenIDM-Username", "openidm-admin")
            .header("X-OpenIDM-Password", ADMIN_PASSWORD)
            .send(server.address())
            .status,
        200,
        "it is the proxy that closes it"
    );
    // The page's own form goes through: its origin is what the browser says.
    let page = ask(Request::new("GET", "/sign-in")).expect(200);
    assert!(page.text().contains("<form"), "{}", page.text());
}

#[test]
#[ignore = "make test-proxies"]
fn nginx_as_the_page_has_it() {
    holds(|server, port, pair| {
        let places = [
            ("127.0.0.1:8080", server.to_string()),
            ("listen 443 ssl", format!("listen 127.0.0.1:{port} ssl")),
            ("/etc/ssl/", "DIRECTORY/".to_owned()),
            ("id.example.com", "localhost".to_owned()),
        ];
        let site = page("nginx.conf", &places);
        let around = "pid DIRECTORY/pid;\nerror_log DIRECTORY/error.log;\nevents {}\nhttp {\naccess_log off;\nclient_body_temp_path DIRECTORY/body;\n\
             proxy_temp_path DIRECTORY/proxy;\nfastcgi_temp_path DIRECTORY/fastcgi;\nuwsgi_temp_path DIRECTORY/uwsgi;\nscgi_temp_path DIRECTORY/scgi;\n\
             include DIRECTORY/site.conf;\n}\n";
        let files = [("nginx.conf", around), ("site.conf", &site), ("id.pem", &pair.certificate), ("id.key", &pair.key)];
        let arguments =
            ["/usr/sbin/nginx", "-p", "DIRECTORY", "-e", "DIRECTORY/error.log", "-c", "DIRECTORY/nginx.conf", "-g", "daemon off;"];
        Between::program(port, &files, &arguments)
    });
}

#[test]
#[ignore = "make test-proxies"]
fn haproxy_as_the_page_has_it() {
    holds(|server, port, pair| {
        let places = [
            ("127.0.0.1:8080", server.to_string()),
            ("bind :443", format!("bind 127.0.0.1:{port}")),
            ("/etc/ssl/", "DIRECTORY/".to_owned()),
        ];
        let settings = page("haproxy.cfg", &places);
        let both = format!("{}{}", pair.certificate, pair.key);
        Between::program(port, &[("haproxy.cfg", &settings), ("id.both", &both)], &["/usr/sbin/haproxy", "-f", "DIRECTORY/haproxy.cfg"])
    });
}

#[test]
#[ignore = "make test-proxies"]
fn caddy_as_the_page_has_it() {
    holds(|server, port, pair| {
        let places = [
            ("127.0.0.1:8080", server.to_string()),
            ("id.example.com", format!("https://localhost:{port}")),
            ("/etc/ssl/", "DIRECTORY/".to_owned()),
        ];
        let site = format!("{{\n\tadmin off\n\tauto_https disable_redirects\n\tdefault_bind 127.0.0.1\n}}\n{}", page("Caddyfile", &places));
        let files = [("Caddyfile", site.as_str()), ("id.pem", &pair.certificate), ("id.key", &pair.key)];
        Between::program(port, &files, &["/usr/bin/caddy", "run", "--adapter", "caddyfile", "--config", "DIRECTORY/Caddyfile"])
    });
}
