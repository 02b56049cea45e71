//! A collector of traces of a test's own: it takes what is exported by OTLP over HTTP, decodes it with the
//! messages that OpenTelemetry publishes, and keeps the bytes. It isn't the OpenTelemetry Collector, and
//! knows no more of the protocol than requests and their answers.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Condvar, Mutex, PoisonError},
    thread,
    time::Duration,
};

use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::{KeyValue, any_value::Value},
    trace::v1::{Span, span::SpanKind, status::StatusCode},
};
use prost::Message;

/// What is waited for comes within this time.
const PATIENCE: Duration = Duration::from_secs(60);

/// What the collector does when it is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    /// It takes spans.
    Well,
    /// It answers with this status.
    Refusing(u16),
    /// It takes connections and never answers.
    Silent,
}

/// A span that has arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Its name.
    pub name: String,
    /// Its trace, in hexadecimal.
    pub trace: String,
    /// Its own id, in hexadecimal.
    pub id: String,
    /// Its parent's, empty for none.
    pub parent: String,
    /// Whether it is of what came from outside.
    pub is_server: bool,
    /// Whether its status is an error.
    pub is_error: bool,
    /// What it says, as text.
    pub attributes: BTreeMap<String, String>,
    /// What it is of, as text.
    pub resource: BTreeMap<String, String>,
}

impl Seen {
    /// What it says about that.
    pub fn says(&self, key: &str) -> Option<&str> {
        self.attributes.get(key).map(String::as_str)
    }
}

#[derive(Default)]
struct State {
    mood: Option<Mood>,
    heads: Vec<String>,
    bytes: Vec<u8>,
    spans: Vec<Seen>,
}

/// The collector. It ends with the test's process.
pub struct Collector {
    address: SocketAddr,
    state: Arc<(Mutex<State>, Condvar)>,
}

impl Collector {
    /// One on this host.
    pub fn start(mood: Mood) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let state = State { mood: Some(mood), ..State::default() };
        let state = Arc::new((Mutex::new(state), Condvar::new()));
        let shared = state.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = shared.clone();
                thread::spawn(move || answer(stream, &state));
            }
        });
        Collector { address, state }
    }

    /// Its base address.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What has to be configured for it.
    pub fn config(&self, more: &str) -> String {
        format!("[traces]\nendpoint = \"{}\"\n{more}\n", self.endpoint())
    }

    /// From now on it does this.
    pub fn is(&self, mood: Mood) {
        self.lock().mood = Some(mood);
    }

    /// All spans so far.
    pub fn spans(&self) -> Vec<Seen> {
        self.lock().spans.clone()
    }

    /// Waits for a span that is so.
    pub fn wait_for(&self, what: &str, is_so: impl Fn(&Seen) -> bool) -> Seen {
        let (_, bell) = &*self.state;
        let is_missing = |state: &mut State| !state.spans.iter().any(&is_so);
        let waited = bell.wait_timeout_while(self.lock(), PATIENCE, is_missing);
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let found = state.spans.iter().find(|span| is_so(span)).cloned();
        found.unwrap_or_else(|| panic!("{what} never came, but {:?}", state.spans))
    }

    /// Waits for a span of that name.
    pub fn named(&self, name: &str) -> Seen {
        self.wait_for(name, |span| span.name == name)
    }

    /// The spans below that one so far.
    pub fn below(&self, parent: &Seen) -> Vec<Seen> {
        let mut spans = self.spans();
        spans.retain(|span| span.parent == parent.id);
        spans
    }

    /// The heads of all requests so far.
    pub fn heads(&self) -> Vec<String> {
        self.lock().heads.clone()
    }

    /// The bodies of all requests so far, one behind the other.
    pub fn bytes(&self) -> Vec<u8> {
        self.lock().bytes.clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn answer(mut stream: TcpStream, state: &(Mutex<State>, Condvar)) {
    let mut reader = BufReader::new(stream.try_clone().expect("a socket can be shared"));
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        match reader.read_line(&mut head) {
            Ok(n) if n > 0 => {}
            _ => return,
        }
    }
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("content-length").then(|| value.parse::<usize>().ok())?
    });
    let mut body = vec![0; length.unwrap_or(0)];
    if reader.read_exact(&mut body).is_err() {
        return;
    }
    let mood = {
        let mut state = state.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mood = state.mood;
        state.heads.push(head);
        state.bytes.extend_from_slice(&body);
        if mood == Some(Mood::Well) {
            let request = ExportTraceServiceRequest::decode(&*body).expect("what is exported");
            state.spans.extend(seen(request));
        }
        mood
    };
    state.1.notify_all();
    let status = match mood {
        Some(Mood::Refusing(status)) => status,
        Some(Mood::Silent) => return thread::sleep(PATIENCE),
        _ => 200,
    };
    // An empty message: everything was taken.
    let kind = "Content-Type: application/x-protobuf\r\nContent-Length: 0\r\nConnection: close";
    let _ = stream.write_all(format!("HTTP/1.1 {status} So\r\n{kind}\r\n\r\n").as_bytes());
}

fn seen(request: ExportTraceServiceRequest) -> Vec<Seen> {
    let mut all = vec![];
    for of in request.resource_spans {
        let resource = texts(of.resource.map(|resource| resource.attributes).unwrap_or_default());
        let spans = of.scope_spans.into_iter().flat_map(|scope| scope.spans);
        all.extend(spans.map(|span| one(span, &resource)));
    }
    all
}

fn one(span: Span, resource: &BTreeMap<String, String>) -> Seen {
    let status = span.status.map(|status| status.code);
    Seen {
        name: span.name,
        trace: hex(&span.trace_id),
        id: hex(&span.span_id),
        parent: hex(&span.parent_span_id),
        is_server: span.kind == SpanKind::Server as i32,
        is_error: status == Some(StatusCode::Error as i32),
        attributes: texts(span.attributes),
        resource: resource.clone(),
    }
}

fn texts(attributes: Vec<KeyValue>) -> BTreeMap<String, String> {
    let text = |of: KeyValue| match of.value?.value? {
        Value::StringValue(text) => Some((of.key, text)),
        Value::IntValue(number) => Some((of.key, number.to_string())),
        other => Some((of.key, format!("{other:?}"))),
    };
    attributes.into_iter().filter_map(text).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
