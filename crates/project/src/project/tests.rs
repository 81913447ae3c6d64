use super::*;
use crate::files::EmbeddedFiles;

#[test]
fn a_directory_without_conf_is_no_project() {
    let project = Project::open(&EmbeddedFiles::default(), &|_: &str| None);
    assert_eq!(project.diagnostics.iter().map(|found| found.rule).collect::<Vec<_>>(), ["no-project"]);
    assert!(project.has_errors());
}
