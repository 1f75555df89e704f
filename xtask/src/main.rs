//! Voxgate's own tasks: tests, benchmarks, fuzzing, and the checks of the repository itself.
//!
//! `cargo xtask test` is the whole of it. It installs what the tests need and the machine lacks, builds once, runs
//! every suite, and closes with a table. What is missing and can't be installed is a failure, never a skip.

mod attack;
mod bench;
mod fuzz;
mod layers;
mod lines;
mod mutants;
mod needs;
mod postgres;
mod process;
mod repo;
mod run;
mod static_build;
mod suites;
mod summary;
mod supply_chain;
mod tidy;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::repo::Repo;
use crate::suites::Suite;

/// What went wrong, for a person to read.
type Fault = String;

#[derive(Debug, Parser)]
#[command(name = "cargo xtask", about = "Voxgate's own tasks", disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Install what is missing, build, and run every suite (or those named)
    Test {
        /// Suites to run, separated by commas; all of them if left out
        #[arg(long, value_delimiter = ',', value_enum)]
        only: Vec<Suite>,
        /// Kill more often, and test for longer
        #[arg(long)]
        soak: bool,
    },
    /// Attack a running instance in every known way
    Attack {
        /// Passed on to the attack program
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Run the benchmarks, with nginx beside Voxgate
    Bench {
        /// Passed on to the benchmark program
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Run a command with a PostgreSQL for its tests beside it, as in: cargo xtask postgres cargo nextest run -p storage
    Postgres {
        /// The command
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
        command: Vec<String>,
    },
    /// Build the program as the image does, and run it where there is nothing else
    Static {
        /// The build profile: dist as in the image, dev for a quick look
        #[arg(long, default_value = "dist")]
        profile: String,
    },
    /// Change the code that decides who gets in, in every way, and see whether tests notice (takes an hour)
    Mutants {
        /// Parts to change; all of them if left out
        #[arg(value_enum)]
        parts: Vec<mutants::Part>,
    },
    /// Check what others' code we take in: licences, bans, sources, versions with advisories
    SupplyChain,
    /// Write the program's bill of materials (CycloneDX, JSON)
    Sbom {
        /// Where to; standard output if left out
        file: Option<String>,
    },
    /// Check that crates depend only on the crates that design 12 lets them depend on
    Layers,
    /// Check the shape of the repository: file lengths, lib.rs, READMEs, error pages, links
    Tidy,
    /// Build every fuzz target and run each for some seconds
    Fuzz {
        /// How long each target runs
        #[arg(long, default_value_t = fuzz::SECONDS_DEFAULT)]
        seconds: u32,
        /// Afterwards, reduce what each target has found to what is needed, and keep it in fuzz/kept
        #[arg(long)]
        keep: bool,
        /// Targets to run; all of them if left out
        targets: Vec<String>,
    },
}

fn main() -> ExitCode {
    let repo = Repo::here();
    let outcome = match Cli::parse().task {
        Task::Test { only, soak } => run::test(&repo, &only, soak),
        Task::Attack { arguments } => attack::run(&repo, &arguments),
        Task::Bench { arguments } => bench::run(&repo, &arguments),
        Task::Postgres { command } => postgres::with_command(&repo, &command),
        Task::Static { profile } => static_build::check(&repo, &profile),
        Task::SupplyChain => needs::install(&repo, &[needs::Need::CargoDeny].into())
            .blocks(&[needs::Need::CargoDeny])
            .map_or_else(|| supply_chain::check(&repo), Err),
        Task::Sbom { file } => supply_chain::write_sbom(&repo, file.as_deref()),
        Task::Layers => layers::check(&repo),
        Task::Tidy => tidy::check(&repo),
        Task::Mutants { parts } => mutants::run(&repo, &parts),
        Task::Fuzz { seconds, keep, targets } => fuzz::with_tools(&repo, seconds, keep, &targets),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            eprintln!("xtask: {fault}");
            ExitCode::FAILURE
        }
    }
}
