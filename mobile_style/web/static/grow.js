// Puts more styles into a .tflite file of many. Each constant that styles have of their own is the kernel of a
// convolution of the mix, with a column for each style (inference/float_ops.py): it gets further columns. What is new
// stands behind the file's end, and the file refers to it there.

import {toHalf} from "./half.js";
import {BUFFERS, DATA, SUBGRAPHS, Tables} from "./tables.js";

const TENSORS = 0;  // of the table SubGraph
const SHAPE = 0, TYPE = 1, BUFFER = 2, NAME = 3, QUANTIZATION = 4;  // of the table Tensor
const SCALE = 2, ZERO_POINT = 3;  // of the table QuantizationParameters
const ARRAYS = {0: Float32Array, 1: Uint16Array, 9: Int8Array};  // by type; the second holds float16
const MIX = ["mix", "shares"];  // tensors with a share for each style
const ALIGNMENT = 16;  // bytes
const LOWEST = -128, HIGHEST = 127;  // levels of int8

/**
 * @param {ArrayBuffer} content of the file.
 * @param {Record<string, Float32Array>[]} added the constants of each new style, by name.
 * @returns {ArrayBuffer} the file, whose mix has a share more for each of them.
 */
export function grown(content, added) {
  if (!added.length) return content;
  const file = new Growing(content);
  for (const name of MIX) file.widen(name, added.length);
  for (const name of Object.keys(added[0])) {
    const columns = added.map((style) => style[name]);
    for (const kernel of [`${name}_kernel`, `${name}_kernel_half`]) {
      if (file.holds(kernel)) file.put(kernel, joined(file, name, file.values(kernel), columns));
      file.widen(kernel, added.length);
    }
  }
  return file.whole;
}

// The rows of a kernel, one for each channel, with a value more for each new style.
function joined(file, name, old, columns) {
  const wide = columns.length + old.length / columns[0].length;
  if (!Number.isInteger(wide)) throw new Error("the file does not have the shape that the style needs");
  const [before, after] = encoded(file, name, old, columns);
  const result = new old.constructor(wide * columns[0].length);
  for (let channel = 0, from = 0; channel < columns[0].length; channel++) {
    const row = channel * wide;
    for (let style = 0; style < wide - columns.length; style++) result[row + style] = before[from++];
    after.forEach((values, style) => (result[row + wide - columns.length + style] = values[channel]));
  }
  return result;
}

// The old and the new values as the file holds them.
function encoded(file, name, old, columns) {
  if (old instanceof Float32Array) return [old, columns];
  if (old instanceof Uint16Array) return [old, columns.map((values) => Uint16Array.from(values, toHalf))];
  const kernel = `${name}_kernel`;
  const scales = file.scales(kernel);
  // A channel in which a new style is beyond what fits gets coarser levels.
  const wanted = scales.map((scale, channel) =>
    Math.max(scale, ...columns.map((values) => Math.abs(values[channel]) / HIGHEST)));
  const times = wanted.map((scale, channel) => scale / scales[channel]);
  if (times.some((each) => each > 1)) {
    file.put(kernel, wanted, SCALE);
    const bias = file.scales(`${name}_bias`);  // whose unit is that of the products
    if (bias) file.put(`${name}_bias`, bias.map((scale, channel) => scale * times[channel]), SCALE);
  }
  stretch(file, name, columns);
  const styles = old.length / times.length;
  return [
    old.map((level, at) => Math.round(level / times[Math.floor(at / styles)])),
    columns.map((values) => Int8Array.from(values, (value, channel) => Math.round(value / wanted[channel]))),
  ];
}

// Lets the levels of what a convolution gives reach the new values, too, as `Levels.spanning` does it.
function stretch(file, name, columns) {
  const scales = file.scales(name);
  if (!scales) return;  // floats
  const [scale, zero] = [scales[0], file.zero(name)];
  const ends = [(LOWEST - zero) * scale, (HIGHEST - zero) * scale];
  const low = Math.min(ends[0], ...columns.map((values) => Math.min(...values)));
  const high = Math.max(ends[1], ...columns.map((values) => Math.max(...values)));
  if (low === ends[0] && high === ends[1]) return;
  const step = (high - low) / (HIGHEST - LOWEST);
  const level = Math.floor(LOWEST - low / step + 0.5);
  file.put(name, Float32Array.of(step), SCALE);
  file.put(name, BigInt64Array.of(BigInt(Math.min(HIGHEST, Math.max(LOWEST, level)))), ZERO_POINT);
}

// A file whose tensors are told by name.
class Growing extends Tables {
  constructor(content) {
    super(content.slice(0));
    const model = this.indirect(0);
    const [graph] = this.vector(model, SUBGRAPHS);
    this.buffers = this.vector(model, BUFFERS);
    this.tensors = new Map(this.vector(graph, TENSORS).map((tensor) => [this.text(tensor, NAME), tensor]));
    this.added = [];
    this.end = content.byteLength;
  }

  // Whether there is a constant of this name.
  holds(name) {
    return this.tensors.has(name) && this.#data(name).length > 0;
  }

  values(name) {
    const type = this.field(this.tensors.get(name), TYPE);
    return new ARRAYS[type ? this.view.getInt8(type) : 0](this.#data(name).slice().buffer);
  }

  // Of each channel, or of all; nothing of floats.
  scales(name) {
    const at = this.#quantization(name, SCALE);
    if (!at) return undefined;
    const start = this.indirect(at);
    const length = this.view.getUint32(start, true);
    return Float32Array.from({length}, (_, index) => this.view.getFloat32(start + 4 + 4 * index, true));
  }

  zero(name) {
    return this.view.getInt32(this.indirect(this.#quantization(name, ZERO_POINT)) + 4, true);
  }

  // One more of the tensor's last side for each new style.
  widen(name, more) {
    if (!this.tensors.has(name)) return;
    const field = this.field(this.tensors.get(name), SHAPE);
    const start = this.indirect(field);
    const sides = [0, 1, 2, 3].map((index) => this.view.getInt32(start + 4 + 4 * index, true));
    this.#refer(field, Int32Array.of(...sides.slice(0, 3), sides[3] + more));
  }

  // Values in place of a constant's, or what its `number` of the quantization is.
  put(name, values, number) {
    if (number !== undefined) {
      this.#refer(this.#quantization(name, number), values);
      return;
    }
    const buffer = this.buffers[this.number(this.tensors.get(name), BUFFER)];
    this.#refer(this.field(buffer, DATA), new Uint8Array(values.buffer));
  }

  get whole() {
    const whole = new Uint8Array(this.end);
    const view = new DataView(whole.buffer);
    whole.set(new Uint8Array(this.content));
    for (const {start, values} of this.added) {
      view.setUint32(start, values.length, true);
      whole.set(new Uint8Array(values.buffer), start + 4);
    }
    return whole.buffer;
  }

  #data(name) {
    return this.bytes(this.buffers[this.number(this.tensors.get(name), BUFFER)], DATA);
  }

  #quantization(name, number) {
    const at = this.tensors.has(name) && this.field(this.tensors.get(name), QUANTIZATION);
    return at && this.field(this.indirect(at), number);
  }

  // The field refers to a new vector from now on.
  #refer(field, values) {
    const start = ALIGNMENT * Math.ceil((this.end + 4) / ALIGNMENT) - 4;
    this.view.setUint32(field, start - field, true);
    this.added.push({start, values});
    this.end = start + 4 + values.byteLength;
  }
}
