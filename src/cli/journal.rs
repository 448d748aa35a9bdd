//! `pollux journal`: what an owner may do to a journal that cannot be used as it is.

use std::io::Write;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::app;
use crate::config::{self, Environment, Flags};
use crate::journal;
use crate::reading::Seq;
use crate::source::{Sources, render_text};

use super::USAGE;

/// Mend a damaged journal.
#[derive(Debug, clap::Args)]
pub struct JournalArgs {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, clap::Subcommand)]
pub enum Command {
    Cut(CutArgs),
}

/// Give up the end of the journal: everything after one entry.
///
/// For a journal that is damaged in the middle and of which there is no backup; the error at the start says after which entry to cut.
/// Without --yes it only says what would be lost.
#[derive(Debug, clap::Args)]
pub struct CutArgs {
    /// The workspace, whose pollux.toml says where the data folder is.
    #[arg(default_value = ".")]
    pub workspace: PathBuf,
    /// The last entry that is kept.
    #[arg(long, value_name = "SEQ", value_parser = clap::value_parser!(u64).range(..u64::MAX))]
    pub after: u64,
    /// The data folder [default: that of the workspace].
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Do it.
    #[arg(long)]
    pub yes: bool,
}

pub fn run(args: &JournalArgs, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    match &args.command {
        Command::Cut(args) => cut(args, out),
    }
}

fn cut(args: &CutArgs, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    anyhow::ensure!(args.workspace.is_dir(), "there is no folder {}", args.workspace.display());
    let data = args.data.as_deref().map(std::path::absolute).transpose()?;
    let mut sources = Sources::new();
    let flags = Flags { data, ..Flags::default() };
    let loaded = config::load(&mut sources, &args.workspace, &Environment::of_process(), &flags);
    if loaded.problems.has_errors() {
        write!(out, "{}", render_text(&sources, &loaded.problems, false))?;
        return Ok(ExitCode::FAILURE);
    }
    let journal = app::journal_config(&loaded.config, &loaded.config.data_folder(&args.workspace));
    anyhow::ensure!(journal.dir.is_dir(), "there is no journal {}: name its data folder with --data", journal.dir.display());
    let after = Seq(args.after);
    if !args.yes {
        explain(&journal.dir, after, out)?;
        return Ok(ExitCode::from(USAGE));
    }
    let cut = journal::cut(&journal, after)?;
    writeln!(out, "the journal {} now ends with entry {}; what was there before is kept as", journal.dir.display(), cut.last_seq)?;
    cut.kept.iter().try_for_each(|path| writeln!(out, "  {}", path.display()))?;
    Ok(ExitCode::SUCCESS)
}

/// What would be lost.
fn explain(dir: &Path, after: Seq, out: &mut dyn Write) -> anyhow::Result<()> {
    let mut entries = 0u64;
    let read = journal::read(dir, Seq(after.0.saturating_add(1)), &mut |_, _| {
        entries += 1;
        ControlFlow::Continue(())
    });
    writeln!(out, "This would end the journal {} after entry {after}.\n", dir.display())?;
    match read {
        Ok(()) => writeln!(out, "{entries} entries come after it, and all of them can be read.")?,
        Err(error) => writeln!(out, "{entries} entries after it can be read, and then: {error}.")?,
    }
    writeln!(
        out,
        "Lost would be everything that was committed after it: readings that their senders know to be safe and will not send again, twins\n\
         that were made, and relations that were changed. The files as they are would be kept beside the journal as *.seg.cut, unread.\n\
         If the graph store or a checkpoint is already past entry {after}, the next start says so; then the data folder has to be restored\n\
         as a whole.\n\n\
         Nothing has been changed. To do it, stop Pollux, copy the data folder, and add --yes to the command."
    )?;
    Ok(())
}
