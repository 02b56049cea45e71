// Keeps the shell of the app, so that it opens without a network. What the server says is never kept here. An identity
// provider's answer is, from when it comes until a page has taken it.

const CACHE = "parlour-shell-__VERSION__";
const FILES = "__FILES__";
const FETCH_WITHIN_MS = 3000;
/** Named so in `src/session/carried.ts` as well. */
const CARRIED = "parlour-carried";
/** What is under way, by its key. */
const carrying = new Map();

self.addEventListener("install", (event) => {
  const shell = [
    "./",
    "./manifest.webmanifest",
    "./icon.svg",
    "./icon-badge.svg",
    ...FILES.filter((name) => name !== "index.html"),
  ];
  event.waitUntil(
    caches
      .open(CACHE)
      .then((cache) => cache.addAll(shell))
      .then(() => self.skipWaiting()),
  );
});

self.addEventListener("activate", (event) => {
  const old = (name) => name.startsWith("parlour-shell-") && name !== CACHE;
  event.waitUntil(
    caches
      .keys()
      .then((names) => Promise.all(names.filter(old).map((name) => caches.delete(name))))
      .then(() => self.clients.claim()),
  );
});

self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  const key = new URLSearchParams(url.hash.slice(1)).get(CARRIED);
  if (key && event.request.method === "POST") {
    const answer = carry(event.request, key);
    // A page that is gone is no reason to drop the answer.
    event.waitUntil(answer.catch(() => undefined));
    event.respondWith(answer.then((it) => it.clone()));
    return;
  }
  const isOurs = event.request.method === "GET" && url.origin === self.location.origin;
  if (!isOurs || url.pathname.includes("/parlour/")) return;
  if (event.request.mode === "navigate") event.respondWith(page(event.request));
  else if (url.pathname.includes("/assets/")) event.respondWith(asset(event.request));
});

// Brings the app to the front when one of its notifications is clicked.
self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const hash = event.notification.data?.hash ?? "";
  event.waitUntil(
    self.clients.matchAll({ type: "window" }).then((windows) => {
      const [open] = windows;
      if (!open) return self.clients.openWindow(`./${hash}`);
      open.postMessage({ type: "open", hash });
      return open.focus();
    }),
  );
});

/** Asks in a page's place, once for all who ask the same; a good answer is kept until a page has taken it. */
function carry(request, key) {
  const known = carrying.get(key);
  if (known) return known;
  const answer = ask(request, key).finally(() => carrying.delete(key));
  carrying.set(key, answer);
  return answer;
}

async function ask(request, key) {
  const cache = await caches.open(CARRIED);
  const kept = await cache.match(`./${key}`);
  if (kept) return kept;
  const { method, headers } = request;
  const [url] = request.url.split("#");
  const body = await request.text();
  // Not the page's own request, which ends with the page.
  const answer = await fetch(url, { method, headers, body, credentials: "omit", redirect: "error" });
  if (answer.ok) await cache.put(`./${key}`, answer.clone());
  return answer;
}

/** The newest page where there is a network, else the one that was kept. */
async function page(request) {
  try {
    return await fetch(request, { signal: AbortSignal.timeout(FETCH_WITHIN_MS) });
  } catch {
    return (await caches.match("./")) ?? Response.error();
  }
}

/** Assets carry a hash in their names: what was kept is right. */
async function asset(request) {
  const kept = await caches.match(request);
  if (kept) return kept;
  const answer = await fetch(request);
  if (answer.ok) {
    const cache = await caches.open(CACHE);
    await cache.put(request, answer.clone());
  }
  return answer;
}
