// What `mobile-style export` wrote into a .tflite file: a buffer of metadata with JSON in it.
// The file is a FlatBuffer (flatbuffers.dev, "internals"), whose fields are numbered in the order of TensorFlow Lite's
// schema.fbs.

const BUFFERS = 4, METADATA = 6;  // of the table Model
const NAME = 0, BUFFER = 1;  // of the table Metadata
const DATA = 0;  // of the table Buffer
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
function titleOf(name) {
  if (!/^[\p{L}_][\p{L}\p{N}_]*$/u.test(name ?? "")) return name;
  const word = (each) => (/^[ivx]+$/.test(each) ? each.toUpperCase() : each.charAt(0).toUpperCase() + each.slice(1));
  return name.split("_").map(word).join(" ");
}

// Reads beyond the end throw a RangeError.
class Tables {
  constructor(content) {
    this.content = content;
    this.view = new DataView(content);
  }

  indirect(at) {
    return at + this.view.getUint32(at, true);
  }

  // Where a table's field lies; 0 if it is left out.
  field(table, number) {
    const offsets = table - this.view.getInt32(table, true);
    const entry = 4 + 2 * number;
    const offset = entry < this.view.getUint16(offsets, true) ? this.view.getUint16(offsets + entry, true) : 0;
    return offset && table + offset;
  }

  number(table, number) {
    const at = this.field(table, number);
    return at ? this.view.getUint32(at, true) : 0;
  }

  bytes(table, number) {
    const at = this.field(table, number);
    if (!at) return new Uint8Array();
    const start = this.indirect(at);
    return new Uint8Array(this.content, start + 4, this.view.getUint32(start, true));
  }

  text(table, number) {
    return new TextDecoder().decode(this.bytes(table, number));
  }

  // The tables of a vector.
  vector(table, number) {
    const at = this.field(table, number);
    if (!at) return [];
    const start = this.indirect(at);
    const length = this.view.getUint32(start, true);
    if (4 * length > this.view.byteLength) throw new RangeError("a vector longer than its file");
    return Array.from({length}, (_, index) => this.indirect(start + 4 + 4 * index));
  }
}
