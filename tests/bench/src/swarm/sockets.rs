//! A swarm over TCP: Socket.IO or plain `ws`, with TLS or without.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use mio::{Events, Interest, Poll, Token};
use rustls::ClientConfig;

use super::dialect::{Dialect, Heard, offset};
use super::link::Link;
use super::meter::Meter;
use super::world::World;
use super::{Client, Old, Seen, Swarm, websocket};
use crate::harness::{Outcome, certificate, during};

const EVENTS_MAX: usize = 256;

/// Where a swarm connects to, and how.
pub(crate) struct Target {
    pub(crate) address: SocketAddr,
    pub(crate) dialect: Dialect,
    pub(crate) tls: bool,
    /// Recovery is on: every event carries an offset.
    pub(crate) recover: bool,
}

/// The clients.
pub(crate) struct Sockets {
    poll: Poll,
    events: Events,
    target: Target,
    tls: Option<Arc<ClientConfig>>,
    world: Arc<World>,
    members: Vec<Member>,
    meter: Meter,
}

struct Member {
    link: Option<Link>,
    user: usize,
    upgraded: bool,
    inbox: Vec<u8>,
    /// For recovery.
    pid: Option<String>,
    offset: String,
}

impl Sockets {
    pub(crate) fn new(target: Target, world: Arc<World>) -> Outcome<Self> {
        let tls = if target.tls { Some(Arc::new(certificate::client_tls(&[])?)) } else { None };
        Ok(Self {
            poll: Poll::new().map_err(during("poll"))?,
            events: Events::with_capacity(EVENTS_MAX),
            target,
            tls,
            world,
            members: Vec::new(),
            meter: Meter::new(),
        })
    }

    /// Asks for a page of a room's history: at most `limit` posts before an id, 0 for the newest.
    pub(crate) fn page(&mut self, client: Client, room: usize, before: u64, limit: u32) -> Outcome {
        let text = Dialect::page(&World::room_name(room), before, limit);
        self.say(client, text.as_bytes())
    }

    fn open(&mut self, client: Client, from: Option<IpAddr>) -> Outcome {
        let member = &mut self.members[client];
        let mut link = Link::open(self.target.address, from, self.tls.as_ref())?;
        let token = self.world.token(member.user);
        link.queue(websocket::upgrade(&self.target.dialect.path(&token)).as_bytes())?;
        let interest = Interest::READABLE | Interest::WRITABLE;
        (self.poll.registry().register(&mut link.stream, Token(client), interest))
            .map_err(during("poll"))?;
        member.link = Some(link);
        member.upgraded = false;
        member.inbox.clear();
        Ok(())
    }

    fn say(&mut self, client: Client, text: &[u8]) -> Outcome {
        let Some(link) = &mut self.members[client].link else { return Ok(()) };
        let mut frame = Vec::with_capacity(text.len() + 14);
        websocket::put(websocket::TEXT, text, &mut frame);
        link.queue(&frame)?;
        link.flush()
    }

    fn wake(&mut self, client: Client, readable: bool, seen: &mut Vec<Seen>) -> Outcome {
        let Some(member) = self.members.get_mut(client) else { return Ok(()) };
        let Some(link) = &mut member.link else { return Ok(()) };
        let mut inbox = std::mem::take(&mut member.inbox);
        let outcome = match link.flush() {
            Ok(()) if readable => link.read(&mut inbox),
            Ok(()) => Ok(true),
            Err(why) => Err(why),
        };
        let outcome = outcome.and_then(|open| {
            self.take_in(client, &mut inbox, seen)?;
            Ok(open)
        });
        let member = &mut self.members[client];
        member.inbox = inbox;
        let why = match outcome {
            Ok(true) => return Ok(()),
            Ok(false) => "the server has ended the connection".to_owned(),
            Err(why) => why,
        };
        // A link given up in between by `again` isn't lost.
        if member.link.take().is_some() {
            seen.push(Seen::Closed { client, why });
        }
        Ok(())
    }

    /// Takes whole messages off the front.
    fn take_in(&mut self, client: Client, inbox: &mut Vec<u8>, seen: &mut Vec<Seen>) -> Outcome {
        let mut at = 0;
        if !self.members[client].upgraded {
            let Some(end) = websocket::upgraded(inbox)? else { return Ok(()) };
            self.members[client].upgraded = true;
            at = end;
        }
        let now = Instant::now();
        while let Some((opcode, payload)) = websocket::take(&inbox[at..]) {
            let end = payload.end;
            self.message(client, opcode, &inbox[at..][payload], now, seen)?;
            at += end;
        }
        inbox.drain(..at);
        Ok(())
    }

    fn message(
        &mut self,
        client: Client,
        opcode: u8,
        text: &[u8],
        at: Instant,
        seen: &mut Vec<Seen>,
    ) -> Outcome {
        match opcode {
            websocket::TEXT => {}
            websocket::PING => return self.pong(client, text),
            websocket::CLOSE => return Err("the server has closed".to_owned()),
            _ => return Ok(()),
        }
        match self.target.dialect.hear(text) {
            Heard::Post(number) => {
                self.remember(client, text);
                seen.push(Seen::Delivered { client, number, at });
            }
            Heard::Ack(number) => seen.push(Seen::Acked { number, at }),
            Heard::Ready => {
                self.remember(client, text);
                seen.push(Seen::Ready(client));
            }
            Heard::Answer(text) => self.say(client, text)?,
            Heard::Session(pid) => self.members[client].pid = pid,
            Heard::Greet => self.greet(client)?,
            Heard::Page => seen.push(Seen::Page { body: text.to_vec() }),
            Heard::BulkDone => seen.push(Seen::BulkDone),
            Heard::Refused(why) => return Err(why),
            Heard::Nothing => {}
        }
        Ok(())
    }

    fn greet(&mut self, client: Client) -> Outcome {
        let member = &self.members[client];
        let resume = member.pid.as_deref().map(|pid| (pid, member.offset.as_str()));
        let text = Dialect::greeting(&self.world.token(member.user), resume);
        self.say(client, text.as_bytes())
    }

    fn remember(&mut self, client: Client, text: &[u8]) {
        if !self.target.recover {
            return;
        }
        if let Some(offset) = offset(text) {
            self.members[client].offset = offset.to_owned();
        }
    }

    fn pong(&mut self, client: Client, payload: &[u8]) -> Outcome {
        let Some(link) = &mut self.members[client].link else { return Ok(()) };
        let mut frame = Vec::new();
        websocket::put(websocket::PONG, payload, &mut frame);
        link.queue(&frame)?;
        link.flush()
    }
}

impl Swarm for Sockets {
    fn connect(&mut self, user: usize, from: Option<IpAddr>) -> Outcome<Client> {
        let client = self.members.len();
        let (inbox, offset) = (Vec::new(), String::new());
        self.members.push(Member { link: None, user, upgraded: false, inbox, pid: None, offset });
        self.open(client, from)?;
        Ok(client)
    }

    fn post(&mut self, client: Client, room: usize, number: u64) -> Outcome {
        let text = self.world.text(number);
        let text = self.target.dialect.post(&World::room_name(room), &text, number);
        self.say(client, text.as_bytes())
    }

    fn turn(&mut self, wait: Duration, seen: &mut Vec<Seen>) -> Outcome {
        let asked = Instant::now();
        match self.poll.poll(&mut self.events, Some(wait)) {
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => return Ok(()),
            polled => polled.map_err(during("poll"))?,
        }
        if !wait.is_zero() || self.events.is_empty() {
            self.meter.waited(asked.elapsed());
        }
        let woken: Vec<(usize, bool)> =
            self.events.iter().map(|event| (event.token().0, event.is_readable())).collect();
        woken.into_iter().try_for_each(|(client, readable)| self.wake(client, readable, seen))
    }

    fn meter(&mut self) -> &mut Meter {
        &mut self.meter
    }

    fn fill(&mut self, _: Client, _: usize, _: usize) -> Outcome {
        Ok(())
    }

    fn bulk(&mut self, client: Client, bytes: usize) -> Outcome {
        self.say(client, Dialect::bulk(bytes).as_bytes())
    }

    /// TCP can't follow: the best a client can do is to connect anew at once and recover.
    fn moved(&mut self, client: Client, address: IpAddr, _: Old) -> Outcome {
        self.members[client].link = None;
        self.open(client, Some(address))
    }

    fn again(&mut self, client: Client) -> Outcome {
        self.members[client].link = None;
        self.open(client, None)
    }
}
