//! Tests of the histogram.

use super::*;

#[test]
fn quantiles_are_within_two_percent() {
    let mut histogram = Histogram::new();
    for us in 1..=100_000 {
        histogram.add(Duration::from_micros(us));
    }
    for (share, wanted) in [(0.5, 50_000.0), (0.9, 90_000.0), (0.99, 99_000.0)] {
        let got = histogram.quantile(share).expect("not empty");
        assert!((got / wanted - 1.0f64).abs() < 0.02, "{share}: {got}");
    }
}

#[test]
fn small_values_are_exact_and_huge_ones_dont_panic() {
    let mut histogram = Histogram::new();
    assert_eq!(histogram.quantile(0.5), None);
    histogram.add(Duration::from_micros(7));
    assert_eq!(histogram.quantile(0.5), Some(7.0));
    histogram.add(Duration::from_secs(1 << 40));
    assert!(histogram.quantile(1.0).is_some());
}

#[test]
fn merging_adds_counts() {
    let (mut one, mut two) = (Histogram::new(), Histogram::new());
    one.add(Duration::from_micros(10));
    two.add(Duration::from_micros(30));
    one.merge(&two);
    assert_eq!(one.quantile(0.5), Some(10.0));
    assert_eq!(one.quantile(1.0), Some(30.0));
}
