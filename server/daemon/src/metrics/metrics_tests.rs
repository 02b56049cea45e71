//! What a scrape shows, against the catalogue.

use std::{collections::HashSet, env, fs, path::Path};

use super::*;

fn everything() -> String {
    let metrics = Metrics::default();
    metrics.connection_opened(true);
    metrics.connection_opened(false);
    metrics.connection_closed(Some(CloseCode::TooSlow as u32));
    metrics.connection_closed(Some(77));
    metrics.connection_closed(None);
    metrics.handshake_failed(HandshakeFailure::TooManyConnections);
    metrics.retry_sent();
    metrics.token_refused(TokenError::Expired);
    let refused = Error::new(ErrorReason::RoomNotFound, "");
    let failed = Error::new(ErrorReason::StoreUnavailable, "");
    let took = Duration::from_millis(3);
    metrics.signed_in(&Ok(SignedIn::default()));
    metrics.signed_in(&Err(refused.clone()));
    metrics.call_ended(METHODS[0].id, Lane::Control, CallEnd::Ok, took);
    metrics.call_ended(METHODS[0].id, Lane::Control, CallEnd::Error(&refused), took);
    metrics.call_ended(METHODS[0].id, Lane::Bulk, CallEnd::Error(&failed), took);
    metrics.call_ended(9_999, Lane::Control, CallEnd::Cancelled, took);
    metrics.limited(LimitedBy::Device);
    metrics.committed(17, took);
    metrics.commit_failed(&StoreError::ReadOnly);
    metrics.delivered(200, 4_000);
    metrics.gap();
    metrics.too_slow();
    metrics.transferred(Transfer::Download, 5);
    metrics.ephemeral_dropped(EphemeralDrop::Full);
    metrics.webhook_posted(&Ok(()), took);
    metrics.webhook_posted(&Err(PostError::Status(500, None)), took);
    for doc in CATALOGUE.iter().filter(|doc| doc.kind == Kind::Gauge && doc.labels.is_empty()) {
        metrics.set(doc.name, 1.0);
    }
    metrics.upkeep();
    metrics.retention_deleted(3);
    metrics.oidc_fetched(true);
    metrics.link_previewed("found");
    metrics.acme_ordered(None);
    metrics.spans_ended(SpanEnd::Full, 7);
    metrics.render()
}

#[test]
fn what_was_counted_is_what_is_shown() {
    let text = everything();
    let lines: HashSet<&str> = text.lines().collect();
    for line in [
        "parlour_connections_opened_total{resumed=\"yes\"} 1",
        "parlour_connections_closed_total{code=\"CLOSE_CODE_TOO_SLOW\"} 1",
        "parlour_connections_closed_total{code=\"other\"} 1",
        "parlour_connections_closed_total{code=\"lost\"} 1",
        "parlour_handshakes_failed_total{reason=\"too_many_connections\"} 1",
        "parlour_tokens_refused_total{reason=\"expired\"} 1",
        "parlour_calls_total{method=\"Reauth\",outcome=\"ok\"} 1",
        "parlour_calls_total{method=\"Reauth\",outcome=\"refused\"} 1",
        "parlour_calls_total{method=\"Reauth\",outcome=\"failed\"} 1",
        "parlour_calls_total{method=\"unknown\",outcome=\"cancelled\"} 1",
        "parlour_call_errors_total{reason=\"ERROR_REASON_ROOM_NOT_FOUND\"} 1",
        "parlour_webhook_posts_total{outcome=\"taken\"} 1",
        "parlour_webhook_posts_total{outcome=\"refused\"} 1",
        "parlour_sign_ins_total{outcome=\"ok\"} 1",
        "parlour_sign_ins_total{outcome=\"ERROR_REASON_ROOM_NOT_FOUND\"} 1",
        "parlour_call_seconds_bucket{lane=\"control\",le=\"0.005\"} 3",
        "parlour_commit_batches_bucket{le=\"32\"} 1",
        "parlour_events_delivered_total 200",
        "parlour_trace_spans_total{outcome=\"exported\"} 0",
        "parlour_trace_spans_total{outcome=\"full\"} 7",
        "parlour_build_info{version=\"0.1.0\"} 1",
    ] {
        assert!(lines.contains(line), "{line} is not in\n{text}");
    }
}

#[test]
fn every_metric_is_in_the_catalogue_and_the_other_way_round() {
    let text = everything();
    let shown: HashSet<&str> = text.lines().filter_map(|l| l.strip_prefix("# TYPE ")).collect();
    let shown: HashSet<&str> = shown.iter().filter_map(|l| l.split(' ').next()).collect();
    let listed: HashSet<&str> = CATALOGUE.iter().map(|doc| doc.name).collect();
    assert_eq!(shown, listed);
}

#[test]
fn two_servers_do_not_mix() {
    let (one, two) = (Metrics::default(), Metrics::default());
    one.gap();
    assert!(one.render().contains("parlour_gaps_total 1"));
    assert!(two.render().contains("parlour_gaps_total 0"));
}

#[test]
fn the_reference_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/metrics.md");
    if env::var_os("PARLOUR_BLESS").is_some() {
        fs::write(&path, reference()).expect("written");
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == reference(), "docs/metrics.md: run this test with PARLOUR_BLESS=1");
}
