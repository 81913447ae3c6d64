//! `vestibule funnel`.

use std::collections::BTreeSet;
use std::process::ExitCode;

use clap::Args;
use serde_json::Value;

use crate::Where;
use crate::output::{Output, fail, meant, refuse};

/// Show how many people begin, complete and leave each stage of the processes, also while a server is running.
#[derive(Args)]
pub(crate) struct Funnel {
    /// One process only.
    process: Option<String>,
    /// Of so many days, today included.
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..))]
    days: u32,
    /// A row for each day and language, as a table for a spreadsheet. Counts below ten are hidden.
    #[arg(long)]
    csv: bool,
    #[command(flatten)]
    at: Where,
}

impl Funnel {
    pub(crate) async fn run(self) -> ExitCode {
        let store = match self.at.open().await {
            Ok(store) => store,
            Err(error) => return refuse(&error),
        };
        let rows = store.funnel(self.days, self.csv).await;
        store.close().await;
        let mut rows = match rows {
            Ok(rows) => rows,
            Err(error) => return fail(&error),
        };
        if let Some(name) = &self.process {
            // What was counted of a process that went is still there to be shown.
            let counted = || rows.iter().filter_map(|row| row.get("process").and_then(Value::as_str));
            let declared = if counted().any(|known| known == name) { None } else { Some(self.declared()) };
            if let Some(declared) = declared.filter(|declared| !declared.contains(name)) {
                let known: BTreeSet<&str> = declared.iter().map(String::as_str).chain(counted()).collect();
                let like = meant(name, known);
                return refuse(&format!("there is no process '{name}'{like}, and nothing was counted of one"));
            }
        }
        rows.retain(|row| self.process.as_ref().is_none_or(|process| row.get("process") == Some(&Value::from(process.as_str()))));
        let mut output = Output::new();
        if self.csv {
            output.line(server::csv(&rows).trim_end());
            return output.finish(ExitCode::SUCCESS);
        }
        let text = |row: &Value, name: &str| {
            row.get(name).map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned)).unwrap_or_default()
        };
        let mut before = String::new();
        for row in &rows {
            let of = format!("{} {}", text(row, "process"), text(row, "version"));
            if of != before {
                output.line(format_args!("{of}"));
                output.line(format_args!(
                    "  {:<40} {:>9} {:>9} {:>9} {:>9} {:>9}  refused",
                    "stage", "entered", "completed", "abandoned", "open", "half in s"
                ));
                before = of;
            }
            let failed = row.get("failed").and_then(Value::as_object).into_iter().flatten();
            let failed: Vec<String> = failed.map(|(why, number)| format!("{why} {number}")).collect();
            let [stage, entered, completed, abandoned, open] =
                ["stage", "entered", "completed", "abandoned", "open"].map(|name| text(row, name));
            let half = row.get("halfWithin").and_then(Value::as_str).unwrap_or("-");
            output
                .line(format_args!("  {stage:<40} {entered:>9} {completed:>9} {abandoned:>9} {open:>9} {half:>9}  {}", failed.join(", ")));
        }
        output.finish(ExitCode::SUCCESS)
    }

    /// The processes of the project.
    fn declared(&self) -> Vec<String> {
        server::process_names(self.at.project.project.as_deref())
    }
}
