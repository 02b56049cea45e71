/** What people do in the app, and where it can be seen. */

import type { Page } from "playwright-core";

/** The messages of the room that is open. */
export const messages = (page: Page) => page.locator(".pane article.message");

/** Those with a text. */
export const saying = (page: Page, text: string) => messages(page).filter({ hasText: text });

/** Waits until a message is in the room's log: nothing says any more that it waits. */
export const sent = (page: Page, text: string, timeout = 60_000) =>
  page
    .locator(".pane article.message:not(.message-sending, .message-queued, .message-failed)", {
      hasText: text,
    })
    .waitFor({ timeout });

/** Where they are written. */
export const composer = (page: Page) => page.locator(".pane .composer textarea");

/** Writes something and sends it. */
export async function say(page: Page, text: string): Promise<void> {
  await composer(page).fill(text);
  await composer(page).press("Enter");
}

/** Chooses something of a message's menu. */
export async function act(page: Page, text: string, action: string): Promise<void> {
  await saying(page, text)
    .first()
    .click({ button: "right", position: { x: 200, y: 8 } });
  await page.getByRole("menuitem", { name: action }).click();
}

/** Goes somewhere in the app. */
export async function goTo(page: Page, hash: string): Promise<void> {
  await page.evaluate((it) => {
    location.hash = it;
  }, hash);
}

/** Waits until the page is connected, and says by what. */
export async function connected(page: Page, timeout = 60_000): Promise<string | null> {
  const place = page.locator(".connection-place[data-carrier]");
  await place.waitFor({ state: "attached", timeout });
  return place.getAttribute("data-carrier");
}

/** What stands in the room, oldest first: the text of each message, and whether it looks sent. */
export function shown(page: Page): Promise<{ text: string; isSent: boolean }[]> {
  return messages(page).evaluateAll((all) =>
    all.map((message) => ({
      text: message.querySelector(".text")?.textContent ?? "",
      isSent: !message.matches(".message-sending, .message-queued, .message-failed"),
    })),
  );
}
