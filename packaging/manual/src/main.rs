//! Writes the manual pages and the completions of the command line into a directory. `scripts/package.sh` runs it; nothing of it is in the binary.

use std::path::PathBuf;
use std::process::ExitCode;
use std::{env, fs, io};

use clap_complete::Shell;

fn write(directory: &PathBuf) -> io::Result<()> {
    let pages = directory.join("man1");
    fs::create_dir_all(&pages)?;
    // Every command has a page: vestibule.1, vestibule-serve.1, vestibule-user-add.1.
    clap_mangen::generate_to(vestibule::command(), pages)?;
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        clap_complete::generate_to(shell, &mut vestibule::command(), "vestibule", directory)?;
    }
    Ok(())
}

fn main() -> ExitCode {
    let Some(directory) = env::args_os().nth(1).map(PathBuf::from) else {
        eprintln!("usage: vestibule-manual DIRECTORY");
        return ExitCode::FAILURE;
    };
    match write(&directory) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}: {error}", directory.display());
            ExitCode::FAILURE
        }
    }
}
