#!/usr/bin/env node
/**
 * Firefox for Playwright, which speaks WebDriver BiDi with it. Playwright asks of a browser what only Firefox's newest
 * has: what is named below is answered here instead of by an older one, and everything else goes through untouched.
 * It is started in the place of Firefox, whose program `FIREFOX_BIN` names, with Firefox's own arguments.
 */

import { spawn } from "node:child_process";
import { WebSocket, WebSocketServer } from "ws";

/** Commands that Firefox 153 doesn't know. Tests must not rely on what they do. */
const ANSWERED_HERE = new Set(["emulation.setMediaFeaturesOverride"]);
const LISTENING = /WebDriver BiDi listening on (ws:\/\/\S+)/;

const firefox = spawn(process.env.FIREFOX_BIN ?? "firefox-esr", process.argv.slice(2), {
  stdio: ["ignore", "inherit", "pipe"],
});
firefox.once("exit", (code) => process.exit(code ?? 1));
process.once("SIGTERM", () => firefox.kill());

let isOpen = false;
firefox.stderr.on("data", (bytes) => {
  const [, address] = LISTENING.exec(bytes.toString()) ?? [];
  if (address && !isOpen) {
    isOpen = true;
    open(address);
  } else process.stderr.write(bytes);
});

function open(address) {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0 }, () => {
    console.error(`WebDriver BiDi listening on ws://127.0.0.1:${server.address().port}`);
  });
  server.on("connection", (client, request) => {
    const browser = new WebSocket(`${address}${request.url}`, { perMessageDeflate: false });
    const waiting = [];
    browser.on("open", () => {
      for (const text of waiting.splice(0)) browser.send(text);
    });
    browser.on("message", (bytes) => client.send(bytes.toString()));
    client.on("message", (bytes) => {
      const text = bytes.toString();
      const { id, method } = JSON.parse(text);
      if (ANSWERED_HERE.has(method)) client.send(JSON.stringify({ type: "success", id, result: {} }));
      else if (browser.readyState === WebSocket.OPEN) browser.send(text);
      else waiting.push(text);
    });
    for (const [one, other] of [
      [client, browser],
      [browser, client],
    ]) {
      one.on("close", () => other.close());
      one.on("error", () => other.close());
    }
  });
}
