//! `parlour admin reports` and `parlour admin filter`: what people report, and words that aren't taken.

use std::path::PathBuf;

use clap::{ArgGroup, Args};
use parlour_protocol::{
    generated::rpc::{DecideReport, GetFilter, ListReports, SetFilter},
    ids::{ReportId, RoomId, UserId},
    moderation::{
        DecideReportRequest, Filter as Words, GetFilterRequest, ListReportsRequest, Report,
        ReportDecision, ReportReason, SetFilterRequest,
    },
};

use super::{Common, Line, Outcome, block_on, read};

/// Show what people have reported, or decide on it.
#[derive(Args)]
#[command(group = ArgGroup::new("what").multiple(false))]
pub(in crate::cli) struct Reports {
    /// The `org` of the tokens.
    #[arg(long)]
    org: String,
    /// Show those that are decided instead.
    #[arg(long, group = "what")]
    decided: bool,
    /// The message stays: a report, by its id.
    #[arg(long, group = "what", value_name = "REPORT")]
    dismiss: Option<ReportId>,
    /// The message is deleted: a report, by its id.
    #[arg(long, group = "what", value_name = "REPORT")]
    delete: Option<ReportId>,
}

impl Reports {
    pub(super) fn run(self, common: &Common) -> Outcome {
        let line = Line::open(common, self.org.clone())?;
        block_on(self.run_over(&line))?
    }

    async fn run_over(self, line: &Line) -> Outcome {
        let (report, decision) = match (self.dismiss, self.delete) {
            (Some(report), _) => (report, ReportDecision::Dismissed),
            (_, Some(report)) => (report, ReportDecision::Deleted),
            (None, None) => return list(line, self.decided).await,
        };
        let report = report.to_field();
        let request = DecideReportRequest { report, decision: decision as i32 };
        line.call::<DecideReport>(&request).await?;
        Ok(())
    }
}

async fn list(line: &Line, decided: bool) -> Outcome {
    let mut request = ListReportsRequest { decided, ..ListReportsRequest::default() };
    loop {
        let page = line.call::<ListReports>(&request).await?;
        page.reports.iter().for_each(|report| say!("{}", words(report)));
        if page.next_page.is_empty() {
            return Ok(());
        }
        request.page = page.next_page;
    }
}

/// A report in one line, and what it is about in the next ones.
fn words(report: &Report) -> String {
    let id = ReportId::parse(&report.id).map(|id| id.to_string()).unwrap_or_default();
    let user = |id: &[u8]| UserId::parse(id).map(|id| id.to_string()).unwrap_or_default();
    let room = RoomId::parse(&report.room).map(|id| id.to_string()).unwrap_or_default();
    let reason = match report.reason() {
        ReportReason::Spam => "spam",
        ReportReason::Abuse => "abuse",
        ReportReason::Indecent => "indecent",
        ReportReason::Private => "private",
        ReportReason::Other | ReportReason::Unspecified => "other",
    };
    let state = match report.decision() {
        ReportDecision::Unspecified => String::new(),
        ReportDecision::Dismissed => format!(", dismissed by {}", report.decided_by),
        ReportDecision::Deleted => format!(", deleted by {}", report.decided_by),
    };
    let by = (user(&report.reporter), user(&report.sender));
    let head = format!("{id}: {reason}, room {room} message {}{state}", report.seq);
    let said = |text: &str| text.replace('\n', "\n      ");
    let mut lines = format!("{head}\n  by {} about {}\n  text: {}", by.0, by.1, said(&report.text));
    if report.attachments > 0 {
        lines += &format!("\n  attachments: {}", report.attachments);
    }
    if !report.note.is_empty() {
        lines += &format!("\n  note: {}", said(&report.note));
    }
    lines
}

/// Show or replace the words that messages may not have.
#[derive(Args)]
pub(in crate::cli) struct Filter {
    /// The `org` of the tokens.
    #[arg(long)]
    org: String,
    /// A file with one word or phrase in each line, which replaces those there are; an empty one takes all
    /// of them off. With `*` at the end, whatever begins so is meant.
    #[arg(long, value_name = "FILE")]
    set: Option<PathBuf>,
}

impl Filter {
    pub(super) fn run(self, common: &Common) -> Outcome {
        let words = self.set.as_ref().map(read).transpose()?;
        let line = Line::open(common, self.org)?;
        block_on(run_filter(&line, words))?
    }
}

async fn run_filter(line: &Line, words: Option<String>) -> Outcome {
    let Some(words) = words else {
        let filter = line.call::<GetFilter>(&GetFilterRequest {}).await?.filter;
        filter.unwrap_or_default().words.iter().for_each(|word| say!("{word}"));
        return Ok(());
    };
    let words = words.lines().map(str::trim).filter(|word| !word.is_empty());
    let filter = Some(Words { words: words.map(str::to_owned).collect() });
    line.call::<SetFilter>(&SetFilterRequest { filter }).await?;
    Ok(())
}
