//! `parlour storage`: check, copy and describe the store of a server that doesn't run.

use std::{
    fs,
    path::{Path, PathBuf},
    str::FromStr,
};

use clap::Subcommand;
use parlour_adapters::{
    Kind, OpenError, Options, any,
    maintenance::{self, Damage, Report},
};
use parlour_daemon::{
    admin::{self, AdminError, Request, Response},
    data::DataFolder,
};
use rustix::fs::{CWD, RenameFlags, renameat_with};

use super::{Common, Outcome, block_on, existing_data, fail, lock};

#[derive(Subcommand)]
pub(super) enum Storage {
    /// Read everything and say what is damaged.
    Check,
    /// Copy a store into a new one, of the same kind or another. It stays the same store for
    /// clients: their caches remain good.
    Copy {
        /// The store to read: KIND:FOLDER, such as sled:parlour-data/store.
        #[arg(long, value_name = "KIND:FOLDER")]
        from: StorePath,
        /// The new store: KIND:FOLDER, such as redb:new-store.
        #[arg(long, value_name = "KIND:FOLDER")]
        to: StorePath,
        /// Go around what is damaged, copy whatever can be read, and say what is missing. The copy
        /// is a new store for clients.
        #[arg(long)]
        salvage: bool,
    },
    /// Write the store anew, without what was erased and without the room it took. Needs as much
    /// free space again.
    Compact,
    /// Say what the store is.
    Info,
}

/// A kind of store and its folder.
#[derive(Clone, Debug)]
pub(super) struct StorePath {
    kind: Kind,
    path: PathBuf,
}

impl FromStr for StorePath {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "expected sled:FOLDER or redb:FOLDER".to_owned();
        let (kind, path) = text.split_once(':').ok_or_else(wrong)?;
        let kind: Kind = kind.parse().map_err(|_| wrong())?;
        if kind == Kind::Memory || path.is_empty() {
            return Err(wrong());
        }
        Ok(StorePath { kind, path: path.into() })
    }
}

impl Storage {
    pub(super) fn run(self, common: &Common) -> Outcome {
        match self {
            Storage::Check => check(common),
            Storage::Copy { from, to, salvage } => copy(&from, &to, salvage),
            Storage::Compact => compact(common),
            Storage::Info => info(common),
        }
    }
}

fn check(common: &Common) -> Outcome {
    let config = common.load()?;
    let data = existing_data(&config)?;
    let _lock = lock(&data)?;
    let report = maintenance::check(&config.store_options(&data))?;
    finish(&report, "checked")
}

fn copy(from: &StorePath, to: &StorePath, salvage: bool) -> Outcome {
    let source = inner(&from.path);
    match Kind::detect(&source) {
        Some(found) if found != from.kind => {
            return fail(format!("{} holds a {found} store", source.display()));
        }
        None => return fail(format!("{} holds no store", source.display())),
        Some(_) => {}
    }
    let (source, target) = (Options::new(source), Options::new(&to.path));
    if salvage {
        let report = maintenance::salvage(&source, to.kind, &target)?;
        say_what(&report, "salvaged");
        if !report.is_clean() {
            say!("{} things are missing or damaged", report.damaged);
        }
        return Ok(());
    }
    match maintenance::copy(&source, to.kind, &target) {
        Err(error @ OpenError::Damaged { .. }) => {
            fail(format!("{error}; --salvage copies what can be read into a new folder"))
        }
        copied => finish(&copied?, "copied"),
    }
}

fn compact(common: &Common) -> Outcome {
    let config = common.load()?;
    let data = existing_data(&config)?;
    let _lock = lock(&data)?;
    let store = config.store_options(&data);
    if fs::symlink_metadata(&store.path).is_ok_and(|meta| meta.is_symlink()) {
        // The exchange would move the link, and what it points to would stay as it is.
        let path = store.path.display();
        return fail(format!("{path} is a symbolic link; compact works on a folder of its own"));
    }
    let Some(kind) = Kind::detect(&store.path) else {
        return fail("there is no store yet");
    };
    let fresh = Options { path: data.compacted(), ..store.clone() };
    data.remove_compacted()?;
    let copied = maintenance::copy(&store, kind, &fresh);
    let report = match copied {
        Ok(report) if report.is_clean() => report,
        Ok(report) => {
            data.remove_compacted()?;
            return finish(&report, "left as it was:");
        }
        Err(error) => return discard(&data, error),
    };
    // Both change places at once: whatever happens, there is one whole store under its name.
    let (old, new) = (&store.path, &fresh.path);
    if let Err(error) = renameat_with(CWD, new, CWD, old, RenameFlags::EXCHANGE) {
        let why = format!("this file system can't exchange two folders: {error}");
        return discard(&data, why);
    }
    data.remove_compacted()?;
    finish(&report, "compacted")
}

/// Gives back the room of a copy that came to nothing: the disk may be full by it.
fn discard(data: &DataFolder, why: impl std::fmt::Display) -> Outcome {
    match data.remove_compacted() {
        Ok(_) => fail(why.to_string()),
        Err(error) => fail(format!("{why}; and what was copied is still there: {error}")),
    }
}

/// The store of a data folder, where one was named instead of a store.
fn inner(path: &Path) -> PathBuf {
    let within = path.join("store");
    if Kind::detect(path).is_none() && Kind::detect(&within).is_some() {
        within
    } else {
        path.into()
    }
}

fn info(common: &Common) -> Outcome {
    let config = common.load()?;
    let data = existing_data(&config)?;
    let status = block_on(admin::ask(&data.admin_socket(), &Request::Status))?;
    let (adapter, incarnation, note) = match status {
        Ok(Response::Status(status)) => (status.store, status.incarnation, "in use by a server"),
        Ok(_) | Err(AdminError::NotRunning) => {
            let _lock = lock(&data)?;
            let options = config.store_options(&data);
            let Some(kind) = Kind::detect(&options.path) else {
                return fail("there is no store yet");
            };
            let info =
                block_on(async { any::open(kind, options).await.map(|store| store.info()) })??;
            say!("schema       {}", info.schema);
            let hex: String = info.incarnation.iter().map(|byte| format!("{byte:02x}")).collect();
            (info.adapter.to_owned(), hex, "not in use")
        }
        Err(error) => return Err(error.into()),
    };
    say!("adapter      {adapter}");
    say!("incarnation  {incarnation}");
    say!("folder       {}", data.store().display());
    say!("state        {note}");
    Ok(())
}

/// Prints what was found; damage is a failure.
pub(super) fn finish(report: &Report, done: &str) -> Outcome {
    say_what(report, done);
    if report.is_clean() {
        return Ok(());
    }
    fail(format!("{} things are damaged; restore a backup, or go on without them", report.damaged))
}

fn say_what(report: &Report, done: &str) {
    say!("{done} {} logs, {} records, {} rows", report.logs, report.records, report.rows);
    for damage in &report.listed {
        say!("damaged: {}", describe(damage));
    }
}

fn describe(damage: &Damage) -> String {
    match damage {
        Damage::Unreadable { region } => format!("part of {region} can't be read"),
        Damage::Head { .. } => "the head of a log".into(),
        Damage::Record { log, seq } => format!("record {seq} of {log:?}"),
        Damage::Stray { log, seq } => format!("record {seq} of {log:?} belongs to no log"),
        Damage::Row { table, .. } => format!("a row of {}", table.name()),
        Damage::Tally { region } => format!("rows of {region} are missing or old"),
        _ => "something".into(),
    }
}
