//! The command line: one file per command.

pub mod backtest;
pub mod bench;
pub mod check;
pub mod config;
pub mod explain;
pub mod import;
pub mod inspect;
pub mod journal;
pub mod new;
pub mod run;
pub mod schema;
pub mod test;
pub mod trace;

use std::io::Write;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Usage errors, as clap reports them.
const USAGE: u8 = 2;

/// Pollux, an actor-based digital-twin runtime.
///
/// A workspace is a folder with types (schemas/), twins and bindings (twins/) and, if need be, settings (pollux.toml).
/// `pollux new DIR` makes one, `pollux check DIR` says what is wrong with it, `pollux run DIR` brings it to life.
#[derive(Debug, Parser)]
#[command(name = "pollux", version, propagate_version = true, max_term_width = 110)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(run::RunArgs),
    Check(check::CheckArgs),
    Test(test::TestArgs),
    Backtest(Box<backtest::BacktestArgs>),
    New(new::NewArgs),
    Import(import::ImportArgs),
    Explain(explain::ExplainArgs),
    Config(config::ConfigArgs),
    Twins(inspect::TwinsArgs),
    Twin(inspect::TwinArgs),
    Rejections(inspect::RejectionsArgs),
    Schema(schema::SchemaArgs),
    Journal(journal::JournalArgs),
    Bench(bench::BenchArgs),
}

/// Runs the command that the process was started with.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are no errors and go to the standard output.
            let code = if error.use_stderr() { USAGE } else { 0 };
            return if error.print().is_ok() { ExitCode::from(code) } else { ExitCode::FAILURE };
        }
    };
    let (mut out, mut complaints) = (std::io::stdout().lock(), std::io::stderr());
    let done = match &cli.command {
        Command::Run(args) => run::run(args, &mut complaints),
        Command::Check(args) => check::run(args, &mut out),
        Command::Test(args) => test::run(args, &mut out),
        Command::Backtest(args) => backtest::run(args, &mut out, &mut complaints),
        Command::New(args) => new::run(args, &mut out),
        Command::Import(args) => import::run(args, &mut out),
        Command::Explain(args) => explain::run(args, &mut out),
        Command::Config(args) => config::run(args, &mut out, &mut complaints),
        Command::Twins(args) => inspect::twins(args, &mut out),
        Command::Twin(args) => inspect::twin(args, &mut out),
        Command::Rejections(args) => inspect::rejections(args, &mut out),
        Command::Schema(args) => schema::run(args, &mut out),
        Command::Journal(args) => journal::run(args, &mut out),
        Command::Bench(args) => bench::run(args, &mut out),
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            // With the standard error gone there is nobody left to tell.
            writeln!(complaints, "pollux: {error:#}").ok();
            ExitCode::FAILURE
        }
    }
}
