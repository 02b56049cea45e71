/** What is said in the organization of the screenshots and tests: a small maker of weather instruments. */

import type { NewPoll } from "@parlour/client";
import { ALFRESCO } from "./story-more.ts";

/** Somebody. */
export interface Person {
  readonly subject: string;
  readonly name: string;
  readonly status?: { readonly emoji: string; readonly text: string };
}

/** Something that is said, and what comes of it. */
export interface Line {
  readonly by: string;
  readonly text?: string;
  /** Minutes until the next line. */
  readonly after?: number;
  readonly mentions?: readonly string[];
  /** Its name, for lines that answer it. */
  readonly as?: string;
  readonly answers?: string;
  readonly reactions?: Readonly<Record<string, readonly string[]>>;
  readonly thread?: readonly Line[];
  readonly poll?: NewPoll;
  readonly votes?: Readonly<Record<string, number[]>>;
  readonly isPinned?: boolean;
  readonly editedTo?: string;
  readonly isDeleted?: boolean;
}

/** What is said in one room from one time on. */
export interface Scene {
  readonly room: string;
  /** Days from today; 0 is today. */
  readonly day: number;
  readonly from: string;
  readonly lines: readonly Line[];
}

export const PEOPLE: readonly Person[] = [
  { subject: "mara", name: "Mara Lindqvist" },
  { subject: "tomas", name: "Tomás Herrera", status: { emoji: "🎧", text: "Focusing until three" } },
  { subject: "yuki", name: "Yuki Tanaka" },
  { subject: "amina", name: "Amina Diallo", status: { emoji: "🚆", text: "On the train to Lyon" } },
  { subject: "jonas", name: "Jonas Weber" },
  { subject: "priya", name: "Priya Raghunathan" },
  { subject: "leo", name: "Leo Castellanos-Whitfield", status: { emoji: "🌴", text: "Back on Monday" } },
  { subject: "noor", name: "نور الحداد" },
];

const ALL = PEOPLE.map(({ subject }) => subject);

export const DIRECTORY = `
[organization]
org = "meridian"
name = "Meridian Instruments"
topic = "News for all of us"

[[nodes]]
key = "engineering"
kind = "department"
name = "Engineering"

[[nodes]]
key = "engineering/firmware"
kind = "team"
name = "Firmware"
parent = "engineering"
topic = "What runs in the stations"
members = ["mara", "tomas", "yuki", "jonas"]

[[nodes]]
key = "engineering/cloud"
kind = "team"
name = "Cloud"
parent = "engineering"
members = ["mara", "priya", "noor"]

[[nodes]]
key = "field"
kind = "department"
name = "Field service"
members = ["mara", "amina", "leo"]

${[
  ["mara", "Head of engineering", "she/her", "Europe/Stockholm", "owner"],
  ["tomas", "Firmware engineer", "he/him", "America/Bogota", "member"],
  ["yuki", "Sensors", "they/them", "Asia/Tokyo", "member"],
  ["amina", "Field service lead", "she/her", "Africa/Dakar", "member"],
  ["jonas", "Hardware", "he/him", "Europe/Berlin", "member"],
  ["priya", "Cloud platform", "she/her", "Asia/Kolkata", "member"],
  ["leo", "Field service", "he/him", "America/New_York", "member"],
  ["noor", "Data and maps", "she/her", "Asia/Beirut", "member"],
]
  .map(
    ([subject, title, pronouns, zone, role]) =>
      `[[users]]\nsubject = "${subject}"\nrole = "${role}"\nname = "${PEOPLE.find((it) => it.subject === subject)?.name}"\nhandle = "${subject}"\ntitle = "${title}"\npronouns = "${pronouns}"\ntime_zone = "${zone}"\n`,
  )
  .join("\n")}
`;

export const ROOMS: readonly {
  key: string;
  name: string;
  by: string;
  members: readonly string[];
  topic?: string;
  isOpen?: boolean;
}[] = [
  {
    key: "launch",
    name: "Station 4 launch",
    by: "mara",
    members: ALL,
    topic: "Everything until the first hundred are in the field · ships 12 December",
    isOpen: true,
  },
  {
    key: "design",
    name: "Design review",
    by: "jonas",
    members: ["mara", "yuki", "priya", "noor"],
    topic: "Mondays, and whenever something looks odd",
    isOpen: true,
  },
  {
    key: "incidents",
    name: "Incidents",
    by: "priya",
    members: ALL,
    topic: "One thread per incident, please",
    isOpen: true,
  },
  { key: "kitchen", name: "Kitchen table", by: "amina", members: ALL, topic: "Not about work", isOpen: true },
  {
    key: "arabic",
    name: "ترجمة الواجهة",
    by: "noor",
    members: ["mara", "priya"],
    topic: "مراجعة النصوص العربية",
  },
  {
    key: "long",
    name: "Working group on calibration of humidity sensors in tropical climates",
    by: "yuki",
    members: ["mara", "amina"],
  },
  {
    key: "books",
    name: "Book club",
    by: "leo",
    members: ["noor", "tomas"],
    topic: "This month: The Invention of Nature",
    isOpen: true,
  },
];

const CALIBRATION = `\`\`\`rust
/// Relative humidity in per mille, corrected for the temperature of the sensor's own die.
pub fn corrected(raw: Raw, die: Celsius, table: &Calibration) -> Result<PerMille, OutOfRange> {
    let (below, above) = table.around(die).ok_or(OutOfRange { die, lowest: table.lowest(), highest: table.highest() })?;
    let share = (die - below.at) / (above.at - below.at);
    Ok(raw.linear() * below.gain.lerp(above.gain, share) + below.offset.lerp(above.offset, share))
}
\`\`\``;

export const STORY: readonly Scene[] = [
  {
    room: "launch",
    day: -3,
    from: "9:12",
    lines: [
      {
        by: "mara",
        text: "Good morning! The first ten boards of **Station 4** are back from the assembler. Photos and measurements go into this room, decisions into the thread below each message.",
        reactions: {
          "🎉": ["tomas", "yuki", "amina", "jonas", "priya", "leo", "noor"],
          "👀": ["yuki", "noor"],
        },
      },
      {
        by: "jonas",
        text: "Nine of ten come up at once. Number seven draws 40 mA in standby, I suspect the charger.",
        after: 4,
        thread: [
          { by: "tomas", text: "Does it go away with `CHG_EN` low?" },
          { by: "jonas", text: "It does. So it *is* the charger." },
          { by: "mara", text: "Is it just that one?" },
          {
            by: "jonas",
            text: "A solder bridge below U3. Reworked, 11 µA now.",
            reactions: { "🙌": ["tomas", "mara"] },
          },
        ],
      },
      {
        by: "yuki",
        text: "Bench results for the first three:\n\n| station | humidity error | pressure error | noise |\n|---|---|---|---|\n| 1 | 0.8 % | 0.11 hPa | 2 µV |\n| 2 | 0.9 % | 0.09 hPa | 2 µV |\n| 3 | 2.4 % | 0.12 hPa | 5 µV |\n\nNumber 3 has a fingerprint on the membrane. I cleaned it and measure again tonight.",
        after: 12,
        as: "bench",
      },
      {
        by: "amina",
        text: "How long may that membrane be touched in the field before we have to swap it?",
        answers: "bench",
        after: 3,
      },
      {
        by: "yuki",
        text: "Not at all, honestly. I’d rather ship a small cap that the installer takes off last.",
      },
      {
        by: "mara",
        text: "@Jonas Weber can we have such a cap without moving the date?",
        mentions: ["jonas"],
        after: 6,
      },
      {
        by: "jonas",
        text: "From the printer, yes. I’ll draw one this afternoon.",
        reactions: { "🙏": ["mara", "amina"] },
        after: 40,
      },
      { by: "leo", text: "Pasted into the wrong room, sorry", isDeleted: true },
    ],
  },
  {
    room: "launch",
    day: -2,
    from: "10:03",
    lines: [
      {
        by: "tomas",
        text: "The radio now joins in 1.2 s instead of 8. The trick was to keep the last channel in retained memory:",
        as: "radio",
      },
      { by: "tomas", text: CALIBRATION, after: 2, reactions: { "🔥": ["priya", "jonas"] } },
      {
        by: "tomas",
        text: "…that is the calibration of course, not the radio. The radio is in the merge request 🙃",
        editedTo: "…that is the calibration of course, not the radio. The radio is in merge request 412 🙃",
        reactions: { "😂": ["mara", "yuki", "amina", "priya", "noor"] },
      },
      {
        by: "priya",
        text: "Nice one either way! I see the joins on the dashboard: <https://status.example.com/joins?since=48h>",
        answers: "radio",
        after: 25,
      },
      { by: "noor", text: "الخرائط جاهزة للمحطات العشر الأولى، ويمكنكم رؤيتها في لوحة المتابعة.", after: 2 },
      {
        by: "noor",
        text: "(The maps for the first ten stations are ready, you can see them on the dashboard.)",
        reactions: { "🗺️": ["amina"], "❤️": ["mara", "leo", "amina"] },
      },
    ],
  },
  {
    room: "launch",
    day: -1,
    from: "14:20",
    lines: [
      {
        by: "mara",
        text: "## Where we are\n\n- [x] Boards reworked and measured\n- [x] Radio joins within two seconds\n- [ ] Caps printed\n- [ ] Manual in four languages\n\n> The date stands: **12 December**, the first hundred.\n\nWhoever sees a reason why not, say it here and now rather than on the 11th.",
        isPinned: true,
        reactions: {
          "👍": ["tomas", "yuki", "amina", "jonas", "priya", "noor", "leo"],
          "🚀": ["tomas", "priya"],
          "📌": ["amina"],
        },
        after: 9,
      },
      {
        by: "amina",
        poll: {
          question: "Who can come along to the first installation in Lyon?",
          options: [
            { text: "Tuesday the 16th", emoji: "🌤️" },
            { text: "Wednesday the 17th" },
            { text: "Either of them" },
            { text: "Not this time, but tell me everything" },
          ],
          maxChoices: 1,
        },
        votes: { tomas: [0], yuki: [2], jonas: [0], priya: [3], noor: [2] },
        after: 18,
      },
      {
        by: "jonas",
        text: "Caps: first print is 0.2 mm too tight, second one sits. @Yuki Tanaka do you want matte or glossy?",
        mentions: ["yuki"],
        after: 2,
      },
      {
        by: "yuki",
        text: "Matte. Glossy ones will be kept as souvenirs.",
        reactions: { "😄": ["jonas", "mara", "leo"] },
      },
    ],
  },
  {
    room: "launch",
    day: 0,
    from: "8:41",
    lines: [
      {
        by: "priya",
        text: "Overnight: **9 of 10** stations reported all 288 readings. Number 3 missed four between 02:10 and 02:30.",
        thread: [
          {
            by: "yuki",
            text: "That is when I opened the chamber. My fault, not the radio’s.",
            reactions: { "👍": ["priya"] },
          },
          { by: "priya", text: "Then it’s ten of ten for me 🎉" },
          {
            by: "tomas",
            text: "I’d still like to see the log, if only to learn what it does without an answer from the gateway.",
          },
          { by: "mara", text: "Me too. Where do you keep it?" },
          { by: "priya", text: "Uploaded to the usual place, `station-3/2026-11-27.log`" },
        ],
        reactions: { "🌙": ["yuki"], "✅": ["mara", "amina", "tomas", "jonas"] },
        after: 7,
      },
      {
        by: "leo",
        text: "Does anybody have the torque for the mast clamp? The manual says “firmly”, and I have seen what people take for that.",
        after: 5,
        as: "torque",
      },
      {
        by: "jonas",
        text: "8 Nm for aluminium, 12 Nm for steel. I’ll put it into the manual *and* onto the clamp.",
        answers: "torque",
        reactions: { "💪": ["leo", "amina"], "🔧": ["leo"] },
        after: 3,
      },
      {
        by: "amina",
        text: "@Mara Lindqvist the customer in Lyon asks whether we could bring **two** stations. Yes from my side, if you say so before noon.",
        mentions: ["mara"],
        after: 6,
        reactions: { "👀": ["leo"] },
      },
      {
        by: "tomas",
        text: "Two would be great: then we see whether they hear each other across the valley.",
      },
      { by: "tomas", text: "I’d take the long antenna along in any case.", after: 4 },
      { by: "yuki", text: "And I have a spare membrane for each." },
    ],
  },
  ...ALFRESCO,
];
