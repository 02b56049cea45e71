import { expect, test } from "vitest";
import { endingOf, fitIn, kindOf, lengthOf, sizeOf } from "./measures.ts";

test("sizes are said in the largest unit that fits", () => {
  expect(sizeOf(17, "en")).toBe("17 bytes");
  expect(sizeOf(4_600, "en")).toBe("5 kB");
  expect(sizeOf(2_440_000, "en")).toBe("2.4 MB");
  expect(sizeOf(104_857_600, "en")).toBe("105 MB");
  expect(sizeOf(3_000_000_000, "en")).toBe("3 GB");
});

test("lengths are said in minutes and seconds", () => {
  expect(lengthOf(900, "en")).toBe("0:01");
  expect(lengthOf(65_000, "en")).toBe("1:05");
  expect(lengthOf(3_725_000, "en")).toBe("1:02:05");
});

test("what browsers can't show is a file", () => {
  expect(kindOf({ mediaType: "image/png", isVoice: false })).toBe("picture");
  expect(kindOf({ mediaType: "image/svg+xml", isVoice: false })).toBe("file");
  expect(kindOf({ mediaType: "video/webm", isVoice: true })).toBe("sound");
  expect(kindOf({ mediaType: "audio/ogg; codecs=opus", isVoice: false })).toBe("sound");
  expect(kindOf({ mediaType: "video/x-matroska", isVoice: false })).toBe("file");
});

test("pictures keep their shape, and small ones their size", () => {
  const max = { width: 400, height: 300 };
  expect(fitIn({ width: 1600, height: 800 }, max)).toEqual({ width: 400, height: 200 });
  expect(fitIn({ width: 300, height: 3000 }, max)).toEqual({ width: 48, height: 300 });
  expect(fitIn({ width: 90, height: 60 }, max)).toEqual({ width: 90, height: 60 });
  expect(fitIn({ width: 0, height: 0 }, max)).toEqual({ width: 400, height: 300 });
});

test("endings are short and plain", () => {
  expect(endingOf("Report.final.pdf")).toBe("PDF");
  expect(endingOf("Makefile")).toBe("");
  expect(endingOf("strange.ending-here")).toBe("");
});
