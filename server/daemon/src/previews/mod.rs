//! Link previews: looks where the links in messages lead, off their way and within bounds, and tells the
//! room what was found. Whatever goes wrong here, messages are sent and read as ever; what isn't looked at
//! in time stays without a preview.

mod cache;
mod page;
mod places;
mod visit;

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use parlour_core::{
    draft::{Refused, Submit},
    node::Node,
    previews::{Linking, added},
};
use parlour_protocol::{
    ids::{RoomId, UserId},
    preview::LinkPreview,
};

pub(crate) use visit::Visitor;

use crate::{
    calls::told,
    limits::{
        PREVIEWS_PER_HOST, PREVIEWS_PER_ROOM, PREVIEWS_PER_SENDER, RATE_KEYS_MAX,
        rate::{Buckets, Rate},
    },
    metrics::SharedMetrics,
};
use cache::Cache;
use page::Page;
use places::Places;
use visit::{VisitError, leads_to_a_page};

/// What all looks share.
struct Looks {
    visitor: Visitor,
    metrics: SharedMetrics,
    cache: Mutex<Cache>,
    senders: Mutex<Buckets<UserId>>,
    rooms: Mutex<Buckets<RoomId>>,
    hosts: Mutex<Buckets<String>>,
}

/// Looks for as long as the node runs; without a visitor nobody does.
pub(crate) async fn run(
    node: Arc<Node>,
    submit: Arc<dyn Submit>,
    metrics: SharedMetrics,
    visitor: Option<Visitor>,
) {
    let Some(visitor) = visitor else { return };
    let buckets = |(per_second, burst)| Rate::new(per_second, burst);
    let looks = Arc::new(Looks {
        visitor,
        metrics,
        cache: Mutex::default(),
        senders: Mutex::new(Buckets::new(buckets(PREVIEWS_PER_SENDER), RATE_KEYS_MAX)),
        rooms: Mutex::new(Buckets::new(buckets(PREVIEWS_PER_ROOM), RATE_KEYS_MAX)),
        hosts: Mutex::new(Buckets::new(buckets(PREVIEWS_PER_HOST), RATE_KEYS_MAX)),
    });
    let mut places = Places::default();
    loop {
        // Texts wait where they are bounded, not here.
        let open = places.open();
        let (org, room, seq) = tokio::select! {
            next = node.previews.next(open) => next,
            () = places.freed() => continue,
        };
        let (node, submit, looks) = (node.clone(), submit.clone(), looks.clone());
        places.take(org, async move { looks.look(&node, &*submit, room, seq).await });
    }
}

impl Looks {
    async fn look(&self, node: &Node, submit: &dyn Submit, room: RoomId, seq: u64) {
        let linking = match node.linking(room, seq).await {
            Ok(Some(linking)) => linking,
            Ok(None) => return,
            Err(error) => return tracing::warn!(%error, "a message with links can't be read"),
        };
        let mut previews = vec![];
        for link in &linking.links {
            let now = node.now().elapsed;
            let (found, outcome) = self.page(&linking, link, now).await;
            self.metrics.link_previewed(outcome);
            previews.extend(found.map(|page| LinkPreview {
                url: link.clone(),
                title: page.title,
                description: page.description,
                site_name: page.site_name,
            }));
        }
        // An edit that came meanwhile has its own.
        if previews.is_empty() || !node.is_newest(&linking).await.unwrap_or(false) {
            return;
        }
        match told(submit, added(&linking, previews)).await {
            // Deleted or archived meanwhile, or it shall have none.
            Ok(Ok(_) | Err(Refused::Exists | Refused::Archived)) | Err(_) => {}
            Ok(Err(refused)) => tracing::info!(%refused, "link previews can't be added"),
        }
    }

    /// What a link's page says of itself, and how that came about.
    async fn page(
        &self,
        linking: &Linking,
        link: &str,
        now: Duration,
    ) -> (Option<Page>, &'static str) {
        if !leads_to_a_page(link) {
            return (None, "not_allowed");
        }
        let known = lock(&self.cache).get(link, now);
        if let Some(page) = known {
            return (page, "cached");
        }
        let is_over = lock(&self.senders).take(linking.sender(), 1, now).is_err()
            || lock(&self.rooms).take(linking.room(), 1, now).is_err();
        if is_over {
            return (None, "limited");
        }
        let admit = |host: &str| lock(&self.hosts).take(host.to_owned(), 1, now).is_ok();
        let visited = self.visitor.visit(link, &admit).await;
        let outcome = match &visited {
            Ok(Some(_)) => "found",
            Ok(None) => "nothing",
            Err(VisitError::NotAllowed) => "not_allowed",
            Err(VisitError::Failed) => "failed",
            // Later it may be another's turn.
            Err(VisitError::Limited) => return (None, "limited"),
        };
        let page = visited.ok().flatten();
        lock(&self.cache).put(link, page.clone(), now);
        (page, outcome)
    }
}

fn lock<T>(of: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}
