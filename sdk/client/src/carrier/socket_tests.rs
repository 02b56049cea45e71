//! Where WebSockets are opened.

use super::*;

#[test]
fn urls_say_where_and_whether_with_tls() {
    let parsed = |text| SocketUrl::parse(text).map(|url| (url.host, url.port, url.is_secure));
    let host = |host: &str, port, is_secure| Some((host.to_owned(), port, is_secure));
    assert_eq!(parsed("wss://chat.example.org/parlour/v1/ws"), host("chat.example.org", 443, true));
    assert_eq!(parsed("ws://127.0.0.1:8080/parlour/v1/ws"), host("127.0.0.1", 8080, false));
    assert_eq!(parsed("wss://[::1]:9/x"), host("::1", 9, true));
    assert_eq!(parsed("wss://[::1]/x"), host("::1", 443, true));
    for bad in ["", "https://a/b", "wss://a", "wss:///b", "ws://a:0/b", "ws://a:b/c", "ws://u@a/b"]
    {
        assert_eq!(parsed(bad), None, "{bad}");
    }
}
