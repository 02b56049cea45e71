//! Emoji of an organization's own.

use bytes::Bytes;
use parlour_protocol::{
    blob::Blob,
    emoji::{
        AddEmojiRequest, AddEmojiResponse, Emoji, EmojiChanged, ListEmojiRequest,
        ListEmojiResponse, RemoveEmojiRequest, RemoveEmojiResponse,
    },
    generated::EmojiService,
    ids::{BlobHash, OrgId},
    limits::{EMOJI_BYTES_MAX, EMOJI_MAX, EMOJI_NAME_BYTES_MAX, EMOJI_PAGE_MAX, EMOJI_PIXELS_MAX},
    wire::{Error, ErrorReason},
};
use prost::Message;

use crate::{
    directory::Role,
    draft::{Draft, OrgDraft, not_allowed, store_error},
    introduction::is_guest,
    kit::{Answer, Ctx, Features, ServerKit},
    limits::ANSWER_BYTES,
    pictures::{Purpose, hidden, shown, usable},
    ports::store::{Put, Scan, StoreError},
    records::key,
    tables::Table,
};

/// A row of `Table::EMOJI`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct EmojiRow {
    #[prost(message, optional, tag = "1")]
    blob: Option<Blob>,
    #[prost(bytes = "bytes", tag = "2")]
    creator: Bytes,
    #[prost(uint64, tag = "3")]
    added_ms: u64,
}

impl EmojiService<ServerKit> for Features {
    async fn add_emoji(
        &self,
        ctx: &mut Ctx,
        request: AddEmojiRequest,
    ) -> Result<Answer<AddEmojiResponse>, Error> {
        let AddEmojiRequest { name, hash } = request;
        check_name(&name)?;
        let directory = ctx.directory().await?;
        // Before rows are read: whatever changes meanwhile is decided on again.
        let version = directory.head().seq;
        if directory.read(|directory| is_guest(directory, &ctx.caller)) {
            return Err(not_allowed());
        }
        let org = ctx.caller.org;
        if let Some(row) = row(ctx, &name).await? {
            // Asked for again, as the answer was lost.
            let is_same = row.blob.as_ref().is_some_and(|blob| blob.hash == hash)
                && row.creator == ctx.user().as_bytes()[..];
            let emoji = Some(view(name, row));
            return match is_same {
                true => Ok(Answer::Now(AddEmojiResponse { emoji })),
                false => Err(Error::new(ErrorReason::EmojiTaken, "another is called that")),
            };
        }
        let (hash, blob) = usable(ctx, "hash", &hash, (EMOJI_BYTES_MAX, EMOJI_PIXELS_MAX)).await?;
        let all = Scan::prefix(Table::EMOJI, org.to_field(), EMOJI_MAX);
        if ctx.store().scan(all).await.map_err(store_error)?.len() >= EMOJI_MAX {
            return Err(Error::new(ErrorReason::TooManyEmoji, "there are 2,000 emoji"));
        }
        let creator = ctx.user().to_field();
        let row = EmojiRow { blob: Some(blob), creator, added_ms: ctx.now.unix_ms };
        let value = Some(row.encode_to_vec().into());
        let puts = vec![
            Put { table: Table::EMOJI, key: emoji_key(org, &name), value },
            shown(org, hash, Purpose::Emoji(&name)),
        ];
        ctx.pace_org_change()?;
        let draft = changed(ctx, version, &name, hash, false, puts).await?;
        let emoji = Some(view(name, row));
        Ok(Answer::commit(draft, move |_| AddEmojiResponse { emoji }))
    }

    async fn remove_emoji(
        &self,
        ctx: &mut Ctx,
        request: RemoveEmojiRequest,
    ) -> Result<Answer<RemoveEmojiResponse>, Error> {
        let (name, org) = (request.name, ctx.caller.org);
        let directory = ctx.directory().await?;
        let version = directory.head().seq;
        let missing = || Error::new(ErrorReason::EmojiNotFound, "no such emoji");
        let row = row(ctx, &name).await?.ok_or_else(missing)?;
        let runs_it = directory.read(|directory| {
            let role = directory.role(ctx.user()).map(Role::name);
            role.is_some_and(|role| [Role::OWNER, Role::ADMIN].contains(&role))
        });
        if !runs_it && row.creator != ctx.user().as_bytes()[..] {
            return Err(not_allowed());
        }
        let hash = row.blob.as_ref().and_then(|blob| BlobHash::parse(&blob.hash).ok());
        let hash = hash.ok_or_else(|| store_error(StoreError::Damaged))?;
        let mut puts = vec![Put { table: Table::EMOJI, key: emoji_key(org, &name), value: None }];
        puts.extend(hidden(org, hash, Purpose::Emoji(&name), (ctx.user(), ctx.now.unix_ms)));
        ctx.pace_org_change()?;
        let draft = changed(ctx, version, &name, hash, true, puts).await?;
        Ok(Answer::commit(draft, |_| RemoveEmojiResponse {}))
    }

    async fn list_emoji(
        &self,
        ctx: &mut Ctx,
        request: ListEmojiRequest,
    ) -> Result<Answer<ListEmojiResponse>, Error> {
        let size = match request.page_size as usize {
            0 => 100,
            n if n <= EMOJI_PAGE_MAX => n,
            _ => return Err(Error::invalid("page_size", "is over 200")),
        };
        let org = ctx.caller.org;
        let mut scan = Scan::prefix(Table::EMOJI, org.to_field(), size + 1);
        if !request.page.is_empty() {
            scan.from = key(&[&emoji_key(org, &request.page), &[0]]);
        }
        let rows = ctx.store().scan(scan).await.map_err(store_error)?;
        let mut more = rows.len() > size;
        let (mut emoji, mut bytes) = (Vec::with_capacity(size), 0);
        for (row_key, row) in rows.into_iter().take(size) {
            let row = EmojiRow::decode(row).map_err(|_| store_error(StoreError::Damaged))?;
            let name = String::from_utf8_lossy(&row_key[16..]).into_owned();
            let one = view(name, row);
            bytes += one.encoded_len() + 4;
            if bytes > ANSWER_BYTES {
                more = true;
                break;
            }
            emoji.push(one);
        }
        let last = emoji.last().filter(|_| more).map(|last: &Emoji| last.name.clone());
        Ok(Answer::Now(ListEmojiResponse { emoji, next_page: last.unwrap_or_default() }))
    }
}

fn check_name(name: &str) -> Result<(), Error> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_+-".contains(&b);
    if (1..=EMOJI_NAME_BYTES_MAX).contains(&name.len()) && name.bytes().all(plain) {
        return Ok(());
    }
    Err(Error::invalid("name", "is not 1 to 32 of a-z 0-9 _ + -"))
}

fn emoji_key(org: OrgId, name: &str) -> Bytes {
    key(&[org.as_bytes(), name.as_bytes()])
}

async fn row(ctx: &Ctx, name: &str) -> Result<Option<EmojiRow>, Error> {
    let row = ctx.store().get(Table::EMOJI, &emoji_key(ctx.caller.org, name)).await;
    let row = row.map_err(store_error)?.map(EmojiRow::decode).transpose();
    row.map_err(|_| store_error(StoreError::Damaged))
}

fn view(name: String, row: EmojiRow) -> Emoji {
    Emoji { name, blob: row.blob, creator: row.creator, added_ms: row.added_ms }
}

/// The event of the organization's log that says it, with its rows.
async fn changed(
    ctx: &Ctx,
    version: u64,
    name: &str,
    hash: BlobHash,
    removed: bool,
    puts: Vec<Put>,
) -> Result<Draft, Error> {
    let actor = ctx.caller.subject.to_string();
    let body = EmojiChanged { actor, name: name.to_owned(), hash: hash.to_field(), removed };
    let cell = ctx.directory().await?;
    Ok(Draft::Org(Box::new(OrgDraft { puts, ..OrgDraft::new(cell, version, ctx.user(), &body) })))
}
