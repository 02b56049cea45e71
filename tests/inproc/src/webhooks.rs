//! Webhooks: posts that go nowhere, answered as the test says.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use parlour_core::{
    draft::{Refused, Submission, Then},
    ports::{
        Task,
        clock::Clock,
        posts::{Post, PostError, Poster},
    },
    webhooks::courier::{Courier, Delivery},
};

use crate::Server;

/// How long may nothing be taken.
const GIVE_UP_AFTER_MS: u64 = 3 * 24 * 3600 * 1000;

/// What was posted, and what the next posts are answered with; those behind are taken.
#[derive(Clone, Default)]
pub struct Outside {
    pub posts: Arc<Mutex<Vec<Post>>>,
    pub answers: Arc<Mutex<VecDeque<Result<(), PostError>>>>,
}

impl Outside {
    /// Where the posts since the last time were from: room and seq.
    pub fn take(&self) -> Vec<u64> {
        self.posts.lock().unwrap().drain(..).map(|post| post.seq).collect()
    }

    pub fn answer(&self, answers: impl IntoIterator<Item = Result<(), PostError>>) {
        self.answers.lock().unwrap().extend(answers);
    }
}

impl Poster for Outside {
    fn check(&self, url: &str) -> Result<(), &'static str> {
        if url.starts_with("https://") { Ok(()) } else { Err("is not https") }
    }

    fn post(&self, post: Post) -> Task<'static, Result<(), PostError>> {
        self.posts.lock().unwrap().push(post);
        let answer = self.answers.lock().unwrap().pop_front();
        Box::pin(async move { answer.unwrap_or(Ok(())) })
    }

    fn give_up_after_ms(&self) -> u64 {
        GIVE_UP_AFTER_MS
    }
}

impl Server {
    /// Posts what is to be posted now, one after the other, as the driver does.
    pub fn post(&mut self) {
        let mut courier = self.take_courier();
        loop {
            self.runtime.block_on(courier.hear()).unwrap();
            let now = Clock::now(&*self.hand);
            while let Some(stop) = self.runtime.block_on(courier.next_stop(now)).unwrap() {
                match self.try_commit(stop.draft) {
                    Ok(()) => courier.handle_stopped(stop.line, stop.state),
                    Err(Refused::Exists) => courier.handle_outdated(stop.line),
                    Err(Refused::Stale) => {}
                    Err(refused) => panic!("{refused}"),
                }
            }
            let next = self.runtime.block_on(courier.next(now)).unwrap();
            let Some(delivery) = next else {
                if courier.has_stops() {
                    continue;
                }
                break;
            };
            let port = self.node.webhooks.port().unwrap().clone();
            let result = self.runtime.block_on(port.post(delivery.post));
            courier.handle_posted(delivery.line, delivery.epoch, result, now);
        }
        let now = Clock::now(&*self.hand);
        for draft in courier.take_drafts(now) {
            let then = Then::Callback(Box::new(|_| {}));
            self.hub.handle_submission(Submission { draft, then });
        }
        self.courier = Some(courier);
        self.run();
    }

    /// The next post, which is under way from then on.
    pub fn begin_post(&mut self) -> Option<Delivery> {
        let mut courier = self.take_courier();
        self.runtime.block_on(courier.hear()).unwrap();
        let now = Clock::now(&*self.hand);
        let next = self.runtime.block_on(courier.next(now)).unwrap();
        self.courier = Some(courier);
        next
    }

    /// It has ended.
    pub fn end_post(&mut self, delivery: Delivery, result: Result<(), PostError>) {
        let mut courier = self.take_courier();
        let now = Clock::now(&*self.hand);
        courier.handle_posted(delivery.line, delivery.epoch, result, now);
        self.courier = Some(courier);
    }

    /// The courier, for what no other method does.
    pub fn take_courier(&mut self) -> Courier {
        self.run();
        match self.courier.take() {
            Some(courier) => courier,
            None => self.runtime.block_on(Courier::open(self.node.clone())).unwrap(),
        }
    }

    /// It goes on.
    pub fn put_courier(&mut self, courier: Courier) {
        self.courier = Some(courier);
    }

    /// What the courier knew is gone, as after a crash.
    pub fn forget_courier(&mut self) {
        self.courier = None;
    }
}
