//! `parlour backup` and `parlour restore`.

use std::path::{PathBuf, absolute};

use clap::Args;
use parlour_adapters::Kind;
use parlour_daemon::{
    admin::{self, AdminError, Request},
    backup,
    data::DataFolder,
    server,
};

use super::{Common, Outcome, block_on, existing_data, fail, lock, storage};

#[derive(Args)]
pub(super) struct Backup {
    /// The new folder to copy into.
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
}

impl Backup {
    pub(super) fn run(self, common: &Common) -> Outcome {
        let config = common.load()?;
        let data = existing_data(&config)?;
        let to = absolute(&self.to)?;
        if to.starts_with(absolute(data.root())?) {
            return fail(
                "a backup in the data folder would be lost with it; choose another with --to",
            );
        }
        let request = Request::Backup { to: to.clone() };
        match block_on(admin::ask(&data.admin_socket(), &request))? {
            Ok(_) => {}
            Err(AdminError::NotRunning) => {
                let _lock = lock(&data)?;
                block_on(offline(&config, &data, &to))??;
            }
            Err(error) => return Err(error.into()),
        }
        say!("backup is complete in {}", to.display());
        if let Some(bucket) = config.blobs.s3.described() {
            say!("attachments are in the bucket {bucket} and not in the backup");
        }
        Ok(())
    }
}

async fn offline(
    config: &parlour_daemon::Config,
    data: &DataFolder,
    to: &std::path::Path,
) -> Outcome {
    let store = server::open_store(config, data).await?;
    Ok(backup::back_up(&*store, data, &config.attachments(data), to).await?)
}

#[derive(Args)]
pub(super) struct Restore {
    /// The folder of a backup.
    #[arg(long, value_name = "DIR")]
    from: PathBuf,
    /// The new data folder.
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
    /// The kind of store to make [default: the backup's].
    #[arg(long, value_name = "KIND")]
    store: Option<Kind>,
}

impl Restore {
    pub(super) fn run(self) -> Outcome {
        if self.store == Some(Kind::Memory) {
            return fail("a store in memory is gone at once; choose sled or redb with --store");
        }
        let restored = backup::restore(&self.from, &self.to, self.store)?;
        if let Some(bucket) = &restored.bucket {
            say!("its attachments are in the bucket {bucket}: configure [blobs.s3] as it was");
        }
        storage::finish(&restored.report, "restored")
    }
}
