//! Revocations without a server.

use parlour_adapters::Memory;

use super::*;

#[tokio::test]
async fn a_row_is_written_per_kind_and_organization() {
    let store = Memory::new([1; 16]);
    let session = "0198a8f0-0000-7000-8000-000000000001".to_owned();
    for revoked in
        [Revoked::Subject("ada".into()), Revoked::Session(session), Revoked::TokenId("t-1".into())]
    {
        revoke_offline(&store, "acme", &revoked, 5).await.expect("revoked");
        let key = draft(&store, "acme", &revoked, 5).await.expect("draft").puts[0].key.clone();
        let row = store.get(Table::REVOKED, &key).await.expect("read").expect("there");
        assert_eq!(RevokedRow::decode(row).expect("row").at_ms, 5);
        let other =
            draft(&store, "umbrella", &revoked, 5).await.expect("draft").puts[0].key.clone();
        assert_eq!(store.get(Table::REVOKED, &other).await.expect("read"), None);
    }
}

#[tokio::test]
async fn what_can_not_be_is_refused() {
    let store = Memory::new([1; 16]);
    for (org, what, error) in [
        ("", Revoked::Subject("a".into()), RevokeError::Name),
        ("o", Revoked::Subject("a".repeat(256)), RevokeError::Name),
        ("o", Revoked::Session("x".into()), RevokeError::Session),
    ] {
        assert_eq!(draft(&store, org, &what, 1).await.map(|_| ()), Err(error));
    }
}
