// The style files that a visitor added to this page, in the browser's storage, for the next visit.

const KEY = `mobile-style styles ${new URL(".", document.baseURI)}`;  // other pages of this host have theirs

/** @returns {File[]} those kept, oldest first. */
export function keptStyles() {
  return kept().flatMap(({name, text}) => {
    try {
      return [new File([Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0))], name)];
    } catch (error) {
      console.warn(error);
      return [];
    }
  });
}

/** Keeps one under a key. Without storage, or if it is full, the style is there until the page is left. */
export async function keepStyle(key, file) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  const text = btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
  write((files) => [...files.filter((other) => other.key !== key), {key, name: file.name, text}]);
}

export function forgetStyle(key) {
  write((files) => files.filter((other) => other.key !== key));
}

function write(change) {
  try {
    localStorage.setItem(KEY, JSON.stringify(change(kept())));
  } catch (error) {
    console.warn(error);
  }
}

function kept() {
  try {
    return [...JSON.parse(localStorage.getItem(KEY) ?? "[]")];
  } catch (error) {
    console.warn(error);  // no storage, or not what this file wrote
    return [];
  }
}
