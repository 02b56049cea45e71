//! What is borne and what is a flood, under virtual time.

use super::*;

fn broken(noise: &mut Noise, lanes: u32, second: u64) -> Option<&'static str> {
    (0..lanes).for_each(|_| noise.broken().note());
    noise.flood(|| Duration::from_secs(second))
}

#[test]
fn lanes_cancelled_now_and_then_are_no_flood_however_long_a_connection_lives() {
    let mut noise = Noise::default();
    for minute in 0..1_000 {
        assert_eq!(broken(&mut noise, 90, minute * 60), None, "minute {minute}");
    }
}

#[test]
fn many_broken_lanes_at_once_are_a_flood() {
    let mut noise = Noise::default();
    assert_eq!(broken(&mut noise, 100, 7), None);
    assert!(broken(&mut noise, 1, 7).is_some());
}

#[test]
fn datagrams_are_borne_as_they_are_typed_and_no_faster() {
    let mut noise = Noise::default();
    for second in 0..1_000 {
        noise.heard = 32;
        assert_eq!(noise.flood(|| Duration::from_secs(second)), None);
    }
    noise.heard = 1_001;
    assert_eq!(noise.flood(|| Duration::from_secs(1_000)), None, "counts as the burst");
    noise.heard = 1;
    assert!(noise.flood(|| Duration::from_secs(1_000)).is_some());
}
