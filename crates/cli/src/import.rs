//! `vestibule import`.

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Mutex;
use std::time::Duration;

use clap::{Args, ValueEnum};
use identity::PEOPLE;
use moving::{Form, ImportError, Imported, Mapping, Report, Resolution, SignedKinds, Source, WithoutSignIn};
use server::{FarEnd, FarEndError, Fetched, FollowError, Followed, Known, MovingIn, Round, Ways};

use crate::Where;
use crate::output::{Output, complain, fail, refuse};
use crate::passwords::secret;

/// The environment variable with the password of the keystore.
const KEYSTORE_PASSWORD: &str = "VESTIBULE_KEYSTORE_PASSWORD";
/// The environment variable with the password of the administrator of a running IDM.
const FROM_PASSWORD: &str = "VESTIBULE_FROM_PASSWORD";

/// Import the people of another server, also while ours is running. The source is read to its end first; where something is lost, nothing is
/// written before somebody has signed the report. What is in the store already stays as it is, so that an import which died is begun again with
/// the same command.
#[derive(Args)]
pub(crate) struct Import {
    /// The files of the export.
    #[arg(value_name = "FILE", required_unless_present = "from", conflicts_with = "from")]
    files: Vec<PathBuf>,
    /// A running IDM instead: the address of its repository, as in `postgres://user@host/openidm?schema=openidm`, or that of its REST interface,
    /// up to `/openidm`. It is only read. REST gives no private property, and so no password where the project keeps it private: the report
    /// counts these people. What was read is kept below the data directory until it is imported.
    #[arg(long, value_name = "URL")]
    from: Option<String>,
    #[command(flatten)]
    far_end: FarEndArgs,
    /// What form they have; without it, their names say so.
    #[arg(long, value_enum)]
    form: Option<FormArg>,
    /// A file that says which properties columns or attributes are.
    #[arg(long, value_name = "FILE")]
    mapping: Option<PathBuf>,
    /// The collection of objects that do not say to which they belong; without it, that of the mapping, or `managed/user`.
    #[arg(long, value_name = "COLLECTION")]
    collection: Option<String>,
    /// Write nothing: say what would come, how these people sign in, what would be lost and why. Exits with 1 when the import would be refused.
    #[arg(long)]
    dry_run: bool,
    /// Write the report as JSON, too.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Write who could not sign in with a password, one on each line as JSON: id, user name and why.
    #[arg(long, value_name = "FILE")]
    without_sign_in: Option<PathBuf>,
    /// Write a proposal of what becomes of people who share a name, to be edited and named with --resolution.
    #[arg(long, value_name = "FILE")]
    propose: Option<PathBuf>,
    /// What becomes of people who share a name.
    #[arg(long, value_name = "FILE")]
    resolution: Option<PathBuf>,
    /// The signature of the report, where something is lost.
    #[arg(long, value_name = "SIGNATURE")]
    sign_off: Option<String>,
    /// Leave out what cannot be read or stored.
    #[arg(long)]
    skip_faulty: bool,
    /// The keystore of the IDM, JCEKS or PKCS #12, with the keys of what it encrypted. Its password is read from --keystore-password-file, or
    /// else from the environment, VESTIBULE_KEYSTORE_PASSWORD.
    #[arg(long, value_name = "FILE")]
    keystore: Option<PathBuf>,
    /// The file with the password of the keystore.
    #[arg(long, value_name = "FILE", requires = "keystore")]
    keystore_password_file: Option<PathBuf>,
    #[command(flatten)]
    at: Where,
}

/// How a running IDM is read.
#[derive(Args)]
struct FarEndArgs {
    /// An administrator of the running IDM. The password is read from --from-password-file, or else from the environment, VESTIBULE_FROM_PASSWORD.
    #[arg(long, value_name = "NAME", default_value = "openidm-admin", requires = "from")]
    from_user: String,
    /// The file with the administrator's password.
    #[arg(long, value_name = "FILE", requires = "from")]
    from_password_file: Option<PathBuf>,
    /// The collections that are read over REST, or followed in a repository; without any, all of the project and internal roles, as far as they are
    /// there, and with --follow, once these have come, `managed/user`.
    #[arg(long = "from-collection", value_name = "COLLECTION", requires = "from")]
    from_collections: Vec<String>,
    /// Objects on one page.
    #[arg(long, value_name = "COUNT", default_value_t = 100, requires = "from", value_parser = clap::value_parser!(u32).range(1..=1000))]
    page_size: u32,
    /// Pages, and with --follow objects, that are asked for in a second, at most.
    #[arg(long, value_name = "COUNT", default_value_t = 2.0, requires = "from")]
    pages_per_second: f64,
    /// Go on after the import until it is told to stop: rounds that bring whoever is new there, and whatever was changed there since it came, by
    /// `_meta/lastChanged`; passwords too, where a repository is followed, or REST gives them. Whoever was written here, too, or removed, is left and counted, and
    /// so is whoever came and was removed there. Losses of the kinds that were signed go on to be lost; others end it. The same command goes on.
    #[arg(long, requires = "from", conflicts_with_all = ["dry_run", "propose"])]
    follow: bool,
    /// Seconds between two rounds.
    #[arg(long, value_name = "SECONDS", default_value_t = 60, requires = "follow", value_parser = clap::value_parser!(u64).range(1..=86400))]
    every: u64,
    /// Remove here whom an earlier round has seen there and who was removed there, unless they were written here.
    #[arg(long, requires = "follow")]
    remove: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum FormArg {
    /// One JSON object on each line.
    JsonLines,
    /// Comma-separated values, with the names of the columns in the first line.
    Csv,
    /// Entries of a directory.
    Ldif,
    /// The repository of an IDM, as `pg_dump` or `mysqldump` write it.
    Dump,
}

impl From<FormArg> for Form {
    fn from(form: FormArg) -> Self {
        match form {
            FormArg::JsonLines => Self::JsonLines,
            FormArg::Csv => Self::Csv,
            FormArg::Ldif => Self::Ldif,
            FormArg::Dump => Self::Dump,
        }
    }
}

fn read(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    std::fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}

/// A file that names whoever could not sign in; it is for its owner alone.
struct Named {
    path: PathBuf,
    to: Mutex<(BufWriter<File>, std::io::Result<()>)>,
}

impl Named {
    fn begin(path: &Path) -> Result<Self, String> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let failed = |error: std::io::Error| format!("{}: {error}", path.display());
        let file = options.open(path).map_err(failed)?;
        // One that was there before has the mode that it had.
        #[cfg(unix)]
        if file.metadata().map_err(failed)?.is_file() {
            file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600)).map_err(failed)?;
        }
        Ok(Self { path: path.to_owned(), to: Mutex::new((BufWriter::new(file), Ok(()))) })
    }

    /// The first failure is kept for the end.
    fn add(&self, somebody: &WithoutSignIn) {
        let Ok(mut to) = self.to.lock() else { return };
        let (file, done) = &mut *to;
        if done.is_ok() {
            *done = serde_json::to_writer(&mut *file, somebody).map_err(std::io::Error::from).and_then(|()| file.write_all(b"\n"));
        }
    }

    fn finish(&self) -> Result<(), String> {
        let Ok(mut to) = self.to.lock() else { return Ok(()) };
        let (file, done) = &mut *to;
        let flushed = file.flush();
        std::mem::replace(done, Ok(())).and(flushed).map_err(|error| format!("{}: {error}", self.path.display()))
    }
}

fn is_repository(address: &str) -> bool {
    address.starts_with("postgres:") || address.starts_with("postgresql:")
}

fn say_imported(output: &mut Output, imported: &Imported) {
    output.line(format_args!("imported: {}; there already: {}", imported.stored, imported.there));
    if imported.notifications > 0 {
        output.line(format_args!("notifications: {}", imported.notifications));
    }
    if imported.doubled == 0 {
        return;
    }
    output.line(format_args!("not imported, because another object was given their name meanwhile: {}", imported.doubled));
    for fault in &imported.first_doubled {
        output.line(format_args!("  {fault}"));
    }
    complain(&"have a resolution proposed with --propose FILE, read it, and repeat the import with --resolution FILE");
}

/// A round that saw something.
fn say(output: &mut Output, round: &Round) {
    let Round { listed, imported, both, first_both, removed, left, first_left, undated, gone, first_gone, ended } = round;
    output.line(format_args!("there: {listed}; new: {}; brought up to date: {}", imported.stored, imported.renewed));
    if imported.doubled > 0 {
        output.line(format_args!("left out, because another object here has their name: {}", imported.doubled));
    }
    if *both > 0 {
        output.line(format_args!("changed there and here, and left as they are here: {both} ({})", first_both.join(", ")));
    }
    if *removed > 0 {
        output.line(format_args!("removed here, and not brought again: {removed}"));
    }
    if *left > 0 {
        output.line(format_args!("not taken before they change there, or this is started again: {left} ({})", first_left.join(", ")));
    }
    if *ended > 0 {
        output.line(format_args!("removed there, and so here: {ended}"));
    }
    if *gone > 0 {
        output.line(format_args!("removed there, and still here: {gone} ({})", first_gone.join(", ")));
    }
    if *undated > 0 {
        output.line(format_args!("not followed, because there they have no _meta/lastChanged: {undated}"));
    }
}

/// What is named on the command line and read once: it may be a pipe, out of which nothing comes twice.
struct Given {
    /// The running IDM, where it is read over REST, with its password.
    far: Option<FarEnd>,
    keystore_password: Option<String>,
    mapping: Mapping,
    resolution: Resolution,
}

/// An import that was made, or refused, with the store still open.
struct Done {
    code: ExitCode,
    report: Option<Report>,
    store: MovingIn,
}

impl Import {
    pub(crate) async fn run(self) -> ExitCode {
        let given = match self.given() {
            Ok(given) => given,
            Err(error) => return refuse(&error),
        };
        if !self.far_end.follow {
            return match Box::pin(self.once(&given, false)).await {
                Ok(Done { code, store, .. }) => {
                    store.close().await;
                    code
                }
                Err(code) => code,
            };
        }
        let far = match self.followed(&given) {
            Ok(far) => far,
            Err(error) => return refuse(&error),
        };
        let data = self.at.data.data.as_path();
        // Where nobody signs anew, what was signed when it began counts. Who does signs, and nothing else: an import would bring whoever was removed here.
        let kept = server::signed_kinds(data, &far);
        let goes_on = kept.is_some();
        let (kinds, store) = match kept.filter(|_| self.sign_off.is_none()) {
            Some(kinds) => match Box::pin(self.store(&given)).await {
                Ok(store) => (kinds, store),
                Err(code) => return code,
            },
            None => match Box::pin(self.once(&given, goes_on)).await {
                Ok(Done { code: ExitCode::SUCCESS, report: Some(report), store }) => (report.kinds(), store),
                Ok(Done { code, store, .. }) => {
                    store.close().await;
                    return code;
                }
                Err(code) => return code,
            },
        };
        let code = match server::keep_signed_kinds(data, &far, &kinds) {
            Ok(()) => Box::pin(self.follow(&store, far, &given, &kinds)).await,
            Err(error) => fail(&error),
        };
        store.close().await;
        code
    }

    /// What is followed.
    fn followed(&self, given: &Given) -> Result<Followed, String> {
        if let Some(far) = &given.far {
            return Ok(Followed::Rest(far.clone()));
        }
        let address = self.from.clone().unwrap_or_default();
        let layout = server::tables_of(self.at.project.project.as_deref()).map_err(|error| error.to_string())?;
        let named = Some(self.far_end.from_collections.clone()).filter(|named| !named.is_empty());
        Ok(Followed::Repository { address, layout, collections: named.unwrap_or_else(|| vec![PEOPLE.to_owned()]) })
    }

    /// An import of what there is now, and its report; where following `goes_on`, the signature of the report alone.
    async fn once(&self, given: &Given, goes_on: bool) -> Result<Done, ExitCode> {
        let fetched = self.fetched(given.far.as_ref()).await?;
        let source = match &fetched {
            Some(fetched) => Source::new(std::slice::from_ref(&fetched.file), Some(fetched.form), given.mapping.clone()),
            None => Source::new(&self.files, self.form.map(Form::from), given.mapping.clone()),
        };
        let source = source.map_err(|error| refuse(&error))?;
        let store = Box::pin(self.store(given)).await?;
        let source = store.reads(source);
        let import = store.import(&source, &given.resolution);
        let import = if fetched.as_ref().is_some_and(|fetched| fetched.form == Form::JsonLines) { import.over_rest() } else { import };
        let import = if goes_on { import.leaving_doubles() } else { import };
        let named = self.without_sign_in.as_deref().map(Named::begin).transpose().map_err(|error| fail(&error))?;
        let hears = |somebody: &WithoutSignIn| {
            if let Some(named) = &named {
                named.add(somebody);
            }
        };
        let import = if named.is_some() { import.naming(&hears) } else { import };
        let (mut code, report) = self.import(&import, goes_on).await;
        if let Some(Err(error)) = named.as_ref().map(Named::finish) {
            let failed = fail(&error);
            // What was read is kept, so that the same command writes the file.
            if code == ExitCode::SUCCESS {
                code = failed;
            }
        }
        if let Some(fetched) = fetched.filter(|_| code == ExitCode::SUCCESS && !self.dry_run && self.propose.is_none())
            && let Err(error) = fetched.remove()
        {
            complain(&format_args!("{} holds everything that was read, and cannot be removed: {error}", fetched.file.display()));
        }
        Ok(Done { code, report, store })
    }

    /// The store, with the keystore that opens what an IDM encrypted.
    async fn store(&self, given: &Given) -> Result<MovingIn, ExitCode> {
        let keystore = self.keystore.as_deref().zip(given.keystore_password.as_deref());
        let (project, data) = (self.at.project.project.as_deref(), self.at.data.data.as_path());
        Box::pin(MovingIn::open(project, data, keystore, self.dry_run || self.propose.is_some())).await.map_err(|error| fail(&error))
    }

    /// Rounds, until it is told to stop.
    async fn follow(&self, store: &MovingIn, far: Followed, given: &Given, kinds: &SignedKinds) -> ExitCode {
        let stop = match crate::serve::stop_signal() {
            Ok(stop) => stop,
            Err(error) => return fail(&format_args!("signals cannot be caught: {error}")),
        };
        let known = match Known::open(&self.at.data.data, &far) {
            Ok(known) => known,
            Err(error) => return fail(&error),
        };
        let far = match far {
            // Only people say when they were changed.
            Followed::Rest(far) if far.by_default => Followed::Rest(FarEnd { collections: vec![PEOPLE.to_owned()], ..far }),
            far => far,
        };
        tokio::select! {
            code = self.rounds(store, (&far, known), (&given.mapping, &given.resolution), kinds) => code,
            () = crate::serve::told(stop) => ExitCode::SUCCESS,
        }
    }

    async fn rounds(
        &self,
        store: &MovingIn,
        (far, mut known): (&Followed, Known),
        decided: (&Mapping, &Resolution),
        kinds: &SignedKinds,
    ) -> ExitCode {
        let mut output = Output::new();
        let mut before = Round::default();
        let ways = Ways { skip_faulty: self.skip_faulty, remove: self.far_end.remove };
        let mut every = tokio::time::interval(Duration::from_secs(self.far_end.every));
        every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        output.line(format_args!("following {}", far.address()));
        output.hand_on();
        loop {
            every.tick().await;
            match store.follow(far, &mut known, decided, kinds, ways).await {
                Ok(round) => {
                    if round.saw_something(&before) {
                        say(&mut output, &round);
                        output.hand_on();
                    }
                    before = round;
                }
                // Nothing that waiting would mend.
                Err(FollowError::Import(error @ (ImportError::OtherLosses(_) | ImportError::Faults(_) | ImportError::NotRead(_)))) => {
                    return output.finish(refuse(&error));
                }
                Err(error @ FollowError::Io { .. }) => return output.finish(fail(&error)),
                Err(FollowError::FarEnd(error @ (FarEndError::Reach(_) | FarEndError::Refused { .. }))) => {
                    return output.finish(fail(&error));
                }
                Err(error) => complain(&format_args!("this round is made again: {error}")),
            }
        }
    }

    /// Reads what is named on the command line, all but the source and the keystore.
    fn given(&self) -> Result<Given, String> {
        let far = self.far_end()?;
        let keystore_password =
            self.keystore.as_ref().map(|_| secret(self.keystore_password_file.as_deref(), KEYSTORE_PASSWORD, "--keystore-password-file"));
        let mapping =
            self.mapping.as_deref().map(|path| Mapping::read(&read(path)?).map_err(|error| format!("{}: {error}", path.display())));
        let mut mapping = mapping.transpose()?.unwrap_or_default();
        if let Some(collection) = &self.collection {
            mapping.collection.clone_from(collection);
        }
        let resolution =
            self.resolution.as_deref().map(|path| Resolution::read(&read(path)?).map_err(|error| format!("{}: {error}", path.display())));
        Ok(Given {
            far,
            keystore_password: keystore_password.transpose()?,
            mapping,
            resolution: resolution.transpose()?.unwrap_or_default(),
        })
    }

    /// The running IDM that is named, where it is read over REST.
    fn far_end(&self) -> Result<Option<FarEnd>, String> {
        let Some(address) = self.from.clone().filter(|address| !is_repository(address)) else { return Ok(None) };
        let FarEndArgs { from_user, from_password_file, from_collections, page_size, pages_per_second, .. } = &self.far_end;
        let password = secret(from_password_file.as_deref(), FROM_PASSWORD, "--from-password-file")?;
        let by_default = from_collections.is_empty();
        let collections = if by_default {
            server::collections_of(self.at.project.project.as_deref()).map_err(|error| error.to_string())?
        } else {
            from_collections.clone()
        };
        let (user, page, pages_per_second) = (from_user.clone(), *page_size, *pages_per_second);
        Ok(Some(FarEnd { address, user, password, collections, by_default, page, pages_per_second }))
    }

    /// What was read of a running IDM, where one is named.
    async fn fetched(&self, far: Option<&FarEnd>) -> Result<Option<Fetched>, ExitCode> {
        let Some(address) = &self.from else { return Ok(None) };
        let data = &self.at.data.data;
        let fetched = if let Some(far) = far {
            far.fetch(data).await
        } else {
            let layout = server::tables_of(self.at.project.project.as_deref()).map_err(|error| fail(&error))?;
            server::fetch_repository(address, layout, data).await
        };
        let fetched = fetched.map_err(|error| fail(&error))?;
        if fetched.anew {
            complain(&"what was read earlier is not whole any more, or not what is to be read, so everything was read again");
        }
        if !fetched.skipped.is_empty() {
            complain(&format_args!("not read, because the server there does not give them: {}", fetched.skipped.join(", ")));
        }
        complain(&format_args!("what was read is in {} until it is imported", fetched.file.display()));
        Ok(Some(fetched))
    }

    async fn import(&self, import: &moving::Import<'_>, goes_on: bool) -> (ExitCode, Option<Report>) {
        let mut output = Output::new();
        if self.dry_run || self.propose.is_some() {
            let (report, proposal) = match import.dry_run().await {
                Ok(done) => done,
                Err(error) => return (fail(&error), None),
            };
            output.line(report.to_string().trim_end());
            let written =
                self.write(&report).and_then(|()| self.propose.as_deref().map_or(Ok(()), |path| write(path, &proposal.to_text())));
            if let Err(error) = written {
                return (fail(&error), None);
            }
            let refused = (report.faults > 0 && !self.skip_faulty) || report.not_read > 0 || report.doubles.to_resolve > 0;
            return (output.finish(if refused { ExitCode::FAILURE } else { ExitCode::SUCCESS }), Some(report));
        }
        let (mut written, mut said) = (Ok(()), None);
        let surveyed = |report: &Report| {
            output.line(report.to_string().trim_end());
            written = self.write(report);
            said = Some(report.clone());
        };
        let signed = self.sign_off.as_deref().into();
        let done = if goes_on {
            import.sign(signed, self.skip_faulty, surveyed).await.map(|()| None)
        } else {
            import.run(signed, self.skip_faulty, surveyed).await.map(Some)
        };
        let reported = written.map_or_else(|error| fail(&error), |()| ExitCode::SUCCESS);
        let code = match done {
            Ok(None) => reported,
            Ok(Some(imported)) => {
                say_imported(&mut output, &imported);
                if imported.doubled == 0 { reported } else { ExitCode::FAILURE }
            }
            Err(error) => match &error {
                ImportError::NotSigned(_)
                | ImportError::SignedOther { .. }
                | ImportError::Faults(_)
                | ImportError::NotRead(_)
                | ImportError::Doubles(_) => refuse(&error),
                _ => fail(&error),
            },
        };
        (output.finish(code), said)
    }

    fn write(&self, report: &Report) -> Result<(), String> {
        let Some(path) = self.report.as_deref() else { return Ok(()) };
        write(path, &serde_json::to_string_pretty(report).map_err(|error| error.to_string())?)
    }
}
