import { describe, expect, it } from "vitest";
import { CloseCode } from "../generated/wire/v1/error.js";
import { NEVER } from "../time.js";
import { Backoff, type End, reconnectAfter, Supervisor } from "./reconnect.js";
import { at } from "./testing/events.js";

const GET_TOKEN = { type: "get-token", fresh: false };
const closed = (code: number, retryAfterMs = 0): End => ({ type: "closed", code, retryAfterMs });
const LOST: End = { type: "lost" };

function liveAt(ms: number): Supervisor {
  const supervisor = new Supervisor();
  expect(supervisor.takeOrder()).toEqual(GET_TOKEN);
  supervisor.handleToken();
  expect(supervisor.takeOrder()).toEqual({ type: "dial" });
  supervisor.handleWelcome(at(ms));
  return supervisor;
}

describe("the back-off", () => {
  it("doubles from 200 ms up to 30 s, with full jitter", () => {
    const backoff = new Backoff();
    const bounds = Array.from({ length: 10 }, () => backoff.nextDelay(1));
    expect(bounds.slice(0, 4)).toEqual([200, 400, 800, 1600]);
    expect(bounds.at(-1)).toBe(30_000);
    expect(backoff.nextDelay(0)).toBe(0);
  });
});

describe("a client", () => {
  it("does after a close what the table says", () => {
    expect(reconnectAfter(CloseCode.TOKEN_EXPIRED)).toBe("with-new-token");
    expect(reconnectAfter(CloseCode.REVOKED)).toBe("never");
    expect(reconnectAfter(CloseCode.TOO_SLOW)).toBe("now");
    expect(reconnectAfter(CloseCode.DRAINING)).toBe("back-off");
    expect(reconnectAfter(0x999)).toBe("back-off");
  });

  it("dials at once where the path died under a good connection", () => {
    const supervisor = liveAt(0);
    supervisor.handleEnd(LOST, at(20_000), 0.5);
    expect(supervisor.takeOrder()).toEqual(GET_TOKEN);
    supervisor.handleEnd({ type: "unreachable" }, at(20_100), 0.75);
    expect(supervisor.timeoutMs).toBe(20_150);
  });

  it("doesn't dial in a loop where connections die young", () => {
    const supervisor = liveAt(0);
    supervisor.handleEnd(LOST, at(1000), 0.5);
    expect(supervisor.phase.type).toBe("waiting");
    expect(supervisor.timeoutMs).toBe(1100);
    supervisor.handleTimeout(at(1100));
    expect(supervisor.takeOrder()).toEqual(GET_TOKEN);
  });

  it("counts the time of an attempt that took long as a part of the wait", () => {
    const supervisor = liveAt(0);
    supervisor.handleEnd(LOST, at(20_000), 0);
    supervisor.takeOrder();
    supervisor.handleEnd({ type: "unreachable" }, at(28_000), 0.75);
    expect(supervisor.takeOrder()).toEqual(GET_TOKEN);
  });

  it("waits at least as long as the server asks", () => {
    const supervisor = liveAt(0);
    supervisor.handleEnd(closed(CloseCode.OVERLOADED, 5000), at(20_000), 0.5);
    expect(supervisor.timeoutMs).toBe(25_100);
  });

  it("gets a new token at once for a connection whose token ran out", () => {
    const supervisor = liveAt(0);
    supervisor.handleEnd(closed(CloseCode.TOKEN_EXPIRED), at(60_000), 0.5);
    expect(supervisor.takeOrder()).toEqual({ type: "get-token", fresh: true });
  });

  it("stops after five tokens that are refused one after the other", () => {
    const supervisor = new Supervisor();
    for (let n = 0; n < 5; n++) {
      supervisor.handleTimeout(at(n * 60_000));
      supervisor.takeOrder();
      supervisor.handleToken();
      supervisor.takeOrder();
      supervisor.handleEnd(closed(CloseCode.TOKEN_INVALID), at(n * 60_000), 0.5);
    }
    expect(supervisor.phase).toEqual({
      type: "stopped",
      stop: { why: "token-refused", code: "TOKEN_INVALID" },
    });
    supervisor.handleRestart(at(400_000));
    expect(supervisor.takeOrder()).toEqual({ type: "get-token", fresh: true });
  });

  it("stops where it was revoked, and doesn't begin again by itself", () => {
    const supervisor = liveAt(0);
    supervisor.handleEnd(closed(CloseCode.REVOKED), at(1), 0.5);
    expect(supervisor.phase).toEqual({ type: "stopped", stop: { why: "revoked", code: "REVOKED" } });
    supervisor.handleNetworkChanged(at(2));
    expect(supervisor.takeOrder()).toBeUndefined();
    expect(supervisor.timeoutMs).toBe(NEVER);
  });

  it("makes a second connection after a part of a drain's jitter, and again if that fails", () => {
    const supervisor = liveAt(0);
    supervisor.handleDrain(1000, at(100), 0.5);
    expect(supervisor.timeoutMs).toBe(600);
    supervisor.handleTimeout(at(600));
    expect(supervisor.takeOrder()).toEqual(GET_TOKEN);
    expect(supervisor.phase.type).toBe("live");
    supervisor.handleSecondFailed(at(700), 0.5);
    expect(supervisor.timeoutMs).toBe(800);
  });

  it("wants no second connection any more where the first one answers", () => {
    const supervisor = liveAt(0);
    supervisor.handleStalled(at(100));
    supervisor.handlePathAlive();
    expect(supervisor.takeOrder()).toBeUndefined();
  });
});

describe("a client whose login has no token", () => {
  it("waits as long as the server asks for", () => {
    const supervisor = new Supervisor();
    supervisor.handleEnd({ type: "no-token", reason: "KNOCK_WAITING", retryAfterMs: 5000 }, at(0), 0.5);
    expect(supervisor.timeoutMs).toBe(5100);
  });

  it("stops where signing in is refused, until it is told to go on", () => {
    const supervisor = new Supervisor();
    supervisor.handleSignInRefused("LOGIN_ENDED");
    const stop = { why: "sign-in-refused", code: "UNSPECIFIED", reason: "LOGIN_ENDED" };
    expect(supervisor.phase).toEqual({ type: "stopped", stop });
    expect(supervisor.takeOrder()).toBeUndefined();
    supervisor.handleRestart(at(1));
    expect(supervisor.takeOrder()).toEqual({ type: "get-token", fresh: true });
  });
});
