"use strict";
// See offline.js. files.json tells what the bundle holds, and changes whenever any file does.

const HEADERS = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
  "Cross-Origin-Resource-Policy": "same-origin",
};
const LISTED = new URL("files.json", self.registration.scope).href;

self.addEventListener("install", (event) => {
  event.waitUntil((async () => {
    const {version, shell} = await (await fetch(LISTED, {cache: "no-cache"})).json();
    const cache = await caches.open(version);
    await cache.addAll(shell.map((url) => new Request(url, {cache: "no-cache"})));
    await self.skipWaiting();
  })());
});

self.addEventListener("activate", (event) => {
  event.waitUntil((async () => {
    const {version} = await (await fetch(LISTED, {cache: "no-cache"})).json();
    const old = (await caches.keys()).filter((name) => name !== version);
    await Promise.all(old.map((name) => caches.delete(name)));
    await self.clients.claim();
  })().catch(() => self.clients.claim()));
});

const withHeaders = (response) => {
  if (!response.ok || response.type === "opaque") return response;
  const headers = new Headers(response.headers);
  for (const [name, value] of Object.entries(HEADERS)) headers.set(name, value);
  return new Response(response.body, {status: response.status, statusText: response.statusText, headers});
};

// From the cache; else from the network and, from then on, the cache.
async function answer(request) {
  const url = new URL(request.url);
  const key = url.pathname.endsWith("/") ? new URL("index.html", url).href : url.origin + url.pathname;
  const kept = await caches.match(key);
  if (kept) return withHeaders(kept);
  const response = await fetch(request);
  if (response.ok) {
    const names = await caches.keys();
    if (names.length) await (await caches.open(names.at(-1))).put(key, response.clone());
  }
  return withHeaders(response);
}

self.addEventListener("fetch", (event) => {
  const {request} = event;
  const own = request.url.startsWith(self.registration.scope) && request.url !== LISTED;
  if (request.method === "GET" && own) event.respondWith(answer(request));
});
