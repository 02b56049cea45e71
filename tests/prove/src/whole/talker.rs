//! Clients of the SDK that queue one numbered text after another and remember what became of each.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use parlour::{Client, Room, Trust};
use parlour_features::{server::Server, token::claims, world::ORG};
use parlour_protocol::ids::RoomId;

use crate::{report::Report, rng::Rng};

/// A text is its number and so many bytes more, at least; twice as many at most.
const TEXT_BYTES: u64 = 4_000;

/// What became of texts, by their place in what was said.
#[derive(Debug, Default)]
struct Outcomes {
    acked: BTreeMap<usize, u64>,
    failed: Vec<String>,
}

/// One client.
pub(crate) struct Talker {
    index: usize,
    room: Room,
    /// What it said, in order.
    pub(crate) said: Vec<String>,
    outcomes: Arc<Mutex<Outcomes>>,
    rng: Rng,
    // Ends when dropped.
    _client: Client,
}

/// The subject of the client with that number.
pub(crate) fn name(index: usize) -> String {
    format!("talker{index}")
}

/// A client with that number, in step.
pub(crate) async fn connect(server: &Server, index: usize) -> Client {
    let client = Client::builder()
        .address(server.ready().quic.to_string())
        .token(server.sign(&claims(ORG, &name(index))))
        .trust(Trust::parse_sha256(&server.ready().sha256).expect("the server prints its hash"))
        .connect()
        .await
        .expect("the server is well at first");
    client.synced().await.expect("the client runs");
    client
}

impl Talker {
    /// A connected client that talks in that room.
    pub(crate) fn new(index: usize, client: Client, room: RoomId, seed: u64) -> Talker {
        Talker {
            index,
            room: client.room(room),
            said: vec![],
            outcomes: Arc::default(),
            rng: Rng::new(seed ^ index as u64),
            _client: client,
        }
    }

    /// Queues another text: `INDEX/N`, and bytes that can't be made smaller.
    pub(crate) async fn queue(&mut self, report: &mut Report) {
        let len = TEXT_BYTES + self.rng.below(TEXT_BYTES);
        let bytes = self.rng.bytes(len as usize / 2);
        let noise: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let at = self.said.len();
        let text = format!("{}/{at} {noise}", self.index);
        let queued = match self.room.queue(text.as_str()).await {
            Ok(queued) => queued,
            Err(error) => return report.violation(&format!("a client doesn't queue: {error}")),
        };
        self.said.push(text);
        let outcomes = self.outcomes.clone();
        tokio::spawn(async move {
            let sent = queued.sent().await;
            let mut outcomes = outcomes.lock().unwrap_or_else(PoisonError::into_inner);
            match sent {
                Ok(sent) => drop(outcomes.acked.insert(at, sent.seq)),
                Err(error) => outcomes.failed.push(error.to_string()),
            }
        });
    }

    /// Where each acknowledged text is, by its place in what was said.
    pub(crate) fn acked(&self) -> BTreeMap<usize, u64> {
        self.outcomes().acked.clone()
    }

    /// Why texts were given up; none is expected to.
    pub(crate) fn failed(&self) -> Vec<String> {
        self.outcomes().failed.clone()
    }

    /// How many texts are neither acknowledged nor given up.
    pub(crate) fn waiting(&self) -> usize {
        let outcomes = self.outcomes();
        self.said.len() - outcomes.acked.len() - outcomes.failed.len()
    }

    fn outcomes(&self) -> MutexGuard<'_, Outcomes> {
        self.outcomes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
