import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { alarm } from "./alarm.ts";

const DAY_MS = 86_400_000;
const START_MS = Date.UTC(2026, 2, 2, 9);

beforeEach(() => void vi.useFakeTimers({ now: START_MS }));
afterEach(() => void vi.useRealTimers());

test("an alarm rings once, at its time", () => {
  const ring = vi.fn();
  alarm(START_MS + 90_000, ring);
  vi.advanceTimersByTime(89_999);
  expect(ring).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(ring).toHaveBeenCalledTimes(1);
  vi.advanceTimersByTime(DAY_MS);
  expect(ring).toHaveBeenCalledTimes(1);
});

test("an alarm further away than a timer holds doesn't ring at once", () => {
  const ring = vi.fn();
  alarm(START_MS + 60 * DAY_MS, ring);
  vi.advanceTimersByTime(3_600_000);
  expect(ring).not.toHaveBeenCalled();
});

test("a computer that slept through an alarm is told within a minute of waking up", () => {
  const ring = vi.fn();
  alarm(START_MS + 8 * 3_600_000, ring);
  // The clock goes on while timers stand still.
  vi.setSystemTime(START_MS + 9 * 3_600_000);
  vi.advanceTimersByTime(60_000);
  expect(ring).toHaveBeenCalledTimes(1);
});

test("a stopped alarm doesn't ring", () => {
  const ring = vi.fn();
  alarm(START_MS + 200_000, ring)();
  vi.advanceTimersByTime(DAY_MS);
  expect(ring).not.toHaveBeenCalled();
});
