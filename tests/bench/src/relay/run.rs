//! The relay's own process: makes the devices, moves packets, does what it is told.

use std::collections::HashMap;
use std::fs::File;
use std::io::{Read, Write};
use std::net::Ipv4Addr;
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};

use super::path::{Nature, Path};
use super::{Passed, READY, tun};
use crate::harness::namespace::{CLIENT_ADDRESSES, SERVER, SERVER_ADDRESS, ip};
use crate::harness::{Outcome, during};

const CLIENT_DEVICE: &str = "pbclient";
const SERVER_DEVICE: &str = "pbserver";
const MTU: &str = "1500";
const PACKET_BYTES_MAX: usize = 2_048;
const LONG: Duration = Duration::from_secs(3600);

/// Runs until its input ends.
pub(crate) fn run() -> Outcome {
    let client = tun::open(CLIENT_DEVICE).map_err(during("TUN device"))?;
    let server = tun::open(SERVER_DEVICE).map_err(during("TUN device"))?;
    set_up()?;
    let mut relay = Relaying {
        ends: [client, server],
        paths: [Path::new(0x1234_5678_9abc_def1), Path::new(0x0fed_cba9_8765_4321)],
        nature: Nature::default(),
        dark: None,
        passed: HashMap::new(),
        said: Vec::new(),
    };
    say(READY)?;
    relay.relay()
}

/// Addresses and routes, each end in its namespace.
fn set_up() -> Outcome {
    for address in CLIENT_ADDRESSES {
        ip(&["addr", "add", &format!("{address}/32"), "dev", CLIENT_DEVICE])?;
    }
    ip(&["link", "set", CLIENT_DEVICE, "mtu", MTU, "up"])?;
    ip(&["route", "add", SERVER_ADDRESS, "dev", CLIENT_DEVICE, "src", CLIENT_ADDRESSES[0]])?;
    ip(&["link", "set", SERVER_DEVICE, "netns", SERVER])?;
    ip(&["-n", SERVER, "addr", "add", &format!("{SERVER_ADDRESS}/32"), "dev", SERVER_DEVICE])?;
    ip(&["-n", SERVER, "link", "set", SERVER_DEVICE, "mtu", MTU, "up"])?;
    ip(&["-n", SERVER, "route", "add", "198.18.0.0/24", "dev", SERVER_DEVICE])
}

struct Relaying {
    /// The client's device and the server's.
    ends: [File; 2],
    /// From the client and from the server.
    paths: [Path; 2],
    nature: Nature,
    dark: Option<Ipv4Addr>,
    passed: HashMap<Ipv4Addr, Passed>,
    said: Vec<u8>,
}

const INPUT: Token = Token(2);

impl Relaying {
    fn relay(&mut self) -> Outcome {
        let mut poll = Poll::new().map_err(during("poll"))?;
        let input = std::io::stdin().as_raw_fd();
        let ends = [self.ends[0].as_raw_fd(), self.ends[1].as_raw_fd(), input];
        for (at, fd) in ends.iter().enumerate() {
            (poll.registry().register(&mut SourceFd(fd), Token(at), Interest::READABLE))
                .map_err(during("poll"))?;
        }
        let mut events = Events::with_capacity(8);
        loop {
            let due = self.paths.iter().filter_map(Path::due).min();
            let wait = due.map_or(LONG, |due| due.saturating_duration_since(Instant::now()));
            match poll.poll(&mut events, Some(wait)) {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                polled => polled.map_err(during("poll"))?,
            }
            for event in &events {
                match event.token() {
                    INPUT if !self.hear()? => return Ok(()),
                    INPUT => {}
                    Token(from) => self.take(from)?,
                }
            }
            self.deliver(Instant::now());
        }
    }

    fn take(&mut self, from: usize) -> Outcome {
        let mut packet = [0; PACKET_BYTES_MAX];
        loop {
            let got = match self.ends[from].read(&mut packet) {
                Ok(got) => got,
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(format!("TUN device: {error}")),
            };
            let Some(address) = client_of(&packet[..got], from) else { continue };
            if self.dark == Some(address) {
                continue;
            }
            self.paths[from].send(&packet[..got], &self.nature, Instant::now());
            let passed = self.passed.entry(address).or_default();
            let (bytes, packets) = match from {
                0 => (&mut passed.up_bytes, &mut passed.up_packets),
                _ => (&mut passed.down_bytes, &mut passed.down_packets),
            };
            *bytes += got as u64;
            *packets += 1;
        }
    }

    fn deliver(&mut self, now: Instant) {
        for (from, path) in self.paths.iter_mut().enumerate() {
            while let Some(packet) = path.arrived(now) {
                let dark = self.dark.is_some() && self.dark == client_of(&packet, from);
                if !dark {
                    // A device that takes no more is a network that drops.
                    let _ = self.ends[1 - from].write(&packet);
                }
            }
        }
    }

    /// Does what its input says; `false` at the input's end.
    fn hear(&mut self) -> Outcome<bool> {
        let mut bytes = [0; 256];
        let got = std::io::stdin().read(&mut bytes).map_err(during("input"))?;
        self.said.extend_from_slice(&bytes[..got]);
        while let Some(end) = self.said.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.said.drain(..=end).collect();
            self.obey(String::from_utf8_lossy(&line).trim())?;
        }
        Ok(got > 0)
    }

    fn obey(&mut self, line: &str) -> Outcome {
        let (word, value) = line.split_once(' ').unwrap_or((line, ""));
        let number = || value.parse::<u32>().map_err(during(line));
        match word {
            "rtt" => self.nature.delay = Duration::from_millis(u64::from(number()?)) / 2,
            "loss" => self.nature.lost_permille = number()? * 10,
            "rate" => self.nature.rate = u64::from(number()?) * 125_000,
            "dark" => self.dark = Some(value.parse().map_err(during(line))?),
            "light" => self.dark = None,
            "passed" => {
                let address: Ipv4Addr = value.parse().map_err(during(line))?;
                let Passed { down_bytes, down_packets, up_bytes, up_packets } =
                    self.passed.get(&address).copied().unwrap_or_default();
                say(&format!("{down_bytes} {down_packets} {up_bytes} {up_packets}"))?;
            }
            _ => return Err(format!("unknown word `{line}`")),
        }
        Ok(())
    }
}

/// The client's address in an IPv4 packet: its source on the way to the server, else its target.
fn client_of(packet: &[u8], from: usize) -> Option<Ipv4Addr> {
    if packet.first()? >> 4 != 4 {
        return None;
    }
    let at = if from == 0 { 12 } else { 16 };
    let bytes: [u8; 4] = packet.get(at..at + 4)?.try_into().ok()?;
    Some(Ipv4Addr::from(bytes))
}

fn say(line: &str) -> Outcome {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).map_err(during("output"))
}
