//! Messages to search: words and rooms as uneven as they are among people, the same in every run.

/// Rooms there are.
pub(crate) const ROOMS: usize = 1_000;
/// Every so many of them can be read, the busiest not among them, nor the quietest.
const READABLE_EVERY: usize = 20;
const WORDS: usize = 50_000;
const LONGEST: u64 = 30;

/// One message.
pub(crate) struct Message {
    pub(crate) room: usize,
    pub(crate) text: String,
}

/// What is asked for: all of these words.
pub(crate) struct Query {
    pub(crate) terms: Vec<String>,
}

/// See the module.
pub(crate) struct Corpus {
    /// In the order they are sent.
    pub(crate) messages: Vec<Message>,
    /// Rooms that whoever searches is in.
    pub(crate) readable: Vec<usize>,
}

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// By Zipf's law: the second half as often as the first.
    fn uneven(&mut self, bound: usize) -> usize {
        let share = (self.next() >> 11) as f64 / (1_u64 << 53) as f64;
        // The inverse of the harmonic numbers, near enough.
        let at = ((bound as f64 + 1.0).ln() * share).exp() - 1.0;
        (at as usize).min(bound - 1)
    }
}

/// A word by its rank: letters only, the frequent ones short.
fn word(rank: usize) -> String {
    let mut rest = rank + 26;
    let mut word = String::new();
    while rest > 0 {
        word.push(char::from(b'a' + (rest % 26) as u8));
        rest /= 26;
    }
    // No two in a row are near each other in the alphabet.
    word.push(char::from(b'a' + (rank * 7 % 26) as u8));
    word
}

impl Corpus {
    /// So many messages.
    pub(crate) fn new(count: usize) -> Self {
        let mut random = Random(0x9e37_79b9_7f4a_7c15);
        let message = |random: &mut Random| {
            let room = random.uneven(ROOMS);
            let length = 3 + random.below(LONGEST - 3);
            let words: Vec<String> = (0..length).map(|_| word(random.uneven(WORDS))).collect();
            Message { room, text: words.join(" ") }
        };
        let messages = (0..count).map(|_| message(&mut random)).collect();
        let readable = (READABLE_EVERY / 4..ROOMS).step_by(READABLE_EVERY).collect();
        Corpus { messages, readable }
    }

    /// Searches for one to three words that stand together in some message of a readable room.
    pub(crate) fn queries(&self, count: usize) -> Vec<Query> {
        let mut random = Random(0xd1b5_4a32_d192_ed03);
        let mut queries = Vec::with_capacity(count);
        while queries.len() < count {
            let message = &self.messages[random.below(self.messages.len() as u64) as usize];
            if !self.readable.contains(&message.room) {
                continue;
            }
            let words: Vec<&str> = message.text.split(' ').collect();
            let terms = 1 + queries.len() % 3;
            let mut pick = || words[random.below(words.len() as u64) as usize].to_owned();
            let mut terms: Vec<String> = (0..terms).map(|_| pick()).collect();
            terms.sort();
            terms.dedup();
            queries.push(Query { terms });
        }
        queries
    }
}
