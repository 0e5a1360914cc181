"use strict";
// See offline.js. `bundle --web` fills in the next line, so this file changes whenever any file of the bundle does, and
// browsers look for that. A newer one waits until the page is closed: it has the older bundle's list of models.
const {version, shell, rest} = {"version": "", "shell": [], "rest": []};

const HEADERS = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
  "Cross-Origin-Resource-Policy": "same-origin",
};
const OWN = `mobile-style ${self.registration.scope} `;  // other sites of this host have caches, too
const CACHE = OWN + version;

self.addEventListener("install", (event) => {
  event.waitUntil((async () => {
    const last = await Promise.all((await caches.keys()).filter((name) => name.startsWith(OWN)).map((name) => caches.open(name)));
    const used = async (url) => (await Promise.all(last.map((cache) => cache.match(url)))).some(Boolean);
    const also = await Promise.all(rest.map(async (url) => ((await used(url)) ? [url] : [])));
    const cache = await caches.open(CACHE);
    await cache.addAll([...shell, ...also.flat()].map((url) => new Request(url, {cache: "no-cache"})));
  })());
});

self.addEventListener("activate", (event) => {
  event.waitUntil((async () => {
    const old = (await caches.keys()).filter((name) => name.startsWith(OWN) && name !== CACHE);
    await Promise.all(old.map((name) => caches.delete(name)));
    await self.clients.claim();
  })());
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
  const cache = await caches.open(CACHE);
  const kept = await cache.match(key);
  if (kept) return withHeaders(kept);
  const response = await fetch(request);
  if (response.ok) await cache.put(key, response.clone()).catch(() => {});  // a full disk does not stop the page
  return withHeaders(response);
}

self.addEventListener("fetch", (event) => {
  const {request} = event;
  if (request.method === "GET" && request.url.startsWith(self.registration.scope)) event.respondWith(answer(request));
});
