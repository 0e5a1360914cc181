// The service worker of a bundled page: it keeps the files for use without a network, and adds the headers that
// threads need to what hosts send without them. `mobile-style serve` needs none of it.

const TRIED = "isolation was tried";

export async function isolated(site) {
  if (!site.offline || !navigator.serviceWorker) return;
  try {
    await navigator.serviceWorker.register("sw.js");
    await navigator.serviceWorker.ready;
  } catch {
    return;  // a private window, or no https: the page works without, with one thread
  }
  if (!navigator.serviceWorker.controller || !globalThis.crossOriginIsolated) {
    if (sessionStorage.getItem(TRIED)) return;
    sessionStorage.setItem(TRIED, "1");
    location.reload();
    await new Promise(() => {});  // the page is about to go
  }
  sessionStorage.removeItem(TRIED);
}
