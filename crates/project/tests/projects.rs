//! Every project under `tests/projects`, loaded as it is, with every diagnostic the loader has for it.
//!
//! The findings of `process::compile` are not among them: they belong to the stages and are asserted where stages are tested.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use vestibule_project::{Diagnostic, DirectoryFiles, Project, check_listed};

/// `file:line severity[rule] pointer`, by project; a project without a line loads without a word.
const EXPECTED: &[(&str, &[&str])] = &[
    (
        "case-01-encrypted-values",
        &[
            "conf/authentication.json:20 warning[encrypted-value] /serverAuthContext/authModules/0/properties/password",
            "conf/authentication.json:44 warning[encrypted-value] /serverAuthContext/authModules/1/properties/password",
            "conf/external.email.json:8 warning[encrypted-value] /auth/password",
        ],
    ),
    (
        "case-02-no-administrator",
        &[
            "conf/authentication.json:14 warning[managed-sign-in] /serverAuthContext/authModules",
            "conf/authentication.json:62 warning[unsupported-module] /serverAuthContext/authModules/3/name",
            "conf/authentication.json:72 hint[unsupported-module] /serverAuthContext/authModules/4/name",
        ],
    ),
    ("case-02-tokens-of-am", &["conf/authentication.json:1 warning[no-sign-in-modules]"]),
    (
        "case-03-undefined-names",
        &[
            "conf hint[other-features]",
            "conf/authentication.json:42 hint[unusable-user] /serverAuthContext/authModules/2/properties",
            "conf/selfservice-myprocess.json:32 error[unresolved-name] /stageConfigs/1/verificationLink",
        ],
    ),
    (
        "case-04-product-scripts",
        &[
            "conf/managed.json:272 warning[managed-objects] /objects/0/vestibule/waive/0",
            "conf/managed.json:279 warning[managed-objects] /objects/0/actions/greet",
        ],
    ),
    (
        "case-08-profile-processes",
        &[
            "conf/auth.profile.json:3 hint[profile-process-missing] /profileEnhancementProcesses/0",
            "conf/auth.profile.json:4 hint[profile-process-missing] /profileEnhancementProcesses/1",
            "conf/auth.profile.json:5 hint[profile-process-missing] /profileEnhancementProcesses/2",
        ],
    ),
    (
        "case-09-flag-without-file",
        &[
            "conf/ui-configuration.json:3 hint[switch-without-process] /configuration/selfRegistration",
            "conf/ui-configuration.json:5 hint[switch-without-process] /configuration/forgotUsername",
        ],
    ),
    ("case-09-flags", &["conf/selfservice-registration.json:1 hint[process-switched-off]"]),
    (
        "case-10-partial",
        &[
            "conf/selfservice-registration.json:25 warning[no-terms] /stageConfigs/2",
            "conf/selfservice-reset.json:22 hint[no-mail-service] /stageConfigs/2",
            "conf/selfservice-reset.json:40 hint[default-questions] /stageConfigs/3",
        ],
    ),
    ("case-14-data-model", &["conf/managed.json:174 warning[managed-objects] /objects/0/schema/properties/manager/reversePropertyName"]),
    ("case-14-properties-as-array", &["conf/managed.json:3 hint[managed-objects] /objects/0"]),
    (
        "case-16-json-faults",
        &[
            "conf hint[other-features]",
            "conf/jsonstore.json:3 warning[duplicate-key] /entryExpireSeconds",
            "conf/selfservice-broken.json:3 error[not-readable]",
        ],
    ),
    ("case-17-access-json", &["conf/access.json:49 error[unknown-condition] /configs/6/customAuthz"]),
    (
        "case-18-old-keys",
        &[
            "conf/selfservice-reset.json:34 hint[old-key] /snapshotToken/keyPairAlgorithm",
            "conf/selfservice-reset.json:35 hint[old-key] /snapshotToken/keyPairSize",
            "conf/selfservice-reset.json:36 hint[old-key] /snapshotToken/sharedKey",
        ],
    ),
    ("case-15-other-files", &["conf hint[other-features]"]),
    (
        "case-20-pre-release",
        &[
            "conf/selfservice-registration.json:26 error[pre-release-stage] /stageConfigs/2/name",
            "conf/selfservice-reset.json:4 error[pre-release-stage] /stageConfigs/0/name",
            "conf/selfservice-reset.json:12 error[pre-release-key] /stageConfigs/0/email",
        ],
    ),
    (
        "shipped-02-installation-names",
        &[
            "conf hint[other-features]",
            "conf/authentication.json:42 hint[unusable-user] /serverAuthContext/authModules/2/properties",
            "conf/selfservice-myprocess.json:32 hint[installation-name] /stageConfigs/1/verificationLink",
        ],
    ),
    (
        "shipped-03-data-model",
        &[
            "conf hint[other-features]",
            "conf/identityProviders.json:6 warning[not-readable]",
            "conf/auth.profile.json:3 hint[profile-process-missing] /profileEnhancementProcesses/0",
            "conf/auth.profile.json:4 hint[profile-process-missing] /profileEnhancementProcesses/1",
            "conf/auth.profile.json:5 hint[profile-process-missing] /profileEnhancementProcesses/2",
        ],
    ),
    ("shipped-04-first-releases", &["conf/authentication.json:78 hint[unsupported-module] /serverAuthContext/authModules/4/name"]),
    (
        "odd-02-byte-order-mark",
        &["conf/selfservice-username.json:45 warning[trailing-text]", "conf/ui-configuration.json:9 warning[trailing-text]"],
    ),
    (
        "odd-09-class-names",
        &[
            "conf/selfservice-reset.json:54 hint[old-key] /snapshotToken/keyPairAlgorithm",
            "conf/selfservice-reset.json:55 hint[old-key] /snapshotToken/keyPairSize",
            "conf/selfservice-reset.json:56 hint[old-key] /snapshotToken/sharedKey",
        ],
    ),
    (
        "odd-10-tokens",
        &[
            "conf/selfservice-reset.json:46 warning[instance-ends-first] /snapshotToken/tokenExpiry",
            "conf/selfservice-reset.json:47 hint[old-key] /snapshotToken/keyPairAlgorithm",
            "conf/selfservice-reset.json:48 hint[old-key] /snapshotToken/keyPairSize",
        ],
    ),
    (
        "odd-18-undefined-users",
        &[
            "conf/authentication.json:24 warning[undefined-password] /serverAuthContext/authModules/0/properties/password",
            "conf/authentication.json:46 hint[unusable-user] /serverAuthContext/authModules/2/properties",
        ],
    ),
    ("odd-17-other-encoding", &["conf/selfservice-username.json:25 warning[not-utf-8]"]),
    (
        "odd-15-whole-project",
        &[
            "conf hint[other-features]",
            "conf/servletfilter-agent.json:9 warning[servlet-filter] /filterClass",
            "conf/servletfilter-payload.json:12 hint[servlet-filter] /filterClass",
        ],
    ),
];

fn projects() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/projects")
}

fn open(name: &str) -> Project {
    Project::open(&DirectoryFiles::new(projects().join(name)), &|_: &str| None)
}

/// The first line of a diagnostic without column and message.
fn shown(diagnostic: &Diagnostic) -> String {
    let at = &diagnostic.location;
    let line = at.position.map(|position| format!(":{}", position.line)).unwrap_or_default();
    let severity = format!("{:?}", diagnostic.severity).to_lowercase();
    format!("{}{line} {severity}[{}] {}", at.file, diagnostic.rule, at.pointer).trim_end().to_owned()
}

/// What is said about the processes that may be due; they must be compiled for that.
fn of_listed(project: &Project) -> Vec<Diagnostic> {
    if project.auth_profile.processes.is_empty() {
        return Vec::new();
    }
    let (catalogue, companions) = (stages::catalogue(), project.companions());
    let compiled: BTreeMap<&str, _> =
        project.processes.iter().map(|file| (file.name.as_str(), file.compile(&companions, &catalogue).0)).collect();
    check_listed(project, project.external_email.is_some(), &project.diagnostics, |name| compiled.get(name)?.as_ref())
}

#[test]
fn every_project_loads_with_the_diagnostics_it_deserves() {
    let expected: BTreeMap<&str, &[&str]> = EXPECTED.iter().copied().collect();
    let mut wrong = String::new();
    let mut count = 0;
    for entry in fs::read_dir(projects()).unwrap().map(Result::unwrap).filter(|entry| entry.path().is_dir()) {
        let name = entry.file_name().into_string().unwrap();
        let project = open(&name);
        let listed = of_listed(&project);
        let found: Vec<String> = project.diagnostics.iter().chain(&listed).map(shown).collect();
        count += 1;
        if found != expected.get(name.as_str()).copied().unwrap_or_default() {
            writeln!(wrong, "    ({name:?}, &{found:#?}),").unwrap();
        }
    }
    assert!(wrong.is_empty(), "these projects said something else:\n{wrong}");
    assert!(count >= expected.len() && count > 50, "{count} projects");
}

#[test]
fn processes_break_only_where_nobody_could_serve_them() {
    let broken: Vec<String> = fs::read_dir(projects())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .flat_map(|name| {
            let project = open(&name);
            project
                .processes
                .into_iter()
                .filter(|process| process.broken)
                .map(move |process| format!("{name} {}", process.name))
                .collect::<Vec<_>>()
        })
        .collect();
    let mut broken: Vec<&str> = broken.iter().map(String::as_str).collect();
    broken.sort_unstable();
    assert_eq!(broken, ["case-03-undefined-names myprocess", "case-20-pre-release registration", "case-20-pre-release reset"]);
}

#[test]
fn every_real_order_of_reset_and_username_compiles_and_only_questions_alone_are_warned_of() {
    let catalogue = stages::catalogue();
    let mut compiled = 0;
    let mut sole_factor = Vec::new();
    for name in fs::read_dir(projects()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()) {
        let project = open(&name);
        let companions = project.companions();
        for file in project.processes.iter().filter(|file| !file.broken && ["reset", "username"].contains(&file.name.as_str())) {
            let (process, found) = file.compile(&companions, &catalogue);
            assert!(process.is_some(), "{name}: {found:?}");
            let unknown = found.iter().filter(|found| found.rule == "unknown-key").count();
            assert_eq!(unknown, if name == "odd-13-unknown-keys" && file.name == "reset" { 7 } else { 0 }, "{name}: {found:?}");
            compiled += 1;
            sole_factor.extend(found.iter().filter(|found| found.rule == "kba-sole-factor").map(|_| name.clone()));
        }
    }
    sole_factor.sort_unstable();
    assert_eq!(sole_factor, ["case-14-data-model", "case-18-old-keys", "reset-01", "reset-02"]);
    assert!(compiled > 50, "{compiled} processes");
}

#[test]
fn the_default_project_loads_without_an_error() {
    let project = Project::open(&DirectoryFiles::new(projects().join("../..")), &|_: &str| None);
    assert!(!project.has_errors(), "{:?}", project.diagnostics);
    assert!(project.process("reset").is_some_and(|process| !process.broken && !process.switched_off));
}
