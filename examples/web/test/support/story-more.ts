/** The other rooms of the story. */

import type { Line, Scene } from "./story.ts";

const SMALL_TALK: readonly [string, string][] = [
  ["amina", "Who left half a lemon cake on the table? Asking for nobody in particular."],
  ["jonas", "It’s for everybody. The recipe has too much butter to be written down."],
  ["leo", "I can confirm the butter."],
  ["noor", "There is cardamom coffee on the stove if somebody wants some ☕"],
  ["tomas", "On my way"],
  ["yuki", "Same 🏃"],
  ["priya", "I’m 7,000 km away and would like to complain."],
  ["amina", "We will drink one for you, slowly."],
  ["mara", "Saw a fox behind the workshop this morning. It looked at me as if I were late."],
  ["jonas", "You were."],
  ["leo", "Film on Friday? The small cinema shows one about lighthouses."],
  ["noor", "Yes! With subtitles?"],
  ["leo", "With subtitles."],
  ["tomas", "🙋"],
  ["yuki", "🍿"],
];

function many(count: number): Line[] {
  return Array.from({ length: count }, (_, at) => {
    const [by, text] = SMALL_TALK[at % SMALL_TALK.length] as [string, string];
    return { by, text, after: 3 + ((at * 7) % 11) };
  });
}

export const ALFRESCO: readonly Scene[] = [
  { room: "kitchen", day: -6, from: "8:05", lines: many(60) },
  { room: "kitchen", day: -4, from: "8:15", lines: many(60) },
  { room: "kitchen", day: -1, from: "9:30", lines: many(45) },
  {
    room: "kitchen",
    day: 0,
    from: "9:02",
    lines: [
      { by: "amina", text: "🥐🥐🥐", after: 2 },
      {
        by: "leo",
        text: "The best message of the week, and it’s only Friday.",
        reactions: { "🥐": ["amina", "jonas", "noor"], "😋": ["yuki"] },
      },
    ],
  },
  {
    room: "incidents",
    day: -1,
    from: "3:12",
    lines: [
      {
        by: "priya",
        text: "**INC-58** Gateway eu-west drops one packet in fifty since 03:05. Nobody notices yet. I’m on it.",
        thread: [
          { by: "priya", text: "The new firewall rule counts fragments twice. Rolled back at 03:21." },
          { by: "noor", text: "Maps are complete again since 03:24." },
          { by: "mara", text: "Thank you both. Did anything get lost?" },
          {
            by: "priya",
            text: "Nothing: the stations repeat what isn’t acknowledged. @Mara Lindqvist I’ll show you the graph at ten.",
            mentions: ["mara"],
          },
          {
            by: "priya",
            text: "Closed. What we learned: a rule like that goes to one gateway first.",
            reactions: { "📝": ["mara", "noor"] },
          },
        ],
        reactions: { "🚨": ["noor"], "✅": ["noor", "mara"] },
      },
    ],
  },
  {
    room: "design",
    day: -1,
    from: "11:00",
    lines: [
      { by: "jonas", text: "Two enclosures, same volume. Left is cheaper, right survives hail." },
      {
        by: "noor",
        text: "Right, please. I have seen hail in Beirut that you could play tennis with.",
        reactions: {
          "🎾": ["jonas", "yuki", "mara", "priya"],
          "😱": ["priya"],
          "❤️": ["yuki"],
          "👍": ["mara", "priya", "jonas"],
          "🧊": ["jonas"],
          "🏠": ["yuki"],
          "💯": ["mara"],
          "🙌": ["priya"],
          "🌩️": ["jonas", "yuki"],
        },
      },
      {
        by: "priya",
        text: "How do I recognise them from above?\n\n1. by the colour of the lid\n2. by the code on the lid\n3. by asking the station itself, `GET /id`, which answers without a login",
      },
      { by: "yuki", text: "3, and then 2 when it doesn’t answer." },
    ],
  },
  {
    room: "arabic",
    day: 0,
    from: "8:10",
    lines: [
      { by: "noor", text: "راجعت النصوص كلها. بقيت كلمة واحدة: هل نقول «محطة» أم «جهاز»؟" },
      { by: "mara", text: "I’d follow you, but “station” is what stands on the lid." },
      { by: "noor", text: "إذن «محطة». شكرًا!", reactions: { "👍": ["mara", "priya"] } },
    ],
  },
  {
    room: "long",
    day: -2,
    from: "16:40",
    lines: [
      {
        by: "yuki",
        text: "Minutes of today: the sensors drift by 0.3 % a month above 35 °C, and by nothing at all below.",
      },
      {
        by: "amina",
        text: "https://example.com/a/very/long/address/that/nobody/reads/but/that/has/to/break/somewhere/or/the/whole/page/grows/wider/than/the/window?and=it&has=parameters&too=yes",
      },
    ],
  },
  {
    room: "direct:mara+tomas",
    day: -1,
    from: "17:02",
    lines: [
      { by: "tomas", text: "Do you have ten minutes tomorrow for the antenna?" },
      { by: "mara", text: "At ten, with coffee?" },
      { by: "tomas", text: "Perfect" },
    ],
  },
  {
    room: "direct:mara+amina",
    day: 0,
    from: "9:05",
    lines: [
      { by: "amina", text: "I’m on the train already, so answer here rather than by phone 🚆" },
      { by: "amina", text: "And: thank you for yesterday. It made the difference." },
    ],
  },
  {
    room: "direct:mara+noor",
    day: -2,
    from: "12:30",
    lines: [
      { by: "noor", text: "أرسلت لك الخريطة الجديدة" },
      { by: "mara", text: "Got it, it’s beautiful." },
    ],
  },
  {
    room: "direct:mara+leo",
    day: -5,
    from: "15:00",
    lines: [
      { by: "mara", text: "Enjoy the sun!" },
      { by: "leo", text: "☀️" },
    ],
  },
];
