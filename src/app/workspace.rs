//! A workspace from the disk: which files belong to it, in an order that is the same everywhere, and all that is wrong with them.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::Path;

use anyhow::{Context as _, bail};

use crate::catalog::binding::Source;
use crate::catalog::{self, Catalog};
use crate::config::{self, Config, Environment, Flags};
use crate::source::{Diagnostic, Diagnostics, FILE_BYTES_MAX, Sources, Span, codes, did_you_mean, list_some};

/// Folders inside each other; a ring of links ends here.
const FOLDERS_DEPTH_MAX: usize = 16;
const FILES_MAX: usize = 100_000;

/// A workspace with its settings. With errors among the problems neither may be used.
#[derive(Debug)]
pub struct Loaded {
    pub sources: Sources,
    pub catalog: Catalog,
    pub config: Config,
    pub problems: Diagnostics,
}

/// Types, twins, bindings and settings, and what is wrong with any of them.
pub fn load(dir: &Path, environment: &Environment, flags: &Flags) -> anyhow::Result<Loaded> {
    let mut sources = read(dir)?;
    let settings = config::load(&mut sources, dir, environment, flags);
    let (catalog, mut problems) = catalog::load(&sources);
    // Settings that cannot be read may name any broker.
    if !settings.problems.has_errors() {
        check_brokers(&catalog, &settings.config, &mut problems);
        check_hooks(&catalog, &settings.config, &mut problems);
    }
    problems.extend(settings.problems);
    Ok(Loaded { sources, catalog, config: settings.config, problems: problems.sorted() })
}

/// The brokers that bindings name are known to the settings.
fn check_brokers(catalog: &Catalog, config: &Config, problems: &mut Diagnostics) {
    let known = || ["mqtt", "http"].into_iter().chain(config.brokers.iter().map(|broker| &*broker.name));
    for binding in &catalog.bindings {
        let Source::Broker(name) = &binding.source else { continue };
        if !known().any(|known| known == &**name) {
            let message = format!("there is no source `{name}`: pollux.toml has no [[broker]] of that name");
            let diagnostic = Diagnostic::new(&codes::UNKNOWN_BROKER, binding.source_span, message);
            problems.push(diagnostic.suggest(did_you_mean(name, known())).help(format!("sources: {}", list_some(known()))));
        }
    }
}

/// The webhooks that rules call are known to the settings.
fn check_hooks(catalog: &Catalog, config: &Config, problems: &mut Diagnostics) {
    let known = || config.webhooks.iter().map(|hook| &*hook.name);
    let mut said: Vec<Span> = Vec::new();
    for (name, span) in catalog.types.iter().flat_map(|layout| &layout.logic.hooks) {
        // A subtype inherits what its parent says.
        if known().any(|known| known == &**name) || said.contains(span) {
            continue;
        }
        said.push(*span);
        let message = format!("webhook `{name}` is not in pollux.toml");
        let diagnostic = Diagnostic::new(&codes::ACTION_TARGET, *span, message).suggest(did_you_mean(name, known()));
        problems.push(diagnostic.help(format!("add it: [[webhook]] with name = \"{name}\" and its url")));
    }
}

/// Files that cannot be read are problems in the answer; only a folder that is no workspace is an error.
pub fn read(dir: &Path) -> anyhow::Result<Sources> {
    read_with(dir, &BTreeMap::new())
}

/// The same as if these files stood in it, by their paths.
pub fn read_with(dir: &Path, instead: &BTreeMap<String, String>) -> anyhow::Result<Sources> {
    if !dir.is_dir() {
        bail!("{} is not a folder: name the folder that holds schemas/ and twins/", dir.display());
    }
    if !dir.join("schemas").is_dir() && !dir.join("twins").is_dir() {
        bail!("{} is not a workspace: it has neither schemas/ nor twins/; `pollux new DIR` makes one", dir.display());
    }
    let mut sources = Sources::new();
    let mut reader = Reader { root: dir, sources: &mut sources, files: 0, instead };
    // Types lie flat; twins may be split into folders.
    reader.folder("schemas", 1, 1).context("cannot read schemas/")?;
    reader.folder("twins", 1, FOLDERS_DEPTH_MAX).context("cannot read twins/")?;
    reader.folder("detectors", 1, FOLDERS_DEPTH_MAX).context("cannot read detectors/")?;
    for (path, text) in instead {
        sources.add(path, text.as_bytes());
    }
    Ok(sources)
}

struct Reader<'a> {
    root: &'a Path,
    sources: &'a mut Sources,
    files: usize,
    /// Files that are not read, because others stand for them.
    instead: &'a BTreeMap<String, String>,
}

impl Reader<'_> {
    /// `path` is relative to the workspace, with `/`.
    fn folder(&mut self, path: &str, depth: usize, depth_max: usize) -> anyhow::Result<()> {
        let entries = match fs::read_dir(self.root.join(path)).and_then(Iterator::collect::<io::Result<Vec<_>>>) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => {
                self.sources.add_unreadable(path, &codes::UNREADABLE, &format!("the folder cannot be read: {error}"));
                return Ok(());
            }
        };
        let mut names = Vec::with_capacity(entries.len());
        for entry in &entries {
            match entry.file_name().into_string() {
                Ok(name) if !name.starts_with('.') => names.push(name),
                Ok(_) => {}
                Err(name) => {
                    let shown = format!("{path}/{}", name.display());
                    self.sources.add_unreadable(shown, &codes::UNREADABLE, "the name of the file is not UTF-8");
                }
            }
        }
        names.sort_unstable();
        for name in names {
            let inside = format!("{path}/{name}");
            // Links are followed; one that leads nowhere is a file that cannot be read.
            let is_folder = fs::metadata(self.root.join(&inside)).is_ok_and(|metadata| metadata.is_dir());
            if !is_folder {
                self.file(&inside)?;
            } else if depth < depth_max {
                self.folder(&inside, depth + 1, depth_max)?;
            } else if depth_max > 1 {
                let message = format!("folders lie more than {depth_max} deep, or links lead round in a ring");
                self.sources.add_unreadable(inside, &codes::UNREADABLE, &message);
            }
        }
        Ok(())
    }

    fn file(&mut self, path: &str) -> anyhow::Result<()> {
        if !path.rsplit_once('.').is_some_and(|(_, extension)| matches!(extension, "yaml" | "yml" | "json")) {
            return Ok(());
        }
        if self.instead.contains_key(path) {
            return Ok(());
        }
        self.files += 1;
        if self.files > FILES_MAX {
            bail!("the workspace has more than {FILES_MAX} files");
        }
        match read_bounded(&self.root.join(path)) {
            Ok(bytes) => self.sources.add(path, &bytes),
            Err(error) => self.sources.add_unreadable(path, &codes::UNREADABLE, &format!("the file cannot be read: {error}")),
        };
        Ok(())
    }
}

/// One byte more than is allowed, so that a file of any size is known to be too large without being read.
fn read_bounded(path: &Path) -> io::Result<Vec<u8>> {
    let file = File::open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is not a file"));
    }
    let mut bytes = Vec::new();
    file.take(FILE_BYTES_MAX as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}
