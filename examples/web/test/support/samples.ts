/** Small files made for tests: pictures and sound that browsers and the server can read. */

import { crc32, deflateSync } from "node:zlib";

/** A PNG with two colours that run into each other. */
export function picture(width: number, height: number, hue = 0): Buffer {
  const rows = Buffer.alloc(height * (1 + width * 3));
  for (let y = 0, at = 0; y < height; y++) {
    at += 1;
    for (let x = 0; x < width; x++) {
      rows[at++] = (40 + (x / width) * 180 + hue) & 255;
      rows[at++] = (90 + (y / height) * 120) & 255;
      rows[at++] = (150 - (x / width) * 90 + hue * 2) & 255;
    }
  }
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 2, 0, 0, 0], 8);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([
    signature,
    chunk("IHDR", head),
    chunk("IDAT", deflateSync(rows)),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

function chunk(name: string, body: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(name, "latin1"), body]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length);
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32(named));
  return Buffer.concat([length, named, sum]);
}

const SAMPLES_PER_SECOND = 8000;

/** A WAV with a tone that swells and fades. */
export function sound(seconds: number): Buffer {
  const count = seconds * SAMPLES_PER_SECOND;
  const file = Buffer.alloc(44 + count * 2);
  file.write("RIFF", 0, "latin1");
  file.writeUInt32LE(36 + count * 2, 4);
  file.write("WAVEfmt ", 8, "latin1");
  file.writeUInt32LE(16, 16);
  file.writeUInt16LE(1, 20);
  file.writeUInt16LE(1, 22);
  file.writeUInt32LE(SAMPLES_PER_SECOND, 24);
  file.writeUInt32LE(SAMPLES_PER_SECOND * 2, 28);
  file.writeUInt16LE(2, 32);
  file.writeUInt16LE(16, 34);
  file.write("data", 36, "latin1");
  file.writeUInt32LE(count * 2, 40);
  for (let at = 0; at < count; at++) {
    const swell = Math.sin((at / count) * Math.PI * 3) ** 2;
    file.writeInt16LE(Math.round(Math.sin(at * 0.35) * swell * 26_000), 44 + at * 2);
  }
  return file;
}
