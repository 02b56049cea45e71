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

use super::{Common, Outcome, block_on, existing_data, lock, storage};

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
        let request = Request::Backup { to: to.clone() };
        match block_on(admin::ask(&data.admin_socket(), &request))? {
            Ok(_) => {}
            Err(AdminError::NotRunning) => {
                let _lock = lock(&data)?;
                block_on(offline(&config, &data, &to))??;
            }
            Err(error) => return Err(error.into()),
        }
        println!("backup is complete in {}", to.display());
        if let Some(bucket) = config.blobs.s3.described() {
            println!("attachments are in the bucket {bucket} and not in the backup");
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
        let restored = backup::restore(&self.from, &self.to, self.store)?;
        if let Some(bucket) = &restored.bucket {
            println!("its attachments are in the bucket {bucket}: configure [blobs.s3] as it was");
        }
        storage::finish(&restored.report, "restored")
    }
}
