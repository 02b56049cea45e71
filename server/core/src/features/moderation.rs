//! Moderation: reports of messages, what becomes of them, and words that aren't taken.

use bytes::Bytes;
use parlour_protocol::{
    event::FLAG_ERASED,
    generated::{EventMessage, ModerationAdminService, ReportService},
    ids::{ReportId, RoomId},
    limits::{REPORT_NOTE_BYTES_MAX, REPORT_PAGE_MAX, REPORTS_OPEN_MAX},
    message::{DeleteReason, MessageEdited, MessagePosted},
    moderation::{
        DecideReportRequest, DecideReportResponse, FilterChanged, GetFilterRequest,
        GetFilterResponse, ListReportsRequest, ListReportsResponse, Report, ReportDecided,
        ReportDecision, ReportMessageRequest, ReportMessageResponse, ReportReason,
        SetFilterRequest, SetFilterResponse,
    },
    wire::{Error, ErrorReason, Event, EventHeader},
};
use prost::Message;

use crate::{
    deleting::{deletions, held_at},
    draft::{Draft, OrgDraft, RoomDraft, RowsDraft, store_error},
    kit::{Answer, Ctx, Features, ServerKit, id_field},
    limits::ANSWER_BYTES,
    messages::target,
    pages::{amendments, only, read},
    ports::store::{Put, Scan, Shard},
    records::key,
    reports::{decided, report, report_key, reported_key, reports_of},
    rooms::RoomCell,
    tables::Table,
    words::{check_filter, filter, row},
};

impl ReportService<ServerKit> for Features {
    async fn report_message(
        &self,
        ctx: &mut Ctx,
        request: ReportMessageRequest,
    ) -> Result<Answer<ReportMessageResponse>, Error> {
        let ReportMessageRequest { room, seq, reason, note } = request;
        if !ReportReason::try_from(reason).is_ok_and(|reason| reason != ReportReason::Unspecified) {
            return Err(Error::invalid("reason", "is missing or not known here"));
        }
        if note.len() > REPORT_NOTE_BYTES_MAX {
            return Err(Error::invalid("note", "is over 1,000 bytes"));
        }
        let cell = ctx.room(&room).await?;
        let header = target(ctx, &cell, seq).await?;
        if header.sender == ctx.user().as_bytes()[..] {
            return Err(Error::invalid("seq", "is the caller's own message"));
        }
        let org = ctx.caller.org;
        let new = Report {
            room,
            seq,
            sender: header.sender.clone(),
            reporter: ctx.user().to_field(),
            reason,
            note,
            at_ms: ctx.now.unix_ms,
            ..Report::default()
        };
        let place = reported_key(org, &new);
        let before = ctx.store().get(Table::REPORTED, &place).await.map_err(store_error)?;
        if let Some(report) = before {
            return Ok(Answer::Now(ReportMessageResponse { report }));
        }
        ctx.pace_report()?;
        let all = Scan::prefix(Table::REPORTED, place.slice(..32), REPORTS_OPEN_MAX);
        if ctx.store().scan(all).await.map_err(store_error)?.len() >= REPORTS_OPEN_MAX {
            let what = "100 reports of the caller's aren't decided yet";
            return Err(Error::new(ErrorReason::TooManyReports, what));
        }
        let id = ReportId::from_bytes(ctx.node.new_id(ctx.now.unix_ms)).to_field();
        let (text, attachments) =
            (text(ctx, &cell, &header).await?, header.attachments.len() as u32);
        let new = Report { id: id.clone(), text, attachments, ..new };
        let value = Some(new.encode_to_vec().into());
        let puts = vec![
            Put { table: Table::REPORTS, key: report_key(org, false, &id), value },
            Put { table: Table::REPORTED, key: place.clone(), value: Some(id.clone()) },
        ];
        let absent = vec![(Table::REPORTED, place)];
        let rows = RowsDraft { absent, ..RowsDraft::new(Shard::Org(org), puts) };
        Ok(Answer::commit(Draft::Rows(Box::new(rows)), move |_| ReportMessageResponse {
            report: id,
        }))
    }
}

impl ModerationAdminService<ServerKit> for Features {
    async fn list_reports(
        &self,
        ctx: &mut Ctx,
        request: ListReportsRequest,
    ) -> Result<Answer<ListReportsResponse>, Error> {
        let size = match request.page_size as usize {
            0 => 50,
            n if n <= REPORT_PAGE_MAX => n,
            _ => return Err(Error::invalid("page_size", "is over 100")),
        };
        let prefix = reports_of(ctx.caller.org, request.decided);
        let mut scan = Scan::prefix(Table::REPORTS, prefix.clone(), size + 1);
        if !request.page.is_empty() {
            let after = id_field("page", ReportId::parse(&request.page))?;
            scan.from = key(&[&prefix, after.as_bytes(), &[0]]);
        }
        let rows = ctx.store().scan(scan).await.map_err(store_error)?;
        let mut answer = ListReportsResponse::default();
        let (mut bytes, mut more, mut last) = (0, rows.len() > size, Bytes::new());
        for (row, value) in rows.into_iter().take(size) {
            bytes += value.len() + 8;
            if bytes > ANSWER_BYTES && !last.is_empty() {
                more = true;
                break;
            }
            last = row.slice(prefix.len()..);
            answer.reports.extend(Report::decode(value).ok());
        }
        answer.next_page = if more { last } else { Bytes::new() };
        Ok(Answer::Now(answer))
    }

    async fn decide_report(
        &self,
        ctx: &mut Ctx,
        request: DecideReportRequest,
    ) -> Result<Answer<DecideReportResponse>, Error> {
        let decision = request.decision();
        if decision == ReportDecision::Unspecified {
            return Err(Error::invalid("decision", "is missing or not known here"));
        }
        let org = ctx.caller.org;
        let directory = ctx.directory().await?;
        // Before the row is read: whatever is decided meanwhile is seen the second time.
        let version = directory.head().seq;
        let missing = || Error::new(ErrorReason::ReportNotFound, "no such report");
        let id = id_field("report", ReportId::parse(&request.report))?;
        let found = report(ctx.store(), org, id).await.map_err(store_error)?;
        let found = found.ok_or_else(missing)?;
        match found.decision() {
            ReportDecision::Unspecified => {}
            before if before == decision => return Ok(Answer::Now(DecideReportResponse {})),
            _ => {
                let what = "the report was decided otherwise";
                return Err(Error::new(ErrorReason::ReportDecided, what));
            }
        }
        if decision == ReportDecision::Deleted
            && let Some(draft) = goes(ctx, &found).await?
        {
            // The message first; then the call is decided again, and finds it gone.
            let draft = RoomDraft { is_first_half: true, ..draft };
            return Ok(Answer::commit(Draft::Room(Box::new(draft)), |_| DecideReportResponse {}));
        }
        let actor = ctx.caller.subject.to_string();
        let body = ReportDecided {
            actor: actor.clone(),
            report: found.id.clone(),
            decision: decision as i32,
            room: found.room.clone(),
            seq: found.seq,
        };
        let found = Report {
            decision: decision as i32,
            decided_by: actor,
            decided_ms: ctx.now.unix_ms,
            ..found
        };
        let puts = decided(org, &found);
        let draft = OrgDraft { puts, ..OrgDraft::new(directory, version, ctx.user(), &body) };
        Ok(Answer::commit(Draft::Org(Box::new(draft)), |_| DecideReportResponse {}))
    }

    async fn get_filter(
        &self,
        ctx: &mut Ctx,
        _request: GetFilterRequest,
    ) -> Result<Answer<GetFilterResponse>, Error> {
        let filter = filter(ctx.store(), ctx.caller.org).await.map_err(store_error)?;
        Ok(Answer::Now(GetFilterResponse { filter: Some(filter) }))
    }

    async fn set_filter(
        &self,
        ctx: &mut Ctx,
        request: SetFilterRequest,
    ) -> Result<Answer<SetFilterResponse>, Error> {
        let wanted = request.filter.unwrap_or_default();
        check_filter(&wanted)?;
        let directory = ctx.directory().await?;
        let version = directory.head().seq;
        let org = ctx.caller.org;
        if filter(ctx.store(), org).await.is_ok_and(|present| present == wanted) {
            return Ok(Answer::Now(SetFilterResponse {}));
        }
        let put = Put { table: Table::FILTERS, key: org.to_field(), value: row(&wanted) };
        let actor = ctx.caller.subject.to_string();
        let body = FilterChanged { actor, words: wanted.words.len() as u32 };
        let draft =
            OrgDraft { puts: vec![put], ..OrgDraft::new(directory, version, ctx.user(), &body) };
        Ok(Answer::commit(Draft::Org(Box::new(draft)), |_| SetFilterResponse {}))
    }
}

/// What a message says now.
async fn text(ctx: &Ctx, cell: &RoomCell, header: &EventHeader) -> Result<String, Error> {
    let (seq, head) = (header.seq, cell.head().seq);
    let edited = amendments(ctx, cell, seq, seq, head).await?.into_iter().rev().find_map(|event| {
        let is_edit = event.header?.kind == MessageEdited::RULE.kind;
        is_edit.then(|| MessageEdited::decode(event.body).ok())?
    });
    if let Some(edited) = edited {
        return Ok(edited.text);
    }
    let page = read(ctx, cell.id, only(seq)).await?;
    let event = page.events.into_iter().find_map(|record| Event::decode(record).ok());
    let posted = event.and_then(|event| MessagePosted::decode(event.body).ok());
    Ok(posted.unwrap_or_default().text)
}

/// The draft that deletes what was reported, unless it is gone already.
async fn goes(ctx: &Ctx, of: &Report) -> Result<Option<RoomDraft>, Error> {
    let Ok(room) = RoomId::parse(&of.room) else { return Ok(None) };
    let cell = ctx.node.room(ctx.caller.org, room).await.map_err(store_error)?;
    let Some(cell) = cell else { return Ok(None) };
    let header = match target(ctx, &cell, of.seq).await {
        Ok(header) if header.flags & FLAG_ERASED == 0 => header,
        Ok(_) => return Ok(None),
        Err(error) if error.reason == ErrorReason::MessageNotFound as i32 => return Ok(None),
        Err(error) => return Err(error),
    };
    let (version, holds) = held_at(ctx).await?;
    let reason = DeleteReason::Moderation;
    Ok(Some(deletions(ctx, cell, vec![header], reason, (version, &holds)).await?))
}
