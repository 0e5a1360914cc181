// Reads a .tflite file: a FlatBuffer (flatbuffers.dev, "internals"), whose fields are numbered in the order of
// TensorFlow Lite's schema.fbs.

export const SUBGRAPHS = 2, BUFFERS = 4, METADATA = 6;  // of the table Model
export const DATA = 0;  // of the table Buffer

// Reads beyond the end throw a RangeError.
export class Tables {
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
