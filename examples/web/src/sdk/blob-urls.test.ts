import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { BlobUrls } from "./blob-urls.ts";

const revoked: string[] = [];
let made = 0;

beforeEach(() => {
  revoked.length = 0;
  made = 0;
  vi.spyOn(URL, "createObjectURL").mockImplementation(() => `blob:${made++}`);
  vi.spyOn(URL, "revokeObjectURL").mockImplementation((url) => void revoked.push(url));
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const blob = async () => new Blob(["bytes"]);

test("what is there is given without asking again, and at once", async () => {
  const urls = new BlobUrls();
  const load = vi.fn(blob);
  expect(urls.peek("a")).toBeUndefined();
  const url = await urls.get("a", load);
  expect(await urls.get("a", load)).toBe(url);
  expect(urls.peek("a")).toBe(url);
  expect(load).toHaveBeenCalledTimes(1);
});

test("what couldn't be fetched is fetched again, but not within the pause", async () => {
  vi.useFakeTimers();
  const urls = new BlobUrls();
  const load = vi.fn(blob).mockRejectedValueOnce(new Error("away")).mockRejectedValueOnce(new Error("away"));
  await expect(urls.get("a", load)).rejects.toThrow();
  await expect(urls.get("a", load, 1000)).rejects.toThrow();
  await expect(urls.get("a", load, 1000)).rejects.toThrow();
  expect(load).toHaveBeenCalledTimes(2);
  vi.advanceTimersByTime(1000);
  expect(await urls.get("a", load, 1000)).toBe("blob:0");
});

test("the oldest that nobody shows go when there are too many", async () => {
  const urls = new BlobUrls();
  await urls.get("shown", blob);
  const release = urls.hold("shown");
  for (let at = 0; at < 600; at++) await urls.get(`${at}`, blob);
  await Promise.resolve();
  expect(urls.peek("shown")).toBe("blob:0");
  expect(urls.peek("0")).toBeUndefined();
  expect(urls.peek("599")).toBeDefined();
  expect(revoked).toContain("blob:1");
  expect(revoked).not.toContain("blob:0");
  release();
  await urls.get("one more", blob);
  expect(urls.peek("shown")).toBeUndefined();
});
