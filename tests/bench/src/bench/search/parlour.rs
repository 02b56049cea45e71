//! Parlour: a server without its sockets, with the index on disk; what is found is read from the log and
//! checked before it is handed out, as in any other call.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use parlour_adapters::memory::Memory;
use parlour_inproc::{Server, group, message};
use parlour_protocol::generated::rpc;
use parlour_protocol::search::SearchMessagesRequest;
use parlour_search::{Index, Options};

use super::corpus::{Corpus, Query, ROOMS};
use super::{Engine, PAGE};
use crate::harness::{Outcome, during};

const MEMORY_BYTES: usize = 32 * 1024 * 1024;
/// Messages sent before the server is let work.
const AT_ONCE: usize = 200;

/// See the module.
pub(crate) struct Parlour {
    server: Server,
    reader: usize,
}

impl Parlour {
    /// Sends everything and waits for the index.
    pub(crate) fn load(corpus: &Corpus, folder: &Path) -> Outcome<Self> {
        let options = Options::new(folder.join("search"), MEMORY_BYTES);
        let index = Index::new(options).map_err(during("the index"))?;
        let store = Arc::new(Memory::new([1; 16]));
        let mut server = Server::with(store, Some(Arc::new(index)));
        let (writer, reader) = (server.connect("writer"), server.connect("reader"));
        let members = |room: &usize| match corpus.readable.contains(room) {
            true => vec![reader],
            false => vec![],
        };
        let rooms: Vec<Bytes> =
            (0..ROOMS).map(|room| group(&mut server, writer, &members(&room))).collect();
        // What is heard isn't what is measured.
        server.disconnect(reader);
        for some in corpus.messages.chunks(AT_ONCE) {
            for one in some {
                let request = message(&mut server, &rooms[one.room], &one.text);
                server.start::<rpc::Send>(writer, &request);
            }
            server.advance(Duration::from_millis(200));
            server.deliver();
            server.clients[writer].frames.clear();
            server.clients[writer].replies.clear();
        }
        server.index();
        let reader = server.connect("reader");
        Ok(Parlour { server, reader })
    }
}

impl Engine for Parlour {
    fn name(&self) -> &'static str {
        "parlour"
    }

    fn version(&self) -> String {
        env!("CARGO_PKG_VERSION").to_owned()
    }

    fn answer(&mut self, queries: &[Query]) -> Outcome<Vec<(Duration, usize)>> {
        let mut answers = Vec::with_capacity(queries.len());
        for query in queries {
            let request = SearchMessagesRequest {
                text: query.terms.join(" "),
                limit: PAGE as u32,
                ..Default::default()
            };
            let began = Instant::now();
            let items = self.server.bulk::<rpc::SearchMessages>(self.reader, &request);
            let items = items.map_err(during("a search"))?;
            answers.push((began.elapsed(), items.iter().map(|item| item.hits.len()).sum()));
        }
        Ok(answers)
    }
}
