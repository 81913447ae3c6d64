//! The address of a store on a server, `postgres://USER@HOST[:PORT][,HOST…]/DATABASE?…`, read as libpq reads it (PostgreSQL documentation,
//! 34.1.1 and 34.1.2), with TLS that is verified unless something else is written.
//!
//! Easiest to break: the password. It may stand in the address, so no message repeats the address, or any part of it that was not understood.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How the way to a server is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SslMode {
    /// Not at all.
    Disable,
    /// Encrypted, to whoever answers.
    Require,
    /// Encrypted, to somebody with a certificate of a known authority.
    VerifyCa,
    /// Encrypted, to the host that was meant.
    VerifyFull,
}

/// One server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Host {
    /// Its name or number, or the directory of its socket.
    pub(super) name: String,
    pub(super) port: u16,
}

impl Host {
    /// Whether it is a directory with a socket of this machine.
    pub(super) fn is_socket(&self) -> bool {
        self.name.starts_with('/')
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.name.contains(':') { write!(f, "[{}]:{}", self.name, self.port) } else { write!(f, "{}:{}", self.name, self.port) }
    }
}

/// Where a store is, and how to get there.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Address {
    pub(super) hosts: Vec<Host>,
    pub(super) user: String,
    pub(super) password: Option<String>,
    pub(super) database: String,
    pub(super) schema: String,
    pub(super) ssl: SslMode,
    pub(super) root: Option<PathBuf>,
    pub(super) certificate: Option<(PathBuf, PathBuf)>,
    pub(super) connect: Duration,
    /// How long a statement may take.
    pub(super) statement: Duration,
    pub(super) connections: usize,
    pub(super) application: String,
    /// What stands between us and the server gives each transaction another connection.
    pub(super) pooled: bool,
    /// Whether to look for a password where libpq does.
    passfile: Option<PathBuf>,
}

/// What may stand behind `?`.
const KEYS: [&str; 19] = [
    "application_name",
    "connect_timeout",
    "connections",
    "dbname",
    "host",
    "passfile",
    "password",
    "password_file",
    "pooler",
    "port",
    "schema",
    "sslcert",
    "sslkey",
    "sslmode",
    "sslrootcert",
    "statement_timeout",
    "target_session_attrs",
    "user",
    "channel_binding",
];
const DEFAULT_PORT: u16 = 5432;
const DEFAULT_CONNECTIONS: usize = 8;
const MOST_CONNECTIONS: usize = 200;
const DEFAULT_SCHEMA: &str = "vestibule";

impl Address {
    /// The address, where a location is one of a server; what is wrong with it otherwise, without repeating it.
    pub(crate) fn of(location: &str) -> Option<Result<Self, String>> {
        let rest = location.strip_prefix("postgres:").or_else(|| location.strip_prefix("postgresql:"))?;
        Some(Self::read(rest, &|name| std::env::var(name).ok().filter(|value| !value.is_empty())))
    }

    fn read(rest: &str, environment: &dyn Fn(&str) -> Option<String>) -> Result<Self, String> {
        let rest = rest.strip_prefix("//").ok_or("it begins with postgres:// and goes on with USER@HOST/DATABASE")?;
        let (before, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, path) = before.split_once('/').unwrap_or((before, ""));
        let (credentials, hosts) = authority.rsplit_once('@').map_or((None, authority), |(left, right)| (Some(left), right));
        let mut raw = Raw { hosts: read_hosts(hosts)?, database: decoded(path, "the database")?, ..Raw::default() };
        if let Some(credentials) = credentials {
            let (user, password) = credentials.split_once(':').map_or((credentials, None), |(user, password)| (user, Some(password)));
            raw.user = decoded(user, "the user")?;
            raw.password = password.map(|password| decoded(password, "the password")).transpose()?;
        }
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let known = KEYS.iter().find(|known| **known == key).ok_or_else(|| unknown_key(key))?;
            raw.set(known, decoded(value, known)?)?;
        }
        raw.finish(environment)
    }

    /// The password for a host, read anew at each connection: it may be changed under way.
    pub(super) fn password_for(&self, host: &Host) -> Result<Option<String>, String> {
        if self.password.is_some() {
            return Ok(self.password.clone());
        }
        let Some(file) = &self.passfile else { return Ok(None) };
        read_passfile(file, host, &self.database, &self.user)
    }
}

/// Without the password, for people.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hosts: Vec<String> = self.hosts.iter().map(ToString::to_string).collect();
        write!(f, "postgres://{}@{}/{} (schema {})", self.user, hosts.join(","), self.database, self.schema)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A key that nobody knows may be a part of a password with `?` in it, so it is only repeated where it looks like one.
fn unknown_key(key: &str) -> String {
    let looks_like_one = key.len() <= 30 && key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    let what =
        if looks_like_one { format!("'{key}' is no key that is known") } else { "what follows '?' is no key that is known".to_owned() };
    format!("{what}; it may have {}", KEYS.join(", "))
}

/// What is written, before it is checked.
#[derive(Default)]
struct Raw {
    hosts: Vec<(String, Option<u16>)>,
    user: String,
    password: Option<String>,
    database: String,
    ports: Vec<u16>,
    schema: Option<String>,
    ssl: Option<SslMode>,
    root: Option<PathBuf>,
    /// The authorities of the system are named.
    of_system: bool,
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
    connect: Option<Duration>,
    statement: Option<Duration>,
    connections: Option<usize>,
    application: Option<String>,
    pooled: bool,
    passfile: Option<PathBuf>,
    password_file: Option<PathBuf>,
}

impl Raw {
    fn set(&mut self, key: &str, value: String) -> Result<(), String> {
        let filled = |value: &String| !value.is_empty();
        match key {
            "application_name" => self.application = Some(value).filter(filled),
            "connect_timeout" => self.connect = Some(seconds(key, &value)?),
            "connections" => {
                let number = value.parse().ok().filter(|number| (1..=MOST_CONNECTIONS).contains(number));
                self.connections = Some(number.ok_or(format!("connections is a number from 1 to {MOST_CONNECTIONS}"))?);
            }
            "dbname" => self.database = value,
            "host" => self.hosts = value.split(',').map(|name| (name.to_owned(), None)).collect(),
            "port" => self.ports = value.split(',').map(read_port).collect::<Result<_, _>>()?,
            "passfile" => self.passfile = Some(value.into()),
            "password" => self.password = Some(value),
            "password_file" => self.password_file = Some(value.into()),
            "pooler" => {
                self.pooled = match value.as_str() {
                    "transaction" => true,
                    "session" | "none" => false,
                    _ => return Err("pooler is none, session or transaction".to_owned()),
                }
            }
            "schema" => self.schema = Some(value).filter(filled),
            "sslcert" => self.certificate = Some(value.into()),
            "sslkey" => self.key = Some(value.into()),
            "sslmode" => self.ssl = Some(ssl_mode(&value)?),
            "sslrootcert" => {
                self.of_system = value == "system";
                self.root = Some(value).filter(|value| value != "system" && !value.is_empty()).map(PathBuf::from);
            }
            "statement_timeout" => self.statement = Some(seconds(key, &value)?),
            "target_session_attrs" => target(&value)?,
            "user" => self.user = value,
            // rustls gives what binds a channel wherever the server can use it.
            _ => {}
        }
        Ok(())
    }

    fn finish(self, environment: &dyn Fn(&str) -> Option<String>) -> Result<Address, String> {
        let user = Some(self.user).filter(|user| !user.is_empty()).or_else(|| environment("PGUSER"));
        let user = user.ok_or("no user is named: write postgres://USER@HOST/DATABASE")?;
        let hosts = hosts(self.hosts, &self.ports)?;
        let database = if self.database.is_empty() { user.clone() } else { self.database };
        let schema = self.schema.unwrap_or_else(|| DEFAULT_SCHEMA.to_owned());
        if schema.starts_with("pg_") || schema == "information_schema" || schema.contains('\0') || schema.len() > 63 {
            return Err("the schema has a name that PostgreSQL keeps for itself, or of more than 63 bytes".to_owned());
        }
        let certificate = match (self.certificate, self.key) {
            (Some(certificate), Some(key)) => Some((certificate, key)),
            (None, None) => None,
            _ => return Err("sslcert and sslkey go together".to_owned()),
        };
        let ssl = self.ssl.unwrap_or(if hosts.iter().all(Host::is_socket) { SslMode::Disable } else { SslMode::VerifyFull });
        // As libpq has it: anybody has a certificate of one of those, so it says nothing without a name.
        if self.of_system && matches!(ssl, SslMode::Require | SslMode::VerifyCa) {
            return Err("sslrootcert=system goes with sslmode=verify-full alone, which is meant without a word".to_owned());
        }
        // As libpq has it: who names an authority wants it to be asked.
        let ssl = if ssl == SslMode::Require && self.root.is_some() { SslMode::VerifyCa } else { ssl };
        let file = self.password_file.or_else(|| environment("VESTIBULE_STORE_PASSWORD_FILE").map(PathBuf::from));
        let password = match (self.password, environment("VESTIBULE_STORE_PASSWORD").or_else(|| environment("PGPASSWORD")), file) {
            (Some(password), ..) | (None, Some(password), _) => Some(password),
            (None, None, Some(file)) => Some(read_password(&file)?),
            (None, None, None) => None,
        };
        let passfile = self.passfile.or_else(|| environment("PGPASSFILE").map(PathBuf::from));
        let passfile = passfile.or_else(|| environment("HOME").map(|home| Path::new(&home).join(".pgpass")));
        Ok(Address {
            hosts,
            user,
            password,
            database,
            schema,
            ssl,
            root: self.root,
            certificate,
            connect: self.connect.unwrap_or(Duration::from_secs(5)),
            statement: self.statement.unwrap_or(Duration::from_secs(25)),
            connections: self.connections.unwrap_or(DEFAULT_CONNECTIONS),
            application: self.application.unwrap_or_else(|| "vestibule".to_owned()),
            pooled: self.pooled,
            passfile,
        })
    }
}

fn decoded(text: &str, what: &str) -> Result<String, String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || rest.next().and_then(|byte| char::from(byte).to_digit(16)).and_then(|digit| u8::try_from(digit).ok());
        match (digit(), digit()) {
            (Some(high), Some(low)) => bytes.push(high << 4 | low),
            _ => return Err(format!("{what} has a '%' without two hexadecimal digits behind it; a '%' itself is written %25")),
        }
    }
    match String::from_utf8(bytes) {
        Ok(text) if !text.contains('\0') => Ok(text),
        _ => Err(format!("{what} is no text")),
    }
}

fn read_hosts(text: &str) -> Result<Vec<(String, Option<u16>)>, String> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let one = |host: &str| {
        let (name, port) = match host.strip_prefix('[') {
            Some(rest) => {
                let (name, port) = rest.split_once(']').ok_or("an IPv6 address has no ']' behind it")?;
                (name, port.strip_prefix(':'))
            }
            None => host.rsplit_once(':').map_or((host, None), |(name, port)| (name, Some(port))),
        };
        let port = port.filter(|port| !port.is_empty()).map(read_port).transpose()?;
        Ok((decoded(name, "a host")?, port))
    };
    text.split(',').map(one).collect()
}

fn read_port(text: &str) -> Result<u16, String> {
    if text.is_empty() {
        return Ok(DEFAULT_PORT);
    }
    // It may be a part of a password with an unescaped '@' or ':' in it.
    text.parse().ok().filter(|port| *port > 0).ok_or_else(|| {
        "a port is no number from 1 to 65535 (':', '/', '@' and '%' in a user or password are written %3A, %2F, %40 and %25)".to_owned()
    })
}

fn hosts(named: Vec<(String, Option<u16>)>, ports: &[u16]) -> Result<Vec<Host>, String> {
    if named.is_empty() {
        return Err("no host is named: write postgres://USER@HOST/DATABASE".to_owned());
    }
    if ports.len() > 1 && ports.len() != named.len() {
        return Err(format!("there are {} hosts and {} ports", named.len(), ports.len()));
    }
    let host = |(position, (name, port)): (usize, (String, Option<u16>))| {
        if name.is_empty() {
            return Err("a host is empty".to_owned());
        }
        let port = port.or_else(|| ports.get(position).or(ports.first()).copied()).unwrap_or(DEFAULT_PORT);
        Ok(Host { name, port })
    };
    named.into_iter().enumerate().map(host).collect()
}

fn seconds(key: &str, text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().filter(|seconds| (1..=60).contains(seconds));
    seconds.map(Duration::from_secs).ok_or_else(|| format!("{key} is a number of seconds from 1 to 60"))
}

fn ssl_mode(text: &str) -> Result<SslMode, String> {
    match text {
        "disable" => Ok(SslMode::Disable),
        "require" => Ok(SslMode::Require),
        "verify-ca" => Ok(SslMode::VerifyCa),
        "verify-full" => Ok(SslMode::VerifyFull),
        "prefer" | "allow" => Err(format!(
            "sslmode={text} would go on without TLS where a server has none; write verify-full (which is meant without it), verify-ca, require or disable"
        )),
        _ => Err("sslmode is disable, require, verify-ca or verify-full".to_owned()),
    }
}

/// Whoever serves must write, so every value that leads to the one server that takes writes is understood, and no other.
fn target(text: &str) -> Result<(), String> {
    match text {
        "any" | "read-write" | "primary" => Ok(()),
        "read-only" | "standby" | "prefer-standby" => {
            Err(format!("target_session_attrs={text} leads to a server that cannot be written to; write read-write, or leave it out"))
        }
        _ => Err("target_session_attrs is read-write, primary or any".to_owned()),
    }
}

fn read_password(file: &Path) -> Result<String, String> {
    let text = std::fs::read_to_string(file).map_err(|error| format!("the password file {}: {error}", file.display()))?;
    Ok(text.strip_suffix('\n').map_or(text.as_str(), |text| text.strip_suffix('\r').unwrap_or(text)).to_owned())
}

/// A password of libpq's file (PostgreSQL documentation, 34.16): lines `host:port:database:user:password`, `*` for any, `\` before `:` and
/// itself. A file that others may read is not used, and this is said.
fn read_passfile(file: &Path, host: &Host, database: &str, user: &str) -> Result<Option<String>, String> {
    let Ok(text) = std::fs::read_to_string(file) else { return Ok(None) };
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(file).map(|found| found.permissions().mode()).unwrap_or_default();
        if mode & 0o077 != 0 {
            return Err(format!("the password file {} may be read by others; its mode must be 0600", file.display()));
        }
    }
    let name = if host.is_socket() { "localhost" } else { host.name.as_str() };
    let port = host.port.to_string();
    let wanted = [name, port.as_str(), database, user];
    Ok(text.lines().filter(|line| !line.starts_with('#')).find_map(|line| {
        let fields = fields(line);
        let [first @ .., password] = fields.as_slice() else { return None };
        let fits = first.len() == wanted.len() && first.iter().zip(wanted).all(|(field, wanted)| field == "*" || field == wanted);
        fits.then(|| password.clone())
    }))
}

fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        let whole = fields.len() == 5;
        match (character, fields.last_mut()) {
            (':', _) if !whole => fields.push(String::new()),
            ('\\', Some(field)) => field.extend(characters.next()),
            (other, Some(field)) => field.push(other),
            (_, None) => {}
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Address, String> {
        Address::read(text.strip_prefix("postgres:").unwrap(), &|_| None)
    }

    #[test]
    fn an_address_is_read_as_libpq_reads_it() {
        let address = read("postgres://ann:p%40ss%2F@db1:5433,[::1],db3/people?sslmode=verify-ca&schema=own&connections=3").unwrap();
        let hosts: Vec<String> = address.hosts.iter().map(ToString::to_string).collect();
        assert_eq!(hosts, ["db1:5433", "[::1]:5432", "db3:5432"]);
        assert_eq!((address.user.as_str(), address.password.as_deref(), address.database.as_str()), ("ann", Some("p@ss/"), "people"));
        assert_eq!((address.schema.as_str(), address.ssl, address.connections), ("own", SslMode::VerifyCa, 3));
        let address = read("postgres://ann@/people?host=/run/postgresql&port=6000").unwrap();
        assert!(address.hosts[0].is_socket() && address.hosts[0].port == 6000 && address.ssl == SslMode::Disable);
        assert_eq!(read("postgres://ann@db").unwrap().database, "ann", "as libpq has it");
    }

    #[test]
    fn tls_is_verified_unless_something_else_is_written() {
        assert_eq!(read("postgres://ann@db/x").unwrap().ssl, SslMode::VerifyFull);
        assert_eq!(read("postgres://ann@db/x?sslmode=require").unwrap().ssl, SslMode::Require);
        assert_eq!(read("postgres://ann@db/x?sslmode=require&sslrootcert=/ca.pem").unwrap().ssl, SslMode::VerifyCa);
        assert_eq!(read("postgres://ann@db/x?sslrootcert=system").unwrap().ssl, SslMode::VerifyFull);
        for mode in ["require", "verify-ca"] {
            let refused = read(&format!("postgres://ann@db/x?sslrootcert=system&sslmode={mode}")).unwrap_err();
            assert!(refused.contains("verify-full"), "nobody is asked, or any name will do: {refused}");
        }
        for mode in ["prefer", "allow", "verify_full", "", "Disable"] {
            let refused = read(&format!("postgres://ann@db/x?sslmode={mode}")).unwrap_err();
            assert!(refused.contains("sslmode"), "{refused}");
        }
    }

    #[test]
    fn no_refusal_repeats_a_password() {
        for text in [
            "postgres://ann:geheim@db:x/y",
            "postgres://ann:ge@heim:geheim@db:99999/y",
            "postgres://ann:geheim?geheim=1@db/y",
            "postgres://ann:geheim@/y",
            "postgres://ann:geheim@db/y?geheim=1",
            "postgres://ann:geheim@db/y?sslmode=geheim",
            "postgres://ann:geheim%zz@db/y",
            "postgres://:geheim@db/y",
            "postgres:ann:geheim@db/y",
            "postgres://ann:geheim@db/y?target_session_attrs=standby",
            "postgres://ann:geheim@db/y?connections=0",
            "postgres://ann:geheim@db,,db/y",
            "postgres://ann:geheim@a,b,c/y?port=1,2",
        ] {
            let refused = read(text).unwrap_err();
            let said_key = text.contains("y?geheim=");
            assert!(said_key || !refused.contains("geheim"), "{text}: {refused}");
        }
        let shown = format!("{0} {0:?}", read("postgres://ann:geheim@db/y").unwrap());
        assert!(shown.contains("ann@db:5432/y") && !shown.contains("geheim"), "{shown}");
    }

    #[test]
    fn a_password_comes_from_the_address_the_environment_a_file_or_libpqs_file() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name).display().to_string();
        std::fs::write(at("password"), "of-file\n").unwrap();
        std::fs::write(at("pgpass"), "# mine\nother:*:*:*:no\n*:5432:x:a\\:nn:of\\:passfile\n").unwrap();
        let environment = |known: Vec<(&'static str, String)>| {
            move |name: &str| known.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone())
        };
        let read = |url: &str, known| Address::read(url.strip_prefix("postgres:").unwrap(), &environment(known));
        let of = |address: Address| address.password_for(&address.hosts[0]);
        let from_environment = vec![("PGPASSWORD", "of-environment".to_owned())];
        assert_eq!(of(read("postgres://ann:here@db/x", from_environment.clone()).unwrap()), Ok(Some("here".into())));
        assert_eq!(of(read("postgres://ann@db/x", from_environment).unwrap()), Ok(Some("of-environment".into())));
        let file = vec![("VESTIBULE_STORE_PASSWORD_FILE", at("password"))];
        assert_eq!(of(read("postgres://ann@db/x", file).unwrap()), Ok(Some("of-file".into())));
        let passfile = format!("postgres://a%3Ann@db/x?passfile={}", at("pgpass"));
        let refused = of(read(&passfile, Vec::new()).unwrap()).unwrap_err();
        assert!(refused.contains("0600"), "{refused}");
        std::fs::set_permissions(at("pgpass"), std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        assert_eq!(of(read(&passfile, Vec::new()).unwrap()), Ok(Some("of:passfile".into())));
        assert_eq!(of(read(&passfile.replace("a%3Ann", "ann"), Vec::new()).unwrap()), Ok(None));
        assert!(read("postgres://ann@db/x?password_file=/nowhere", Vec::new()).unwrap_err().contains("/nowhere"));
    }
}
