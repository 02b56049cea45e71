//! A web site of a test's own: pages by their paths, and who came for them.

use std::{
    collections::HashMap,
    io::{Read, Write},
    net::{SocketAddr, TcpListener},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

/// What is at a path.
#[derive(Clone, Debug)]
pub enum Page {
    /// HTML.
    Html(String),
    /// A redirection there.
    Redirect(String),
    /// Nothing, for so long.
    Slow(Duration),
}

#[derive(Default)]
struct State {
    pages: HashMap<String, Page>,
    came: Vec<String>,
}

/// The site. It ends with the test's process.
pub struct Site {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

impl Site {
    /// One at a port of its own of that address of this host.
    pub fn at(ip: &str) -> Self {
        let listener = TcpListener::bind((ip, 0)).expect("a port");
        let address = listener.local_addr().expect("an address");
        let site = Site { address, state: Arc::default() };
        let state = site.state.clone();
        thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let state = state.clone();
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
                    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
                    let page = {
                        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
                        state.came.push(head);
                        state.pages.get(&path).cloned()
                    };
                    let _ = stream.write_all(answer(page).as_bytes());
                });
            }
        });
        site
    }

    /// From now on there is this page at the path.
    pub fn put(&self, path: &str, page: Page) {
        self.state().pages.insert(path.to_owned(), page);
    }

    /// A page with that title.
    pub fn titled(&self, path: &str, title: &str) -> String {
        self.put(path, Page::Html(format!("<title>{title}</title>")));
        self.url(path)
    }

    /// Where a path is.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The heads of the requests so far.
    pub fn came(&self) -> Vec<String> {
        self.state().came.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn answer(page: Option<Page>) -> String {
    match page {
        Some(Page::Html(html)) => {
            format!("HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n\r\n{html}")
        }
        Some(Page::Redirect(to)) => {
            format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n")
        }
        Some(Page::Slow(pause)) => {
            thread::sleep(pause);
            String::new()
        }
        None => "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".into(),
    }
}
