//! Visits to servers of the test's own, and to where nobody goes.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use super::*;

/// Answers every request with what `answer` makes of its path, and counts them.
fn site(
    answer: impl Fn(&str, SocketAddr) -> Vec<u8> + Send + Sync + 'static,
) -> (SocketAddr, Arc<AtomicUsize>) {
    site_at("127.0.0.1:0", answer)
}

fn site_at(
    place: &str,
    answer: impl Fn(&str, SocketAddr) -> Vec<u8> + Send + Sync + 'static,
) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind(place).expect("a port");
    let address = listener.local_addr().expect("an address");
    let came = Arc::new(AtomicUsize::new(0));
    let (count, answer) = (came.clone(), Arc::new(answer));
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            count.fetch_add(1, Ordering::SeqCst);
            let answer = answer.clone();
            thread::spawn(move || {
                let mut head = vec![];
                let mut part = [0; 1024];
                while !head.ends_with(b"\r\n\r\n") {
                    match stream.read(&mut part) {
                        Ok(n) if n > 0 => head.extend_from_slice(&part[..n]),
                        _ => return,
                    }
                }
                let head = String::from_utf8_lossy(&head).into_owned();
                assert!(!head.to_ascii_lowercase().contains("cookie"), "{head}");
                let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
                let _ = stream.write_all(&answer(&path, address));
            });
        }
    });
    (address, came)
}

fn html(body: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n\r\n{body}").into_bytes()
}

fn redirect(to: &str) -> Vec<u8> {
    format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n").into_bytes()
}

fn visitor(allowed: &[&str]) -> Visitor {
    Visitor::new(allowed.iter().map(|net| net.parse().expect("a network")).collect())
}

async fn title(address: SocketAddr, path: &str) -> Result<Option<String>, VisitError> {
    let page =
        visitor(&["127.0.0.1/32"]).visit(&format!("http://{address}{path}"), &|_| true).await?;
    Ok(page.map(|page| page.title))
}

fn is(title: &str) -> Result<Option<String>, VisitError> {
    Ok(Some(title.to_owned()))
}

#[tokio::test]
async fn pages_are_read_and_what_is_no_page_is_not() {
    let (at, _) = site(|path, _| {
        let typed = |kind: &str, body: &[u8]| {
            let head = format!("HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\n\r\n");
            [head.as_bytes(), body].concat()
        };
        match path {
            "/page?a=%C3%A4" => html("<title>Grüße</title>"),
            "/latin" => typed("text/html; charset=ISO-8859-1", b"<title>Gr\xfc\xdfe</title>"),
            "/meta" => typed("text/html", b"<meta charset='latin1'><title>Gr\xfc\xdfe</title>"),
            "/other" => typed("text/html; charset=shift_jis", b"<title>x</title>"),
            "/picture" => typed("image/png", b"<title>x</title>"),
            "/json" => typed("application/json", b"<title>x</title>"),
            "/packed" => {
                b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Encoding: gzip\r\n\r\n<title>x"
                    .to_vec()
            }
            "/empty" => html(""),
            "/nonsense" => b"nonsense\r\n\r\n".to_vec(),
            _ => b"HTTP/1.1 404 No\r\nContent-Type: text/html\r\n\r\n<title>no</title>".to_vec(),
        }
    });
    // What isn't ASCII is written as HTTP has it, and the part behind `#` isn't sent.
    assert_eq!(title(at, "/page?a=ä#here").await, is("Grüße"));
    assert_eq!(title(at, "/latin").await, is("Grüße"));
    assert_eq!(title(at, "/meta").await, is("Grüße"));
    for path in ["/other", "/picture", "/json", "/empty"] {
        assert_eq!(title(at, path).await, Ok(None), "{path}");
    }
    for path in ["/packed", "/nonsense", "/missing"] {
        assert_eq!(title(at, path).await, Err(VisitError::Failed), "{path}");
    }
}

#[tokio::test]
async fn nobody_goes_where_the_server_alone_can() {
    let (at, came) = site(|_, _| html("<title>secret</title>"));
    let port = at.port();
    for link in [
        format!("http://127.0.0.1:{port}/"),
        format!("http://localhost:{port}/"),
        format!("http://[::1]:{port}/"),
        format!("http://[::ffff:127.0.0.1]:{port}/"),
        format!("http://[64:ff9b::7f00:1]:{port}/"),
        format!("http://2130706433:{port}/"),
        format!("http://0x7f.1:{port}/"),
        format!("http://0177.0.0.1:{port}/"),
        format!("http://127.1:{port}/"),
        "http://127.0.0.1/".into(),
        "http://localhost/".into(),
        "https://localhost/".into(),
        "http://0.0.0.0/".into(),
        "http://10.0.0.1/".into(),
        "http://172.16.0.1/".into(),
        "http://192.168.0.1/".into(),
        "http://100.64.0.1/".into(),
        "http://169.254.169.254/latest/meta-data/".into(),
        "http://[fd00:ec2::254]/latest/meta-data/".into(),
        "http://[fe80::1]/".into(),
        "http://[::]/".into(),
        "http://[2002:7f00:1::]/".into(),
        "http://[64:ff9b::a9fe:a9fe]/".into(),
        "http://224.0.0.1/".into(),
        "http://255.255.255.255/".into(),
        // A public address, but not a port that pages are at.
        "http://1.1.1.1:22/".into(),
        "https://1.1.1.1:8443/".into(),
        "http://user:password@1.1.1.1/".into(),
        "ftp://1.1.1.1/".into(),
        "http:///".into(),
    ] {
        let begun = Instant::now();
        let visited = visitor(&[]).visit(&link, &|_| true).await;
        // A name that no resolver takes for an address has none.
        let is_odd = ["2130706433", "0x7f", "0177", "127.1"].iter().any(|odd| link.contains(odd));
        match visited {
            Err(VisitError::NotAllowed) => {}
            Err(VisitError::Failed) if is_odd => {}
            other => panic!("{link}: {other:?}"),
        }
        assert!(begun.elapsed() < PREVIEW_WITHIN + Duration::from_secs(1), "{link}");
    }
    assert_eq!(came.load(Ordering::SeqCst), 0, "somebody came");
    // What is allowed is the address, not the name.
    let link = format!("http://localhost:{port}/");
    let visited = visitor(&["10.0.0.0/8"]).visit(&link, &|_| true).await;
    assert_eq!(visited, Err(VisitError::NotAllowed));
}

#[tokio::test]
async fn redirections_are_checked_each_and_end() {
    let (inside, came) = site_at("127.0.0.2:0", |_, _| html("<title>secret</title>"));
    let (at, _) = site(move |path, at| match path {
        "/whole" => redirect(&format!("http://{at}/page")),
        "/here" => redirect("/page"),
        "/beside/x" => redirect("page?b"),
        "/beside/page?b" => html("<title>beside</title>"),
        "/scheme" => redirect(&format!("//{at}/page")),
        "/three" => redirect("/whole2"),
        "/whole2" => redirect("/here"),
        "/four" => redirect("/three"),
        "/round" => redirect("/round"),
        "/nowhere" => b"HTTP/1.1 302 Found\r\n\r\n".to_vec(),
        "/file" => redirect("file:///etc/passwd"),
        "/metadata" => redirect("http://169.254.169.254/latest/"),
        "/inside" => redirect(&format!("http://{inside}/")),
        "/mapped" => redirect(&format!("http://[::ffff:127.0.0.2]:{}/", inside.port())),
        "/page" => html("<title>page</title>"),
        _ => b"HTTP/1.1 404 No\r\n\r\n".to_vec(),
    });
    for path in ["/whole", "/here", "/scheme", "/three"] {
        assert_eq!(title(at, path).await, is("page"), "{path}");
    }
    assert_eq!(title(at, "/beside/x").await, is("beside"));
    for path in ["/four", "/round", "/nowhere"] {
        assert_eq!(title(at, path).await, Err(VisitError::Failed), "{path}");
    }
    for path in ["/file", "/metadata", "/mapped", "/inside"] {
        assert_eq!(title(at, path).await, Err(VisitError::NotAllowed), "{path}");
    }
    assert_eq!(came.load(Ordering::SeqCst), 0, "somebody came");
}

#[tokio::test]
async fn each_host_on_the_way_has_to_admit_it() {
    let (inside, came) = site_at("127.0.0.2:0", |_, _| html("<title>there</title>"));
    let (at, _) = site(move |path, _| match path {
        "/away" => redirect(&format!("http://{inside}/")),
        _ => redirect("/away"),
    });
    let asked = std::sync::Mutex::new(vec![]);
    let visit = async |left: usize| {
        let admit = |host: &str| {
            let mut asked = asked.lock().expect("no panic");
            asked.push(host.to_owned());
            asked.len() <= left
        };
        visitor(&["127.0.0.0/8"]).visit(&format!("http://{at}/"), &admit).await
    };
    for left in 0..3 {
        assert_eq!(visit(left).await, Err(VisitError::Limited));
        assert_eq!(asked.lock().expect("no panic").drain(..).count(), left + 1);
        assert_eq!(came.load(Ordering::SeqCst), 0, "somebody came");
    }
    assert_eq!(visit(3).await.map(|page| page.is_some()), Ok(true));
    // Without its port, and each time.
    assert_eq!(*asked.lock().expect("no panic"), ["127.0.0.1", "127.0.0.1", "127.0.0.2"]);
}

#[test]
fn a_host_is_one_however_it_is_written() {
    for (link, host) in [
        ("http://Example.ORG:8080/", "example.org"),
        ("https://example.org./", "example.org"),
        ("http://127.0.0.1:1/", "127.0.0.1"),
        ("http://[::ffff:127.0.0.1]/", "127.0.0.1"),
        ("http://[2001:db8:0:0::1]:80/", "2001:db8::1"),
    ] {
        assert_eq!(Target::parse(link).expect("a target").host(), host);
    }
}

#[tokio::test]
async fn what_is_large_is_cut_and_what_is_slow_is_left() {
    let (at, _) = site(|path, _| match path {
        "/huge" => html(&format!("<title>first</title>{}", "x".repeat(8 * 1024 * 1024))),
        "/late" => html(&format!("{}<title>late</title>", " ".repeat(PREVIEW_BYTES_MAX))),
        "/head" => {
            let head = "x".repeat(64 * 1024);
            format!("HTTP/1.1 200 OK\r\nX: {head}\r\n\r\n<title>x</title>").into_bytes()
        }
        "/short" => {
            b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 99\r\n\r\n<title>cut"
                .to_vec()
        }
        _ => {
            thread::sleep(Duration::from_secs(20));
            vec![]
        }
    });
    assert_eq!(title(at, "/huge").await, is("first"));
    assert_eq!(title(at, "/late").await, Ok(None));
    assert_eq!(title(at, "/head").await, Err(VisitError::Failed));
    assert_eq!(title(at, "/short").await, is("cut"));
    let begun = Instant::now();
    assert_eq!(title(at, "/slow").await, Err(VisitError::Failed));
    assert!(begun.elapsed() < PREVIEW_WITHIN + Duration::from_secs(2), "{:?}", begun.elapsed());
}

#[test]
fn redirections_lead_where_they_say() {
    let from = Target::parse("https://example.org:8443/a/b?c=d").expect("a target");
    for (to, leads) in [
        ("http://other.example/x", "http://other.example/x"),
        ("//other.example/x", "https://other.example/x"),
        ("/x?y", "https://example.org:8443/x?y"),
        ("x", "https://example.org:8443/a/x"),
        ("?x", "https://example.org:8443/a/b?x"),
        ("", "https://example.org:8443/a/b?c=d"),
        ("javascript:alert(1)", "javascript:alert(1)"),
        ("/ä#x", "https://example.org:8443/%C3%A4"),
        ("a:b", "a:b"),
    ] {
        assert_eq!(joined(&from, to), leads, "{to}");
    }
}
