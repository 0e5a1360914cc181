"use strict";
// See offline.js. `bundle --web` fills in the next line, so this file changes whenever any file of the bundle does, and
// browsers look for that. A newer one waits until the page is closed: it has the older bundle's list of models.
const {version, shell, rest} = {"version": "", "shell": [], "rest": []};
// `serve` sends it as it is: a bundle that was seen at the same address before is forgotten.
const ends = !version;

const HEADERS = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
  "Cross-Origin-Resource-Policy": "same-origin",
};
const OWN = `mobile-style ${self.registration.scope} `;  // other sites of this host have caches, too
const CACHE = OWN + version;
const FILES = new Set([...shell, ...rest].map((name) => new URL(name, self.registration.scope).href));

self.addEventListener("install", (event) => {
  event.waitUntil((async () => {
    if (ends) return self.skipWaiting();
    const names = (await caches.keys()).filter((name) => name.startsWith(OWN));
    const last = await Promise.all(names.map((name) => caches.open(name)));
    const used = async (url) => (await Promise.all(last.map((cache) => cache.match(url)))).some(Boolean);
    const also = await Promise.all(rest.map(async (url) => ((await used(url)) ? [url] : [])));
    const cache = await caches.open(CACHE);
    return cache.addAll([...shell, ...also.flat()].map((url) => new Request(url, {cache: "no-cache"})));
  })());
});

// Its pages are of the bundle that is no longer there: they go to what is.
async function leave() {
  await self.registration.unregister();
  const pages = await self.clients.matchAll({type: "window"});
  for (const page of pages) page.navigate(page.url).catch(() => {});  // not awaited: it waits for this very event
}

self.addEventListener("activate", (event) => {
  event.waitUntil((async () => {
    const old = (await caches.keys()).filter((name) => name.startsWith(OWN) && (ends || name !== CACHE));
    await Promise.all(old.map((name) => caches.delete(name)));
    if (ends) await leave();
    else await self.clients.claim();
  })());
});

const withHeaders = (response) => {
  if (!response.ok || response.type === "opaque") return response;
  const headers = new Headers(response.headers);
  for (const [name, value] of Object.entries(HEADERS)) headers.set(name, value);
  return new Response(response.body, {status: response.status, statusText: response.statusText, headers});
};

function keyOf({url}) {
  const {origin, pathname, href} = new URL(url);
  return pathname.endsWith("/") ? new URL("index.html", href).href : origin + pathname;
}

// From the cache; else from the network and, from then on, the cache.
async function answer(request) {
  const key = keyOf(request);
  const cache = await caches.open(CACHE);
  const kept = await cache.match(key);
  if (kept) return withHeaders(kept);
  const response = await fetch(request);
  if (response.ok) await cache.put(key, response.clone()).catch(() => {});  // a full disk does not stop the page
  return withHeaders(response);
}

self.addEventListener("fetch", (event) => {
  const {request} = event;  // of this page or of another one below it, which is none of its business
  if (request.method === "GET" && FILES.has(keyOf(request))) event.respondWith(answer(request));
});
