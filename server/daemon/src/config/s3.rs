//! The bucket that attachments are kept in, where there is one.

use std::{fs, path::PathBuf};

use parlour_blobs::BucketOptions;
use serde::Deserialize;

use super::{Config, ConfigError};
use crate::outside::{Reach, Target};

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

impl S3 {
    /// What is wrong with it, as far as that can be seen in the file.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let wrong = |key, problem| Err(ConfigError::Value { key, problem });
        let Some(bucket) = &self.bucket else { return Ok(()) };
        let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.".contains(c);
        if !(3..=63).contains(&bucket.len()) || !bucket.chars().all(is_name) {
            let problem = "is no bucket's name: 3 to 63 of a-z, 0-9, - and .";
            return wrong("blobs.s3.bucket", problem);
        }
        let endpoint = self.endpoint.as_deref();
        let is_asked = |url: &str| {
            let target = Target::parse(url);
            target.is_ok_and(|target| target.check(&Reach::Named(self.allow_http)).is_ok())
                && !url.contains(['#', '?'])
        };
        if endpoint.is_some_and(|url| !is_asked(url)) {
            return wrong("blobs.s3.endpoint", "is not an address of https");
        }
        if self.region.is_empty() {
            return wrong("blobs.s3.region", "is empty; a store without regions takes us-east-1");
        }
        if self.prefix.len() > 200 || self.prefix.starts_with('/') || self.prefix.ends_with('/') {
            let problem = "is over 200 bytes, or begins or ends with a slash";
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
