// A photo at its own size, by the float network, as painting/stylize.py does it: crops spread over the photo give the
// gains that all tiles share; the tiles overlap by as far as a pixel reaches, so there are no seams.

import {WorkerClient} from "./client.js";
import {fetched} from "./engine.js";
import {grained} from "./grain.js";
import {grown} from "./grow.js";
import {enlarged, reduced} from "./strokes.js";

const LONGEST_LOAD = 120_000;  // ms
const LONGEST_RUN = 120_000;
const MOST_THREADS = 4;

export class StillPainter {
  constructor() {
    this.client = null;
    this.style = null;  // whose networks the worker has,
    this.added = undefined;  // and the styles that were added to them
  }

  /**
   * Paints an ImageData.
   * @param {number} strokeWidth times the network's own.
   * @param {object} style of site.json, with its `still`.
   * @param {number[] | undefined} shares of the styles that its file mixes, if it does.
   * @param {{stopped: () => boolean, progress: (share: number) => void}} watch asked and told after each part.
   * @returns {Promise<ImageData | null>} null if it was stopped.
   */
  async paint(picture, strokeWidth, style, shares, watch) {
    if (strokeWidth <= 1) return this.#painted(grained(picture), style, shares, watch);
    const small = reduced(picture, strokeWidth);
    const seen = grained(new ImageData(small.data.slice(), small.width, small.height));
    const painted = await this.#painted(seen, style, shares, watch);
    return painted && enlarged(picture, small, painted);
  }

  end() {
    this.client?.end();
    this.client = this.style = null;
  }

  async #painted(picture, style, shares, {stopped, progress}) {
    try {
      await this.#load(style);
      if (stopped()) return null;
      const {crops, crop, tile, margin} = style.still;
      const photo = extended(picture, tile);
      const given = {values: cropsOf(photo, crops, crop), shape: [crops ** 2, crop, crop, 3]};
      const mix = shares ? [{values: Float32Array.from(shares), shape: [1, 1, 1, shares.length]}] : [];
      const gains = await this.#call("gains", [given, ...mix]);
      const shared = gains.map((values) => ({values, shape: [1, 1, 1, values.length]}));
      const result = new ImageData(picture.width, picture.height);
      const places = tilesOf(photo, tile, margin);
      for (const [index, place] of places.entries()) {
        if (stopped()) return null;
        progress(index / places.length);
        const values = floats(photo, place.x, place.y, tile);
        const [painted] = await this.#call("tile", [{values, shape: [1, tile, tile, 3]}, ...mix, ...shared]);
        put(result, painted, tile, place);
      }
      return result;
    } catch (error) {
      this.end();
      throw error;
    }
  }

  async #load(style) {
    const added = style.mix?.added;
    if (this.style?.still.tile_url === style.still.tile_url && this.added === added) return;
    const threads = globalThis.crossOriginIsolated ? Math.min(navigator.hardwareConcurrency, MOST_THREADS) : 1;
    this.client ??= new WorkerClient();
    for (const name of ["gains", "tile"]) {
      const content = grown(await (await fetched(style.still[`${name}_url`])).arrayBuffer(), added ?? []);
      await this.client.ask("open", {name, content, threads}, [content], LONGEST_LOAD);
    }
    Object.assign(this, {style, added});
  }

  async #call(name, inputs) {
    const {outputs} = await this.client.ask("call", {name, inputs}, [inputs[0].values.buffer], LONGEST_RUN);
    return outputs;
  }
}

// The picture continued by its mirror image, to multiples of 4 and at least a tile.
function extended({data, width, height}, tile) {
  const indices = (length) => {
    const round = Math.max(2 * (length - 1), 1);
    const longer = Math.max(tile, 4 * Math.ceil(length / 4));
    return Int32Array.from({length: longer}, (_, index) => Math.min(index % round, round - (index % round)) % length);
  };
  const [rows, columns] = [indices(height), indices(width)];
  return {data, rows, columns, stride: width, width: columns.length, height: rows.length};
}

// A square of it, RGB.
function floats({data, rows, columns, stride}, left, top, side) {
  const values = new Float32Array(3 * side * side);
  for (let y = 0, to = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      const from = 4 * (stride * rows[top + y] + columns[left + x]);
      values[to++] = data[from];
      values[to++] = data[from + 1];
      values[to++] = data[from + 2];
    }
  }
  return values;
}

// Crops spread evenly over it, one after the other.
function cropsOf(photo, count, side) {
  const gap = (length) => (length - side) / (count - 1);
  const starts = (length) => Array.from({length: count}, (_, index) => 4 * Math.floor((index * gap(length)) / 4));
  const values = new Float32Array(3 * (count * side) ** 2);
  let number = 0;
  for (const y of starts(photo.height)) {
    for (const x of starts(photo.width)) values.set(floats(photo, x, y, side), 3 * side * side * number++);
  }
  return values;
}

// Where tiles begin (x, y), and which part of each is kept: {left, top, right, bottom}, in the picture.
function tilesOf({width, height}, tile, margin) {
  const places = [];
  const step = tile - 2 * margin;
  const starts = (length) => Array.from({length: Math.ceil(length / step)}, (_, index) => index * step);
  const begin = (start, length) => Math.min(Math.max(0, start - margin), length - tile);
  for (const top of starts(height)) {
    for (const left of starts(width)) {
      places.push({x: begin(left, width), y: begin(top, height), left, top, right: left + step, bottom: top + step});
    }
  }
  return places;
}

function put({data, width, height}, painted, tile, {x, y, left, top, right, bottom}) {
  for (let row = top; row < Math.min(bottom, height, y + tile); row++) {
    for (let column = left; column < Math.min(right, width, x + tile); column++) {
      const from = 3 * ((row - y) * tile + column - x);
      const to = 4 * (row * width + column);
      data[to] = painted[from];  // clamped and rounded
      data[to + 1] = painted[from + 1];
      data[to + 2] = painted[from + 2];
      data[to + 3] = 255;
    }
  }
}
