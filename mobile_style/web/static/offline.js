// The service worker of a bundled page: it keeps the files for use without a network, and adds the headers that
// threads need to what hosts send without them. `mobile-style serve` needs none of it.

const TRIED = "isolation was tried";

// Whether there is a worker at last; it gives up where a file cannot be fetched or kept.
function settled(registration) {
  const {active, waiting, installing} = registration;
  if (active || waiting || !installing) return navigator.serviceWorker.ready.then(() => true);
  return new Promise((resolve) => {
    installing.addEventListener("statechange", () => {
      if (installing.state === "activated") resolve(true);
      if (installing.state === "redundant") resolve(false);
    });
  });
}

export async function isolated(site) {
  if (!site.offline || !navigator.serviceWorker) return;
  try {
    const registration = await navigator.serviceWorker.register("sw.js");
    if (!(await settled(registration))) return;
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
