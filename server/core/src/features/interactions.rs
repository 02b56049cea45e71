//! Interactions: commands that programs take, and components of their messages. The program is told in
//! its own log, once, and answers as anybody does, or so that only whoever began it sees it.

use std::collections::BTreeSet;

use bytes::Bytes;
use parlour_protocol::{
    access::Permission,
    generated::{EventMessage, InteractionService},
    ids::{ClientRef, RoomId, UserId},
    interaction::{
        Command, CommandInvoked, ComponentUsed, InteractionAnswered, InvokeCommandRequest,
        InvokeCommandResponse, ListCommandsRequest, ListCommandsResponse, ProgramCommands,
        RespondToRequest, RespondToResponse, SetCommandsRequest, SetCommandsResponse,
        UseComponentRequest, UseComponentResponse,
    },
    limits::{
        COMMAND_NAME_BYTES_MAX, COMMAND_TEXT_BYTES_MAX, COMMANDS_MAX, INTERACTION_FOR,
        RESPONSE_BYTES_MAX, SELECT_OPTIONS_MAX,
    },
    wire::{Error, ErrorReason},
};
use prost::Message;

use crate::{
    blobs::rows::ClaimRow,
    components::{check_use, components_of},
    draft::{Draft, RowsDraft, SignalDraft, UserDraft, not_allowed, store_error},
    identity::fingerprint,
    kit::{Answer, Ctx, Features, ServerKit, id_field},
    limits::{ANSWER_BYTES, SCAN_ROWS},
    messages::{own_ref, post_body, target},
    ports::store::{Put, Scan, Shard, StoreError},
    records::{key, org_user, trailing_user},
    tables::Table,
};

/// The scope of tokens whose users take commands without being a program's account.
const COMMANDS_SCOPE: &str = "commands";
/// Bytes of a command's description, and of its usage.
const WORDS_BYTES_MAX: usize = 200;
/// What sealed tokens of interactions begin with: no other sealed token does.
const MARK: u8 = 0xfe;

/// A row of `Table::COMMANDS`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct CommandsRow {
    #[prost(message, repeated, tag = "1")]
    commands: Vec<Command>,
}

/// What a token of an interaction says.
#[derive(Clone, PartialEq, Message)]
struct Sealed {
    #[prost(bytes = "bytes", tag = "1")]
    program: Bytes,
    #[prost(bytes = "bytes", tag = "2")]
    user: Bytes,
    #[prost(bytes = "bytes", tag = "3")]
    room: Bytes,
    #[prost(bytes = "bytes", tag = "4")]
    client_ref: Bytes,
    #[prost(uint64, tag = "5")]
    until_ms: u64,
}

impl InteractionService<ServerKit> for Features {
    async fn set_commands(
        &self,
        ctx: &mut Ctx,
        request: SetCommandsRequest,
    ) -> Result<Answer<SetCommandsResponse>, Error> {
        check_commands(&request.commands)?;
        let row = ctx.user_row(ctx.user()).await?.unwrap_or_default();
        if !row.is_bot && !ctx.caller.has_scope(COMMANDS_SCOPE) {
            return Err(not_allowed());
        }
        ctx.pace_org_change()?;
        let row = CommandsRow { commands: request.commands };
        let value = (!row.commands.is_empty()).then(|| row.encode_to_vec().into());
        let org = ctx.caller.org;
        let put = Put { table: Table::COMMANDS, key: org_user(org, ctx.user()), value };
        let draft = RowsDraft::new(Shard::Org(org), vec![put]);
        Ok(Answer::commit(Draft::Rows(Box::new(draft)), |_| SetCommandsResponse {}))
    }

    async fn list_commands(
        &self,
        ctx: &mut Ctx,
        request: ListCommandsRequest,
    ) -> Result<Answer<ListCommandsResponse>, Error> {
        let cell = ctx.room(&request.room).await?;
        let org = ctx.caller.org;
        let mut scan = Scan::prefix(Table::COMMANDS, org.to_field(), SCAN_ROWS);
        if !request.page.is_empty() {
            let after = id_field("page", UserId::parse(&request.page))?;
            scan.from = key(&[&org_user(org, after), &[0]]);
        }
        let rows = ctx.store().scan(scan).await.map_err(store_error)?;
        let mut more = rows.len() == SCAN_ROWS;
        let (mut programs, mut bytes, mut last) = (Vec::new(), 0, None);
        for (row_key, row) in rows {
            let Some(user) = trailing_user(&row_key) else { continue };
            if cell.is_member(user) {
                let row = CommandsRow::decode(row).map_err(|_| store_error(StoreError::Damaged))?;
                let program = ProgramCommands { user: user.to_field(), commands: row.commands };
                bytes += program.encoded_len() + 4;
                if bytes > ANSWER_BYTES {
                    more = true;
                    break;
                }
                programs.push(program);
            }
            last = Some(user);
        }
        let next_page = last.filter(|_| more).map(UserId::to_field).unwrap_or_default();
        Ok(Answer::Now(ListCommandsResponse { programs, next_page }))
    }

    async fn invoke_command(
        &self,
        ctx: &mut Ctx,
        request: InvokeCommandRequest,
    ) -> Result<Answer<InvokeCommandResponse>, Error> {
        let InvokeCommandRequest { room, client_ref, program, command, text, thread_root_seq } =
            request;
        let cell = ctx.open_room(&room).await?;
        let needs = match thread_root_seq {
            0 => Permission::Send,
            _ => Permission::Reply,
        };
        ctx.check(&cell, needs).await?;
        if text.len() > COMMAND_TEXT_BYTES_MAX {
            return Err(Error::invalid("text", "is over 4 KiB"));
        }
        let program = id_field("program", UserId::parse(&program))?;
        let client_ref = own_ref(ctx, &client_ref)?;
        let root = thread_root_seq.to_be_bytes();
        let parts: [&[u8]; 4] = [command.as_bytes(), text.as_bytes(), &room, &root];
        let begun = Begun { program, client_ref, print: fingerprint(191, &parts) };
        if begun.is_known(ctx).await? {
            return Ok(Answer::Now(InvokeCommandResponse { deduplicated: true }));
        }
        if thread_root_seq > 0 {
            target(ctx, &cell, thread_root_seq).await?;
        }
        let missing = || Error::new(ErrorReason::CommandNotFound, "no program takes it here");
        let row = ctx.store().get(Table::COMMANDS, &org_user(ctx.caller.org, program)).await;
        let row = row.map_err(store_error)?.filter(|_| cell.is_member(program));
        let row = CommandsRow::decode(row.ok_or_else(missing)?);
        let row = row.map_err(|_| store_error(StoreError::Damaged))?;
        if !row.commands.iter().any(|known| known.name == command) {
            return Err(missing());
        }
        let (user, token) = (ctx.user().to_field(), begun.token(ctx, cell.id));
        let client_ref = client_ref.to_field();
        let event =
            CommandInvoked { room, user, command, text, thread_root_seq, token, client_ref };
        let draft = begun.draft(ctx, &event).await?;
        Ok(Answer::commit(draft, |_| InvokeCommandResponse { deduplicated: false }))
    }

    async fn use_component(
        &self,
        ctx: &mut Ctx,
        request: UseComponentRequest,
    ) -> Result<Answer<UseComponentResponse>, Error> {
        let UseComponentRequest { room, client_ref, target_seq, component, values } = request;
        let cell = ctx.open_room(&room).await?;
        if values.len() > SELECT_OPTIONS_MAX {
            return Err(Error::invalid("values", "are more than 25"));
        }
        if ctx.is_peer_apart(&cell).await? {
            return Err(not_allowed());
        }
        let client_ref = own_ref(ctx, &client_ref)?;
        let (header, components) = components_of(ctx, &cell, target_seq).await?;
        let program =
            UserId::parse(&header.sender).map_err(|_| store_error(StoreError::Damaged))?;
        let seq = target_seq.to_be_bytes();
        let mut parts: Vec<&[u8]> = vec![&room, &seq, component.as_bytes()];
        parts.extend(values.iter().map(String::as_bytes));
        let begun = Begun { program, client_ref, print: fingerprint(192, &parts) };
        if begun.is_known(ctx).await? {
            return Ok(Answer::Now(UseComponentResponse { deduplicated: true }));
        }
        if !cell.is_member(program) {
            return Err(Error::new(ErrorReason::ComponentNotFound, "its sender isn't there"));
        }
        check_use(&components, &component, &values)?;
        let (user, token) = (ctx.user().to_field(), begun.token(ctx, cell.id));
        let client_ref = client_ref.to_field();
        let event = ComponentUsed { room, user, target_seq, component, values, token, client_ref };
        let draft = begun.draft(ctx, &event).await?;
        Ok(Answer::commit(draft, |_| UseComponentResponse { deduplicated: false }))
    }

    async fn respond_to(
        &self,
        ctx: &mut Ctx,
        request: RespondToRequest,
    ) -> Result<Answer<RespondToResponse>, Error> {
        let over = || Error::new(ErrorReason::InteractionOver, "there is no such interaction");
        let opened = ctx.node.sealer.open(&request.token).ok_or_else(over)?;
        let (mark, sealed) = opened.split_first().ok_or_else(over)?;
        let sealed = Sealed::decode(sealed).ok().filter(|_| *mark == MARK).ok_or_else(over)?;
        if sealed.program != ctx.user().as_bytes()[..] || sealed.until_ms < ctx.now.unix_ms {
            return Err(over());
        }
        if request.body.len() > RESPONSE_BYTES_MAX {
            return Err(Error::new(ErrorReason::BodyTooLarge, "the body is over 8 KiB"));
        }
        let posted = post_body(&request.body, &[])?;
        ctx.check_posted(&posted).await?;
        if posted.poll.is_some() {
            return Err(Error::invalid("body.poll", "is not for one user"));
        }
        let cell = ctx.room(&sealed.room).await?;
        let guard = ctx.check_all(&cell, &[]).await?;
        if ctx.is_peer_apart(&cell).await? {
            return Err(not_allowed());
        }
        ctx.pace_interaction()?;
        let user = UserId::parse(&sealed.user).map_err(|_| over())?;
        let body = InteractionAnswered { client_ref: sealed.client_ref, body: request.body };
        let (kind, body) = (InteractionAnswered::RULE.kind, body.encode_to_vec().into());
        let (only_to, sender) = (Some(user), ctx.user());
        let draft = SignalDraft { cell, guard, only_to, sender, kind, body };
        Ok(Answer::commit(Draft::Signal(Box::new(draft)), |_| RespondToResponse {}))
    }
}

/// An interaction that is told once.
struct Begun {
    program: UserId,
    client_ref: ClientRef,
    print: u64,
}

impl Begun {
    fn row(&self, ctx: &Ctx) -> Bytes {
        let (program, user) = (self.program.as_bytes(), ctx.caller.user);
        key(&[program, user.as_bytes(), self.client_ref.as_bytes()])
    }

    /// Whether the program was told already.
    async fn is_known(&self, ctx: &Ctx) -> Result<bool, Error> {
        let row =
            ctx.store().get(Table::INTERACTIONS, &self.row(ctx)).await.map_err(store_error)?;
        let Some(row) = row else { return Ok(false) };
        let row = ClaimRow::decode(row).map_err(|_| store_error(StoreError::Damaged))?;
        match row.hash[..] == self.print.to_be_bytes() {
            true => Ok(true),
            false => {
                let what = "client_ref was used for something else";
                Err(Error::new(ErrorReason::RefConflict, what))
            }
        }
    }

    /// What lets the program answer so that only the caller sees it.
    fn token(&self, ctx: &Ctx, room: RoomId) -> Bytes {
        let sealed = Sealed {
            program: self.program.to_field(),
            user: ctx.user().to_field(),
            room: room.to_field(),
            client_ref: self.client_ref.to_field(),
            until_ms: ctx.now.unix_ms + INTERACTION_FOR.as_millis() as u64,
        };
        let mut plain = vec![MARK];
        plain.extend(sealed.encode_to_vec());
        ctx.node.sealer.seal(&plain).into()
    }

    /// The event of the program's own log, once.
    async fn draft<M: EventMessage>(&self, ctx: &Ctx, event: &M) -> Result<Draft, Error> {
        ctx.pace_interaction()?;
        let log = ctx.node.users.get(ctx.store(), self.program).await.map_err(store_error)?;
        let hash = Bytes::copy_from_slice(&self.print.to_be_bytes());
        let row = ClaimRow { at_ms: ctx.now.unix_ms, hash };
        let (table, key) = (Table::INTERACTIONS, self.row(ctx));
        let put = Put { table, key: key.clone(), value: Some(row.encode_to_vec().into()) };
        let draft = UserDraft::of(&log, event, vec![put]);
        Ok(Draft::User(Box::new(UserDraft { absent: vec![(table, key)], ..draft })))
    }
}

fn check_commands(commands: &[Command]) -> Result<(), Error> {
    if commands.len() > COMMANDS_MAX {
        return Err(Error::invalid("commands", "are more than 50"));
    }
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_-".contains(&b);
    let mut names = BTreeSet::new();
    for (i, Command { name, description, usage }) in commands.iter().enumerate() {
        let wrong = |field, why| Err(Error::invalid(format!("commands[{i}].{field}"), why));
        let fits = (1..=COMMAND_NAME_BYTES_MAX).contains(&name.len());
        if !fits || !name.bytes().all(plain) || !names.insert(name) {
            return wrong("name", "is not 1 to 32 of a-z 0-9 _ -, or is there twice");
        }
        if !(1..=WORDS_BYTES_MAX).contains(&description.len()) {
            return wrong("description", "is not 1 to 200 bytes");
        }
        if usage.len() > WORDS_BYTES_MAX {
            return wrong("usage", "is over 200 bytes");
        }
    }
    Ok(())
}
