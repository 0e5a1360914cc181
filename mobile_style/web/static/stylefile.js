// A style file (training/style_files.py): one style's scales and offsets for a network of many, as float16, and its
// painting in small. It is a safetensors file: the length of a JSON header, the header, and the arrays' bytes.

import {fromHalf} from "./half.js";

const LARGEST = 1 << 20;  // bytes; a style has some thousand
const LONGEST_NAME = 100;
const CARD = "mobile_style";
const THUMBNAIL = "thumbnail";
const KINDS = {F16: {bytes: 2, name: "<f2"}, U8: {bytes: 1, name: "|u1"}};  // by NumPy's names

/**
 * Reads one; errors are sentences.
 * @param {File} file
 * @returns {Promise<{name: string, kernels: string, arrays: Record<string, Float32Array>, thumbnail: Uint8Array}>} the
 *   style's name, the sha256 of the kernels that it fits, and what it has of its own.
 */
export async function readStyle(file) {
  const content = file.size <= LARGEST ? await file.arrayBuffer() : new ArrayBuffer(0);
  const {card, start, described} = headerOf(content);
  if (typeof card?.style?.name !== "string") throw new Error(`${file.name} is no style file that this page can read.`);
  const parts = partsOf(content.slice(start), described);
  if (!parts || !(await isWhole(parts, card.arrays_sha256))) {
    throw new Error(`${file.name} is damaged: use another copy of it.`);
  }
  const arrays = {};
  for (const {name, kind, bytes} of parts.filter((part) => part.kind === "F16")) {
    const view = new DataView(bytes.buffer);
    arrays[name] = Float32Array.from({length: bytes.length / KINDS[kind].bytes}, (_, at) =>
      fromHalf(view.getUint16(2 * at, true)));
  }
  const thumbnail = parts.find(({name}) => name === THUMBNAIL)?.bytes ?? new Uint8Array();
  return {name: card.style.name.slice(0, LONGEST_NAME), kernels: card.kernels_sha256, arrays, thumbnail};
}

// The card, where the arrays start, and what they are; nothing of another file.
function headerOf(content) {
  try {
    const view = new DataView(content);
    const start = 8 + view.getUint32(0, true);
    const {__metadata__: metadata, ...described} = JSON.parse(new TextDecoder().decode(content.slice(8, start)));
    return {card: JSON.parse(metadata[CARD]), start, described};
  } catch {
    return {};
  }
}

// The arrays in the order of their names; nothing if they are not those that the header describes.
function partsOf(content, described) {
  try {
    return Object.entries(described).sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([name, {dtype: kind, shape, data_offsets: [from, to]}]) => {
        const bytes = new Uint8Array(content.slice(from, to));
        const wanted = shape.reduce((product, side) => product * side, KINDS[kind].bytes);
        if (bytes.length !== wanted) throw new RangeError("too few bytes");
        return {name, kind, shape, bytes};
      });
  } catch {
    return null;
  }
}

// Whether the arrays are those that the card was written for, as `digest` of network/checkpoint.py tells. Browsers
// compute a sha256 only over https and on this machine.
async function isWhole(parts, sha256) {
  if (!globalThis.crypto?.subtle) return true;
  const told = parts.flatMap(({name, kind, shape, bytes}) => {
    const tuple = `(${shape.join(", ")}${shape.length === 1 ? "," : ""})`;
    return [`${name} ${KINDS[kind].name} ${tuple}\n`, bytes];
  });
  const found = await crypto.subtle.digest("SHA-256", await new Blob(told).arrayBuffer());
  return Array.from(new Uint8Array(found), (byte) => byte.toString(16).padStart(2, "0")).join("") === sha256;
}
