//! Messages: send, edit, delete.

use bytes::Bytes;
use parlour_protocol::{
    access::Permission,
    generated::{EventMessage, MessageService},
    ids::{RoomId, UserId},
    limits,
    message::{
        DeleteRequest, DeleteResponse, EditRequest, EditResponse, MessageDeleted, MessageEdited,
        MessagePosted, SendRequest, SendResponse,
    },
    wire::{Error, ErrorReason},
};

use crate::{
    components::check_components,
    deleting::{amendment, deletion},
    draft::{Draft, EffectsOf, NewEvent, RoomDraft, ThreadDraft},
    expiry::expires,
    identity::fingerprint,
    kit::{Answer, Ctx, Features, ServerKit, id_field},
    mention_groups::{groups_of, meant_by, meant_put},
    mentions::{both, follow_effects, mention_effects},
    messages::{
        attachments, carry, check_text, message_body, own_ref, post_body, repeated, sent_before,
        target,
    },
    polls::{check_end, is_poll},
    records::room_seq,
    rooms::RoomCell,
    tables::Table,
    threads::{Followers, ThreadChange, new_followers, thread_of},
    unread::last_sent,
};

impl MessageService<ServerKit> for Features {
    async fn send(
        &self,
        ctx: &mut Ctx,
        request: SendRequest,
    ) -> Result<Answer<SendResponse>, Error> {
        let cell = ctx.open_room(&request.room).await?;
        let kind = MessagePosted::RULE.kind;
        let root_seq = request.thread_root_seq;
        let needed = needed(&request)?;
        let guard = ctx.check_all(&cell, &needed).await?;
        let mentions = mentions(&request.mentions, &cell)?;
        let client_ref = own_ref(ctx, &request.client_ref)?;
        let print = send_print(&request);
        // Hardly any message comes twice: whether this one did is asked once its commit has been
        // refused for it.
        let is_slow = cell.read(|state| state.group.slow_mode_s > 0);
        if (ctx.reruns > 0 || is_slow)
            && let Some(sent) = sent_before(ctx, cell.id, client_ref, print).await?
        {
            return Ok(Answer::Now(repeated(sent)));
        }
        let paced_after = paced(ctx, &cell, root_seq).await?;
        let body = request.body;
        let posted = post_body(&body, &request.attachments)?;
        let is_taken = ctx.check_posted(&posted).await;
        let groups = groups_of(ctx, &needed, &posted.mention_groups).await?;
        let guard = match groups.is_empty() {
            true => guard,
            false => ctx.check_all(&cell, &for_groups(&needed)).await?,
        };
        let attachments = attachments(ctx, &request.attachments, &posted.attachments).await;
        let ends_later = check_end(posted.poll.as_ref(), ctx.now.unix_ms);
        let attachments = match is_taken.and(ends_later).and(attachments) {
            Ok(attachments) => attachments,
            // It may have been sent while they were still the caller's, and before the poll's end, or while
            // its words were taken.
            Err(error) => match sent_before(ctx, cell.id, client_ref, print).await? {
                Some(sent) => return Ok(Answer::Now(repeated(sent))),
                None => return Err(error),
            },
        };
        if request.reply_to_seq > 0 {
            target(ctx, &cell, request.reply_to_seq).await?;
        }
        let (named, meant) = match request.mention_everyone {
            // Who is meant as part of everyone isn't meant twice.
            true => (vec![], vec![]),
            false => hearing(ctx, &cell, &groups, &mentions).await?,
        };
        let reply = match root_seq {
            0 => None,
            _ => Some(reply_of(ctx, &cell, root_seq, &named).await?),
        };
        let event = NewEvent {
            client_ref: Some((client_ref, print)),
            everyone: request.mention_everyone,
            groups: !groups.is_empty(),
            mentions,
            attachments,
            target_seq: request.reply_to_seq,
            thread_root_seq: root_seq,
            ..NewEvent::new(ctx.user(), kind, body)
        };
        let (room, sender) = (cell.id, ctx.user());
        let mut draft = RoomDraft::new(cell, guard, event);
        carry(&mut draft, ctx.caller.org, posted.poll.as_ref());
        draft.paced_after = paced_after;
        expires(&mut draft, ctx.now.unix_ms);
        let follow = reply.and_then(|reply| reply.put_into(&mut draft, (sender, root_seq)));
        draft.seq_puts.extend(meant_put(room, &meant));
        let told = [named, meant].concat();
        draft.effects = both(mention_effects(room, root_seq, sender, told), follow);
        Ok(Answer::commit(Draft::Room(Box::new(draft)), |done| SendResponse {
            seq: done.seq,
            at_ms: done.at_ms,
            deduplicated: false,
        }))
    }

    async fn edit(
        &self,
        ctx: &mut Ctx,
        request: EditRequest,
    ) -> Result<Answer<EditResponse>, Error> {
        let cell = ctx.open_room(&request.room).await?;
        let kind = MessageEdited::RULE.kind;
        let client_ref = own_ref(ctx, &request.client_ref)?;
        let print = fingerprint(kind, &[&request.body, &request.target_seq.to_be_bytes()]);
        if let Some(sent) = sent_before(ctx, cell.id, client_ref, print).await? {
            let (seq, at_ms) = (sent.seq, sent.at_ms);
            return Ok(Answer::Now(EditResponse { seq, at_ms, deduplicated: true }));
        }
        let guard = ctx.check(&cell, Permission::Send).await?;
        let edited: MessageEdited = message_body(&request.body)?;
        let target = target(ctx, &cell, request.target_seq).await?;
        let may_be_empty = !target.attachments.is_empty()
            || (edited.text.is_empty() && is_poll(ctx, cell.id, request.target_seq).await?);
        check_text(&edited.text, may_be_empty)?;
        edited.components.as_ref().map(check_components).transpose()?;
        ctx.check_words(std::iter::once(&*edited.text)).await?;
        if target.sender != ctx.user().as_bytes()[..] {
            return Err(Error::new(ErrorReason::NotAllowed, "only its sender edits a message"));
        }
        let event = NewEvent {
            client_ref: Some((client_ref, print)),
            target_seq: request.target_seq,
            thread_root_seq: target.thread_root_seq,
            ..NewEvent::new(ctx.user(), kind, request.body)
        };
        let draft = amendment(cell, guard, event);
        Ok(Answer::commit(Draft::Room(Box::new(draft)), |done| EditResponse {
            seq: done.seq,
            at_ms: done.at_ms,
            deduplicated: false,
        }))
    }

    async fn delete(
        &self,
        ctx: &mut Ctx,
        request: DeleteRequest,
    ) -> Result<Answer<DeleteResponse>, Error> {
        let cell = ctx.open_room(&request.room).await?;
        let kind = MessageDeleted::RULE.kind;
        let client_ref = own_ref(ctx, &request.client_ref)?;
        let print = fingerprint(kind, &[&request.target_seq.to_be_bytes()]);
        if let Some(sent) = sent_before(ctx, cell.id, client_ref, print).await? {
            let (seq, at_ms) = (sent.seq, sent.at_ms);
            return Ok(Answer::Now(DeleteResponse { seq, at_ms, deduplicated: true }));
        }
        let header = target(ctx, &cell, request.target_seq).await?;
        // One's own goes whatever else one may do.
        let guard = match header.sender == ctx.user().as_bytes()[..] {
            true => ctx.check_all(&cell, &[]).await?,
            false => ctx.check(&cell, Permission::Moderate).await?,
        };
        let event = NewEvent {
            client_ref: Some((client_ref, print)),
            ..NewEvent::new(ctx.user(), kind, Bytes::new())
        };
        let draft = deletion(ctx, cell, guard, header, event).await?;
        Ok(Answer::commit(Draft::Room(Box::new(draft)), |done| DeleteResponse {
            seq: done.seq,
            at_ms: done.at_ms,
            deduplicated: false,
        }))
    }
}

/// What it takes to send that.
fn needed(request: &SendRequest) -> Result<Vec<Permission>, Error> {
    let mut needed = match (request.thread_root_seq, request.mention_everyone) {
        (0, true) => vec![Permission::Send, Permission::MentionEveryone],
        (0, false) => vec![Permission::Send],
        (_, false) => vec![Permission::Reply],
        (_, true) => return Err(Error::invalid("mention_everyone", "is not for threads")),
    };
    if !request.attachments.is_empty() {
        needed.push(Permission::Attach);
    }
    Ok(needed)
}

/// The same where it mentions groups: what mentioning everyone takes, since nobody whom that reaches has
/// been asked either.
fn for_groups(needed: &[Permission]) -> Vec<Permission> {
    [needed, &[Permission::MentionEveryone]].concat()
}

/// Those whom it names and those whom its groups mean besides, without who has blocked the sender.
async fn hearing(
    ctx: &Ctx,
    cell: &RoomCell,
    groups: &[RoomId],
    mentions: &[UserId],
) -> Result<(Vec<UserId>, Vec<UserId>), Error> {
    let named = ctx.who_hear(mentions.to_vec()).await?;
    let meant = meant_by(ctx, cell, groups, mentions).await?;
    Ok((named, ctx.who_hear(meant).await?))
}

fn mentions(fields: &[Bytes], cell: &RoomCell) -> Result<Vec<UserId>, Error> {
    if fields.len() > limits::MENTIONS_MAX {
        return Err(Error::invalid("mentions", "are more than 100"));
    }
    let mut users = Vec::with_capacity(fields.len());
    for (i, field) in fields.iter().enumerate() {
        let user = id_field("mentions", UserId::parse(field))?;
        if !cell.is_member(user) {
            return Err(Error::invalid(format!("mentions[{i}]"), "is not in the room"));
        }
        users.push(user);
    }
    users.sort_unstable();
    users.dedup();
    Ok(users)
}

/// Tells a send from another one under the same ref.
fn send_print(request: &SendRequest) -> u64 {
    let everyone = [u8::from(request.mention_everyone)];
    let (reply_to, root) =
        (request.reply_to_seq.to_be_bytes(), request.thread_root_seq.to_be_bytes());
    let mut parts: Vec<&[u8]> = vec![&request.body, &everyone];
    if request.reply_to_seq > 0 {
        parts.push(&reply_to);
    }
    if request.thread_root_seq > 0 {
        parts.extend([&b"thread"[..], &root]);
    }
    parts.extend(request.mentions.iter().map(|user| &user[..]));
    // The body names the attachments, so they are in the print already.
    fingerprint(MessagePosted::RULE.kind, &parts)
}

/// In slow mode: the sender's last message, if its time is over. Replies in threads aren't slowed.
async fn paced(ctx: &Ctx, cell: &RoomCell, root_seq: u64) -> Result<Option<u64>, Error> {
    let slow_ms = cell.read(|state| u64::from(state.group.slow_mode_s) * 1000);
    if slow_ms == 0 || root_seq > 0 {
        return Ok(None);
    }
    let (bits, _) = ctx.permissions(cell).await?;
    if bits.has(Permission::BypassSlowMode) {
        return Ok(None);
    }
    let last = last_sent(ctx.store(), ctx.user(), cell.id).await?.unwrap_or_default();
    let may_at_ms = last.at_ms + slow_ms;
    if last.seq > 0 && ctx.now.unix_ms < may_at_ms {
        let error = Error::new(ErrorReason::SlowMode, "the room is in slow mode");
        return Err(error.after_ms(may_at_ms - ctx.now.unix_ms));
    }
    Ok(Some(last.seq))
}

/// A reply in a thread.
struct Reply {
    thread: ThreadDraft,
    followers: Followers,
}

impl Reply {
    /// What it changes besides the room's log, and what follows for whom.
    fn put_into(self, draft: &mut RoomDraft, (by, root_seq): (UserId, u64)) -> Option<EffectsOf> {
        let room = draft.cell.id;
        draft.absent.push((Table::DELETED, room_seq(room, root_seq)));
        draft.thread = Some(self.thread);
        follow_effects(room, root_seq, by, self.followers)
    }
}

async fn reply_of(
    ctx: &Ctx,
    cell: &RoomCell,
    root_seq: u64,
    mentions: &[UserId],
) -> Result<Reply, Error> {
    let (thread, author) = thread_of(ctx, cell, root_seq).await?;
    let is_first = thread.state().thread_no == 0;
    let author = Some(author).filter(|author| is_first && cell.is_member(*author));
    let author = ctx.who_hear(author.into_iter().collect()).await?.first().copied();
    let followers = new_followers(ctx, cell.id, root_seq, author, mentions).await?;
    Ok(Reply { thread: ThreadDraft { cell: thread, change: ThreadChange::Reply }, followers })
}
