//! Who has a place.

use std::future::pending;

use super::*;

#[tokio::test]
async fn no_organization_has_all_places_and_each_comes_back() {
    let org = |n: u8| OrgId::from_bytes([n; 16]);
    let mut places = Places::default();
    for n in 0..PREVIEWS_PER_ORG_AT_ONCE {
        assert!(places.open()(org(1)), "{n}");
        // However it ends.
        match n {
            0 => places.take(org(1), async {}),
            1 => places.take(org(1), async { panic!("a bug") }),
            _ => places.take(org(1), pending()),
        }
    }
    assert!(!places.open()(org(1)) && places.open()(org(2)));
    places.freed().await;
    assert!(places.open()(org(1)));
    places.freed().await;
    for _ in 0..2 {
        places.take(org(1), pending());
    }
    assert!(!places.open()(org(1)) && places.open()(org(2)));
    for n in 0..PREVIEWS_AT_ONCE - PREVIEWS_PER_ORG_AT_ONCE {
        assert!(places.open()(org(2)), "{n}");
        places.take(org(2), pending());
    }
    assert!(!places.open()(org(3)), "there are no more");
}
