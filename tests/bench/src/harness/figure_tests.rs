//! Tests of what makes a figure valid, and of its arithmetic.

use super::*;

fn title(better: Better, goal: f64) -> Title {
    Title {
        bench: "fanout",
        params: json!({ "k": 200 }),
        unit: "ops",
        better,
        goal: Some(Goal::Ratio(goal)),
    }
}

fn samples(values: &[f64]) -> Vec<Sample> {
    values.iter().map(|value| Sample { value: Some(*value), ..Sample::default() }).collect()
}

fn figure(better: Better, goal: f64, mine: &[Sample], theirs: &[Sample]) -> Figure {
    let subject = Side { name: "parlour", version: "1", samples: mine };
    let peer = Side { name: "ws", version: "8", samples: theirs };
    Figure::new(&title(better, goal), &subject, Some(&peer))
}

#[test]
fn ratio_is_of_medians_and_more_is_always_better() {
    let (mine, theirs) = (samples(&[30.0, 10.0, 20.0]), samples(&[10.0]));
    assert_eq!(figure(Better::More, 1.5, &mine, &theirs).ratio, Some(2.0));
    assert_eq!(figure(Better::Less, 1.5, &mine, &theirs).ratio, Some(0.5));
    assert!(figure(Better::More, 1.5, &mine, &theirs).is_ok());
    assert!(!figure(Better::Less, 1.5, &mine, &theirs).is_ok());
}

#[test]
fn anything_lost_on_either_side_makes_it_invalid() {
    let mine = samples(&[30.0]);
    let mut theirs = samples(&[10.0]);
    theirs[0].lost = 1;
    let figure = figure(Better::More, 1.0, &mine, &theirs);
    assert!(!figure.is_ok());
    assert_eq!(figure.doubts, ["ws: 1 lost"]);
}

#[test]
fn a_busy_generator_counts_only_if_it_spins() {
    let mut sample = Sample { generator_util: Some(0.97), ..Sample::default() };
    assert!(sample.why_invalid().is_some());
    sample.spins = true;
    assert!(sample.why_invalid().is_none());
}

#[test]
fn a_loaded_machine_makes_it_invalid() {
    assert!(Sample { load1: 6.1, ..Sample::default() }.why_invalid().is_some());
}

#[test]
fn the_line_has_every_field_and_null_where_none_applies() {
    let line = figure(Better::More, 1.0, &samples(&[2.0]), &samples(&[1.0])).json();
    let value: Value = serde_json::from_str(&line).expect("JSON");
    let names = "bench params subject peer peer_version reps unit median min max peer_median ratio \
                 goal ok p50_us p90_us p99_us p999_us server_cpu_us_per_op server_util \
                 generator_util rss_kb lost load1";
    for name in names.split_whitespace() {
        assert!(value.get(name).is_some(), "{name}");
    }
    assert_eq!(value.as_object().map(Map::len), Some(24));
    assert!(value["p50_us"].is_null());
}

#[test]
fn numbers_keep_four_digits() {
    assert_eq!(tidy(123_456.0), 123_500.0);
    assert_eq!(tidy(0.001_234_56), 0.001_235);
    assert_eq!(tidy(0.0), 0.0);
}
