//! The thread that writes: the only one that changes the index, behind everybody else. It takes jobs in
//! order, and in between has what was removed leave the files.

use std::{
    fs, io,
    os::unix::fs::DirBuilderExt,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    pin::Pin,
    sync::{Arc, mpsc},
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use parlour_core::ports::search::{Change, SearchError};
use parlour_protocol::ids::{Incarnation, RoomId};
use rustc_hash::FxHashMap;
use tantivy::{
    Directory, FutureResult, Index, IndexReader, IndexWriter, ReloadPolicy, TantivyError,
    directory::{MmapDirectory, error::OpenReadError},
    index::{SegmentId, SegmentMeta},
    indexer::IndexWriterOptions,
};
use tokio::sync::oneshot;

use crate::{
    index::{Options, Reading, Shared},
    limits::{FOOTER_BYTES, MEMORY_BYTES_MIN, NICE, PURGE_PAUSE, TIDY_EVERY},
    schema::{Fields, VERSION, WORDS, Words, schema, settings},
    top::marks,
};

/// What one is waiting for.
pub(crate) type Reply<T> = oneshot::Sender<Result<T, SearchError>>;

/// What there is to do.
pub(crate) enum Job {
    Open(Incarnation, Reply<Vec<(RoomId, u64)>>),
    Reset(Reply<()>),
    Apply(Vec<Change>, Reply<()>),
    Commit(Reply<()>),
}

/// See the module.
pub(crate) struct Writer {
    options: Options,
    shared: Arc<Shared>,
    open: Option<Open>,
}

/// An index that is open.
struct Open {
    index: Index,
    writer: IndexWriter,
    reader: IndexReader,
    fields: Fields,
    // Says whose index it is; committed with it.
    payload: String,
    has_changes: bool,
    purge: Purge,
}

/// Rewrites the segments that hold what was removed, one run at a time and not all the time.
#[derive(Default)]
struct Purge {
    /// Since when there is something.
    since: Option<Instant>,
    not_before: Option<Instant>,
    running: Vec<FutureResult<Option<SegmentMeta>>>,
    began: Option<Instant>,
    /// How often files that nobody reads any more are still looked for: somebody may read them yet.
    collects: u8,
}

/// Runs until nobody can send it anything any more.
pub(crate) fn run(options: Options, shared: Arc<Shared>, jobs: &mpsc::Receiver<Job>) {
    // Of this thread and those it starts. Where it isn't allowed, it does without.
    let _ = rustix::process::setpriority_process(None, NICE);
    let mut writer = Writer { options, shared, open: None };
    loop {
        match jobs.recv_timeout(TIDY_EVERY) {
            Ok(job) => writer.handle(job),
            Err(mpsc::RecvTimeoutError::Timeout) => {
                let _ = writer.guarded(|writer| writer.tidy());
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => return writer.close(),
        }
    }
}

impl Writer {
    fn handle(&mut self, job: Job) {
        // Whoever gave up waiting doesn't need the answer.
        match job {
            Job::Open(of, reply) => {
                let result = self.guarded(|writer| writer.open(of));
                let _ = reply.send(result);
            }
            Job::Reset(reply) => {
                let result = self.guarded(Writer::reset);
                let _ = reply.send(result);
            }
            Job::Apply(changes, reply) => {
                let result = self.guarded(|writer| writer.apply(changes));
                let _ = reply.send(result);
            }
            Job::Commit(reply) => {
                let result = self.guarded(Writer::commit);
                let _ = reply.send(result);
            }
        }
    }

    /// After an error the index is closed: what it took in isn't known. Damaged files may make the
    /// library panic, which is an error like others.
    fn guarded<T>(
        &mut self,
        work: impl FnOnce(&mut Writer) -> Result<T, TantivyError>,
    ) -> Result<T, SearchError> {
        let result = match catch_unwind(AssertUnwindSafe(|| work(self))) {
            Ok(Ok(done)) => return Ok(done),
            Ok(Err(error)) => {
                let why = why(&error);
                tracing::warn!(kind = kind(&error), "the index of messages can't be written");
                why
            }
            Err(_) => SearchError::Damaged,
        };
        let _ = catch_unwind(AssertUnwindSafe(|| self.close()));
        Err(result)
    }

    fn close(&mut self) {
        self.shared.set(None);
        self.open = None;
    }

    fn reset(&mut self) -> Result<(), TantivyError> {
        self.close();
        match fs::remove_dir_all(&self.options.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }

    fn open(&mut self, of: Incarnation) -> Result<Vec<(RoomId, u64)>, TantivyError> {
        self.close();
        let payload = format!("{VERSION} {of}");
        let index = match there(&self.options.path, &payload) {
            Ok(Some(index)) => index,
            Ok(None) => self.make(&payload)?,
            Err(error) if why(&error) == SearchError::Damaged => {
                tracing::warn!(kind = kind(&error), "the index of messages is made anew");
                self.make(&payload)?
            }
            Err(error) => return Err(error),
        };
        index.tokenizers().register(WORDS, Words);
        let writer = index.writer_with_options(self.writer_options())?;
        let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into()?;
        let mut found: FxHashMap<RoomId, u64> = FxHashMap::default();
        for segment in reader.searcher().segment_readers() {
            marks(segment, &mut found)?;
        }
        let fields = schema().1;
        let purge = Purge::default();
        self.open = Some(Open {
            index,
            writer,
            reader: reader.clone(),
            fields,
            payload,
            has_changes: false,
            purge,
        });
        self.shared.set(Some(Reading { reader, fields }));
        Ok(found.into_iter().collect())
    }

    fn writer_options(&self) -> IndexWriterOptions {
        IndexWriterOptions::builder()
            .memory_budget_per_thread(self.options.memory_bytes.max(MEMORY_BYTES_MIN))
            .num_worker_threads(1)
            .num_merge_threads(1)
            .build()
    }

    /// An empty index in the place of what is there.
    fn make(&mut self, payload: &str) -> Result<Index, TantivyError> {
        self.reset()?;
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.options.path)?;
        let index = Index::builder().schema(schema().0).settings(settings());
        let index = index.create_in_dir(&self.options.path)?;
        index.tokenizers().register(WORDS, Words);
        let mut writer: IndexWriter = index.writer_with_options(self.writer_options())?;
        commit(&mut writer, payload)?;
        Ok(index)
    }

    fn opened(&mut self) -> Result<&mut Open, TantivyError> {
        if self.shared.is_broken() {
            return Err(TantivyError::InternalError("a search has found it damaged".into()));
        }
        // Whoever feeds it opens it first, and again after an error.
        self.open.as_mut().ok_or_else(|| TantivyError::SystemError("not open".into()))
    }

    fn apply(&mut self, changes: Vec<Change>) -> Result<(), TantivyError> {
        let Open { writer, fields, has_changes, .. } = self.opened()?;
        *has_changes = true;
        for change in changes {
            match change {
                Change::Add(entry) => {
                    writer.add_document(fields.document(&entry))?;
                }
                Change::Replace(entry) => {
                    writer.delete_term(fields.key_term(entry.room, entry.seq));
                    writer.add_document(fields.document(&entry))?;
                }
                Change::Remove { room, seq } => {
                    writer.delete_term(fields.key_term(room, seq));
                }
                Change::Reached { room, seq } => {
                    writer.delete_term(fields.mark_term(room));
                    writer.add_document(fields.mark(room, seq))?;
                }
            }
        }
        Ok(())
    }

    fn commit(&mut self) -> Result<(), TantivyError> {
        let open = self.opened()?;
        if !open.has_changes {
            return Ok(());
        }
        commit(&mut open.writer, &open.payload)?;
        open.has_changes = false;
        open.reader.reload()?;
        self.tidy()
    }

    fn tidy(&mut self) -> Result<(), TantivyError> {
        let purge_after = self.options.purge_after;
        let Some(open) = self.open.as_mut() else { return Ok(()) };
        if open.tidy(purge_after)? {
            open.reader.reload()?;
            open.purge.collects = 2;
        }
        if open.purge.collects > 0 {
            open.purge.collects -= 1;
            open.writer.garbage_collect_files().wait()?;
        }
        self.shared.tidy();
        Ok(())
    }
}

impl Open {
    /// Whether files have changed.
    fn tidy(&mut self, purge_after: Duration) -> Result<bool, TantivyError> {
        let now = Instant::now();
        let purge = &mut self.purge;
        let mut context = Context::from_waker(Waker::noop());
        // One that failed is made again the next time: what it was to remove is still there.
        purge.running.retain_mut(|run| matches!(Pin::new(run).poll(&mut context), Poll::Pending));
        if !purge.running.is_empty() {
            return Ok(false);
        }
        let has_ended = purge.began.take().inspect(|began| {
            purge.not_before = Some(now + (now - *began) * PURGE_PAUSE);
        });
        let segments = self.index.searchable_segment_metas()?;
        let dirty = segments.iter().filter(|segment| segment.num_deleted_docs() > 0);
        let dirty: Vec<SegmentId> = dirty.map(SegmentMeta::id).collect();
        if dirty.is_empty() {
            purge.since = None;
            return Ok(has_ended.is_some());
        }
        let since = *purge.since.get_or_insert(now);
        if now - since >= purge_after && purge.not_before.is_none_or(|at| now >= at) {
            purge.since = None;
            purge.began = Some(now);
            purge.running.extend(dirty.iter().map(|id| self.writer.merge(&[*id])));
        }
        Ok(has_ended.is_some())
    }
}

fn commit(writer: &mut IndexWriter, payload: &str) -> Result<(), TantivyError> {
    let mut prepared = writer.prepare_commit()?;
    prepared.set_payload(payload);
    prepared.commit().map(drop)
}

/// The index in the folder, if it is that one and whole.
fn there(path: &Path, payload: &str) -> Result<Option<Index>, TantivyError> {
    if !path.is_dir() {
        return Ok(None);
    }
    let folder: Box<dyn Directory> = Box::new(MmapDirectory::open(path)?);
    if !Index::exists(&*folder)? {
        return Ok(None);
    }
    let index = Index::open(folder)?;
    let is_ours = index.schema() == schema().0 && *index.settings() == settings();
    let metas = index.load_metas()?;
    if !is_ours || metas.payload.as_deref() != Some(payload) {
        return Ok(None);
    }
    if has_stump(path, &metas.segments)? {
        return Err(TantivyError::InternalError("a file is cut off".into()));
    }
    if !index.validate_checksum()?.is_empty() {
        return Err(TantivyError::InternalError("a checksum is wrong".into()));
    }
    Ok(Some(index))
}

/// Whether a file of a segment is too short to have an end, over which the library would stumble. What is
/// left of segments that were never committed may be.
fn has_stump(path: &Path, segments: &[SegmentMeta]) -> io::Result<bool> {
    let ids: Vec<String> = segments.iter().map(|segment| segment.id().uuid_string()).collect();
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        let name = entry.file_name();
        let is_ours = ids.iter().any(|id| name.as_encoded_bytes().starts_with(id.as_bytes()));
        if is_ours && entry.metadata()?.len() < FOOTER_BYTES {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What an error means to whoever feeds the index.
pub(crate) fn why(error: &TantivyError) -> SearchError {
    let is_content = |error: &io::Error| {
        matches!(error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof)
    };
    match error {
        TantivyError::IoError(error) if !is_content(error) => SearchError::Unavailable,
        TantivyError::OpenReadError(OpenReadError::IoError { io_error, .. })
            if !is_content(io_error) =>
        {
            SearchError::Unavailable
        }
        TantivyError::LockFailure(..)
        | TantivyError::OpenWriteError(_)
        | TantivyError::OpenDirectoryError(_)
        | TantivyError::ErrorInThread(_)
        | TantivyError::SystemError(_) => SearchError::Unavailable,
        _ => SearchError::Damaged,
    }
}

/// An error without what it is about: that may be somebody's words.
fn kind(error: &TantivyError) -> &'static str {
    match error {
        TantivyError::IoError(_) => "input or output",
        TantivyError::OpenReadError(_) => "a file can't be read",
        TantivyError::OpenWriteError(_) => "a file can't be written",
        TantivyError::OpenDirectoryError(_) => "the folder can't be opened",
        TantivyError::LockFailure(..) => "somebody else writes there",
        TantivyError::DataCorruption(_) => "damaged data",
        TantivyError::IncompatibleIndex(_) => "another version",
        TantivyError::ErrorInThread(_) => "a thread of it failed",
        _ => "its own",
    }
}
