// What `mobile-style export` wrote into a .tflite file: a buffer of metadata with JSON in it.

import {BUFFERS, DATA, METADATA, Tables} from "./tables.js";

const NAME = 0, BUFFER = 1;  // of the table Metadata
const CARD = "mobile_style";
const MOST_STYLES = 200;  // that are shown; a file of more is not used

/** {title, painting, recipe, styles} of a file's content; null if it holds no card. Styles are those that it mixes. */
export function embeddedCard(content) {
  try {
    const file = new Tables(content);
    const model = file.indirect(0);
    for (const metadata of file.vector(model, METADATA)) {
      if (file.text(metadata, NAME) !== CARD) continue;
      const buffer = file.vector(model, BUFFERS)[file.number(metadata, BUFFER)];
      const card = JSON.parse(new TextDecoder().decode(file.bytes(buffer, DATA)));
      const text = (value) => (typeof value === "string" && value ? value.slice(0, 100) : undefined);
      const painting = titleOf(text(card.style)?.split(/[\\/]/).at(-1));
      const styles = card.mix?.styles?.slice(0, MOST_STYLES).map((name) => titleOf(text(name)) ?? "?");
      return {title: titleOf(text(card.name)), painting, recipe: text(card.recipe), styles};
    }
  } catch (error) {
    if (!(error instanceof RangeError || error instanceof SyntaxError || error instanceof TypeError)) throw error;
  }
  return null;
}

// composition_vii as Composition VII, as site.py does.
export function titleOf(name) {
  if (!/^[\p{L}_][\p{L}\p{N}_]*$/u.test(name ?? "")) return name;
  const word = (each) => (/^[ivx]+$/.test(each) ? each.toUpperCase() : each.charAt(0).toUpperCase() + each.slice(1));
  return name.split("_").map(word).join(" ");
}
