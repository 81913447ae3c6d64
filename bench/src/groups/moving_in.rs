//! An import of a whole repository, as an operator waits for it: read and reported, then read and stored.
//!
//! Easiest to get wrong: the peak of memory is the kernel's, and is gone with the process. It is read all the while; it only grows.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::account::{self, Stopwatch, mebibytes, number};
use crate::figure::{Figure, Group, Unit};
use crate::groups::{Bench, grouped};
use crate::project::AtSignIn;
use crate::{Failure, people};

/// Between two looks at the process.
const LOOK: Duration = Duration::from_millis(20);

pub(super) async fn measure(bench: &Bench) -> Result<Group, Failure> {
    let population = bench.extent.populations.iter().copied().max().unwrap_or_default();
    let data = bench.data();
    let dump = data.with_extension("sql");
    write(&dump, population)?;
    let looked = Ran::of(bench, &dump, &data, &["--dry-run"]).await?;
    let imported = Ran::of(bench, &dump, &data, &[]).await?;
    std::fs::remove_file(&dump)?;
    let each = |ran: &Ran| ran.cpu.as_secs_f64() * 1e6 / number(population.max(1));
    Ok(Group {
        title: "Import of a repository (PostgreSQL dump, hashes, metadata, one reference each)",
        figures: vec![
            Figure::new(format!("dry run, {} people", grouped(population)), Unit::Seconds, vec![looked.waited.as_secs_f64()]),
            Figure::new("CPU of one of them", Unit::CpuMicroseconds, vec![each(&looked)]),
            Figure::new("most memory", Unit::Mebibytes, vec![mebibytes(looked.peak)]),
            Figure::new("import, report included", Unit::Seconds, vec![imported.waited.as_secs_f64()]),
            Figure::new("CPU of one of them", Unit::CpuMicroseconds, vec![each(&imported)]),
            Figure::new("most memory", Unit::Mebibytes, vec![mebibytes(imported.peak)]),
        ],
    })
}

/// Writes a dump as `pg_dump` would: everybody has a hash, metadata, and whoever came before them as their manager.
fn write(path: &Path, population: u64) -> Result<(), Failure> {
    let mut to = BufWriter::new(File::create(path)?);
    writeln!(to, "COPY openidm.managedobjects (id, objecttypes_id, objectid, rev, fullobject) FROM stdin;")?;
    for person in 0..population {
        writeln!(to, "{person}\t1\t{}\t7\t{}", people::id(person), people::elsewhere(person))?;
    }
    writeln!(to, "\\.\nCOPY openidm.metaobjects (id, objecttypes_id, objectid, rev, fullobject) FROM stdin;")?;
    for person in 0..population {
        writeln!(to, "{person}\t2\tmeta{person}\t0\t{{\"loginCount\":3,\"lastLogin\":\"2024-05-06T07:08:09.123Z\"}}")?;
    }
    writeln!(to, "\\.\nCOPY openidm.objecttypes (id, objecttype) FROM stdin;\n1\tmanaged/user\n2\tinternal/usermeta\n\\.")?;
    writeln!(
        to,
        "COPY openidm.relationships (id, fullobject, firstresourcecollection, firstresourceid, firstpropertyname, secondresourcecollection, \
         secondresourceid, secondpropertyname) FROM stdin;"
    )?;
    for person in 0..population {
        let id = people::id(person);
        writeln!(to, "{person}\t{{}}\tmanaged/user\t{id}\t_meta\tinternal/usermeta\tmeta{person}\t\\N")?;
        if let Some(before) = person.checked_sub(1) {
            writeln!(to, "{person}\t{{}}\tmanaged/user\t{id}\tmanager\tmanaged/user\t{}\treports", people::id(before))?;
        }
    }
    writeln!(to, "\\.")?;
    Ok(to.flush()?)
}

/// What a run took.
struct Ran {
    waited: Duration,
    cpu: Duration,
    peak: u64,
}

impl Ran {
    async fn of(bench: &Bench, dump: &Path, data: &Path, more: &[&str]) -> Result<Self, Failure> {
        let watch = Stopwatch::of_time();
        let mut command = Command::new(&bench.launch.binary);
        command.arg("import").arg(dump).arg("--project").arg(bench.project(AtSignIn::Nothing)?).arg("--data").arg(data).args(more);
        let mut child = command.stdout(Stdio::null()).spawn()?;
        let (mut cpu, mut peak) = (Duration::ZERO, 0);
        loop {
            // Who has ended has no memory, but still an account.
            cpu = account::cpu(child.id()).unwrap_or(cpu);
            peak = account::peak(child.id()).unwrap_or(peak);
            if let Some(status) = child.try_wait()? {
                let waited = watch.elapsed();
                return if status.success() {
                    Ok(Self { waited, cpu, peak })
                } else {
                    Err(format!("the import ended with {status}").into())
                };
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}
