//! Attachments: what is taken, and the folder or bucket that it is kept in.

use std::{fs, path::PathBuf};

use parlour_blobs::BucketOptions;
use serde::Deserialize;

use super::{Config, ConfigError};
use crate::outside::Target;

/// `[blobs]`
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default)]
pub struct Blobs {
    /// The folder; none for one in the data folder.
    pub path: Option<PathBuf>,
    /// The largest file, in MiB; 0 for no uploads.
    pub size_max_mb: u64,
    /// Media types that are taken; empty for all.
    pub media_types: Vec<String>,
    /// All files of one organization, in MiB; 0 without a bound.
    pub organization_max_mb: u64,
    /// What one user uploads a day, in MiB; 0 without a bound.
    pub user_per_day_max_mb: u64,
    /// Where clamd listens.
    pub scanner: Option<String>,
    /// Whether ffmpeg looks into sound and video, where the host has it.
    pub ffmpeg: bool,
    /// The bucket that complete files are kept in.
    pub s3: S3,
}

impl Default for Blobs {
    fn default() -> Self {
        Blobs {
            path: None,
            size_max_mb: 100,
            media_types: vec![],
            organization_max_mb: 0,
            user_per_day_max_mb: 10 * 1024,
            scanner: None,
            ffmpeg: true,
            s3: S3::default(),
        }
    }
}

/// `[blobs.s3]`
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default)]
pub struct S3 {
    /// The bucket; none for the folder.
    pub bucket: Option<String>,
    /// The store's address; none for that of AWS.
    pub endpoint: Option<String>,
    /// The region.
    pub region: String,
    /// What all names begin with.
    pub prefix: String,
    /// The key's id.
    pub access_key_id: Option<String>,
    /// The file with the key.
    pub secret_access_key_file: Option<PathBuf>,
    /// Whether the bucket's name is part of the host.
    pub virtual_host: bool,
    /// Whether it is asked without TLS.
    pub allow_http: bool,
    /// Certificates that vouch for it.
    pub ca_file: Option<PathBuf>,
}

impl Default for S3 {
    fn default() -> Self {
        S3 {
            bucket: None,
            endpoint: None,
            region: "us-east-1".into(),
            prefix: String::new(),
            access_key_id: None,
            secret_access_key_file: None,
            virtual_host: false,
            allow_http: false,
            ca_file: None,
        }
    }
}

/// Ten thousand parts of 8 MiB.
const SIZE_MAX_MB: u64 = 80_000;

impl S3 {
    /// Which bucket, where: what somebody needs to know who restores a backup.
    pub fn described(&self) -> Option<String> {
        let bucket = self.bucket.as_deref()?;
        let at = self.endpoint.as_deref().unwrap_or("AWS");
        let (region, prefix) = (&self.region, &self.prefix);
        Some(format!("{bucket} (prefix \"{prefix}\", region {region}, at {at})"))
    }

    /// What is wrong with it, as far as that can be seen in the file.
    pub(super) fn check(&self, size_max_mb: u64) -> Result<(), ConfigError> {
        let wrong = |key, problem| Err(ConfigError::Value { key, problem });
        let Some(bucket) = &self.bucket else { return Ok(()) };
        if size_max_mb > SIZE_MAX_MB {
            return wrong("blobs.size_max_mb", "is over 80000, which is as much as a bucket takes");
        }
        let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.".contains(c);
        if !(3..=63).contains(&bucket.len()) || !bucket.chars().all(is_name) {
            let problem = "is no bucket's name: 3 to 63 of a-z, 0-9, - and .";
            return wrong("blobs.s3.bucket", problem);
        }
        let endpoint = self.endpoint.as_deref();
        let is_asked = |url: &str| {
            let target = Target::parse(url);
            let is_here =
                |target: &Target| matches!(&*target.host(), "localhost" | "127.0.0.1" | "::1");
            target.is_ok_and(|target| target.is_secure || self.allow_http || is_here(&target))
                && !url.contains(['#', '?'])
        };
        if endpoint.is_some_and(|url| !is_asked(url)) {
            let problem = "is not an address of https; allow_http allows others";
            return wrong("blobs.s3.endpoint", problem);
        }
        if self.region.is_empty() {
            return wrong("blobs.s3.region", "is empty; a store without regions takes us-east-1");
        }
        let is_part = |part: &str| {
            let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
            !part.is_empty() && part.chars().all(is_plain) && !part.chars().all(|c| c == '.')
        };
        let is_prefix = self.prefix.is_empty() || self.prefix.split('/').all(is_part);
        if self.prefix.len() > 200 || !is_prefix {
            let problem =
                "is over 200 bytes, or not names of a-z, A-Z, 0-9, -, _ and . with slashes between";
            return wrong("blobs.s3.prefix", problem);
        }
        if self.access_key_id.is_none() {
            return wrong("blobs.s3.access_key_id", "must be there with a bucket");
        }
        if self.secret_access_key_file.is_none() {
            return wrong("blobs.s3.secret_access_key_file", "must be there with a bucket");
        }
        Ok(())
    }
}

impl Config {
    /// The bucket that attachments are kept in; `None` for the folder.
    ///
    /// # Errors
    /// When the file with its key can't be read, or holds none.
    pub fn bucket(&self) -> Result<Option<BucketOptions>, ConfigError> {
        let s3 = &self.blobs.s3;
        let (Some(bucket), Some(id), Some(file)) =
            (&s3.bucket, &s3.access_key_id, &s3.secret_access_key_file)
        else {
            return Ok(None);
        };
        let read = fs::read_to_string(file);
        let secret = read.map_err(|error| ConfigError::Read { path: file.clone(), error })?;
        let secret = secret.trim();
        if secret.is_empty() {
            let (key, problem) = ("blobs.s3.secret_access_key_file", "names an empty file");
            return Err(ConfigError::Value { key, problem });
        }
        Ok(Some(BucketOptions {
            endpoint: s3.endpoint.clone(),
            region: s3.region.clone(),
            bucket: bucket.clone(),
            prefix: s3.prefix.clone(),
            access_key_id: id.clone(),
            secret_access_key: secret.to_owned(),
            virtual_host: s3.virtual_host,
            allow_http: s3.allow_http,
        }))
    }
}
