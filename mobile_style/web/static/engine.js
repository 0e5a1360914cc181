// From a style to stylized pixels: picks the fastest engine that this browser has and that proves itself.

import {WorkerClient} from "./client.js";
import {grown} from "./grow.js";

const LONGEST_LOAD = 120_000;  // ms: a slow phone on a slow network
const LONGEST_RUN = 30_000;
const LIVE = 40;  // ms: a graphics processor that needs more for a picture is compared with the CPU
const LEAST_DB = 35;  // against native LiteRT on the known-answer frame; int8 is expected to be identical
// A module with one relaxed-SIMD instruction, which is what makes int8 fast.
const RELAXED_SIMD = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 15, 1, 13, 0, 65, 1, 253, 15, 65, 2, 253, 15,
  253, 128, 2, 11,
]);

export const relaxedSimd = () => WebAssembly.validate(RELAXED_SIMD);

// Decibels between two pictures of bytes; the first has four channels, the second three.
function decibels(rgba, rgb) {
  let sum = 0;
  for (let from = 0, to = 0; to < rgb.length; from += 4) {
    for (let channel = 0; channel < 3; channel++) sum += (rgba[from + channel] - rgb[to++]) ** 2;
  }
  return sum ? 10 * Math.log10((255 ** 2 * rgb.length) / sum) : Infinity;
}

/** The response to a request; errors are sentences, but for an AbortError. */
export async function fetched(url, signal) {
  const name = new URL(url, location.href).pathname;
  const response = await fetch(url, {signal}).catch((error) => {
    if (signal?.aborted) throw error;
    throw new Error(`${name} cannot be loaded; is there a network?`);
  });
  if (!response.ok) throw new Error(`${response.status} on loading ${name}`);
  return response;
}

// What tells a file from others.
const source = (file) => file.own ?? file.url;

/** The shares of a style alone, among those of its file; undefined of a file of one style. */
export const alone = ({mix}) => only(mix, mix?.index);

const only = (mix, chosen) => mix?.styles.map((_, index) => Number(index === chosen));

const contentOf = async (file, signal) => (file.own ?? (await fetched(file.url, signal))).arrayBuffer();

// {pixels: RGBA, expected: RGB} of a file that the server knows the answer of.
async function knownAnswer({known}, signal) {
  const files = [known.input, known.output].map(async (url) => (await fetched(url, signal)).arrayBuffer());
  const [rgb, expected] = (await Promise.all(files)).map((content) => new Uint8Array(content));
  const pixels = new Uint8ClampedArray((rgb.length / 3) * 4).fill(255);
  for (let from = 0, to = 0; from < rgb.length; from += 3, to += 4) pixels.set(rgb.subarray(from, from + 3), to);
  return {pixels: pixels.buffer, expected};
}

// Why an engine cannot be used here at all; empty if it can be tried.
export async function obstacle(kind, files) {
  if (kind === "webgpu") {
    if (!files.some(({type}) => type === "float32")) return "this style has no float file for WebGPU";
    if (!navigator.gpu) return isSecureContext ? "this browser has no WebGPU" : "WebGPU needs https";
    const adapter = await navigator.gpu.requestAdapter().catch(() => null);
    return adapter ? "" : "WebGPU finds no graphics processor";
  }
  if (kind === "threads") {
    if (!globalThis.crossOriginIsolated) {
      if (!isSecureContext) return "no threads: they need https";
      return "no threads: the page's server sends no isolation headers";
    }
    if (!relaxedSimd()) return "no threads: this browser lacks relaxed SIMD";
    if (navigator.hardwareConcurrency < 2) return "no threads: one processor core";
  }
  return "";
}

const KINDS = ["webgpu", "threads", "single"];

export class Engine {
  // Tells by onChange(engine) what is in use after a style is loaded, by itself or after a failure.
  constructor(onChange = () => {}) {
    this.onChange = onChange;
    this.used = null;
    this.style = null;
    this.alone = undefined;  // the shares of the style alone; none of a file of one
    this.shares = undefined;  // of each style that the file mixes
    this.loads = 0;  // under way
    this.last = Promise.resolve();  // of them
    this.downloads = new AbortController();
  }

  /** Ends the downloads of loads under way, which then fail with an AbortError: another style is wanted. */
  abandon() {
    this.downloads.abort();
    this.downloads = new AbortController();
  }

  /**
   * Loads a style by the first engine that works, after what is loaded already.
   * @param {{files: object[]}} style of site.json.
   * @param {string} wanted auto, webgpu, threads or single.
   * @param {number} threads 0 for as many as there are cores, at most 4.
   */
  load(style, wanted = "auto", threads = 0) {
    this.loads++;
    const {signal} = this.downloads;
    const load = this.last.then(() => this.#load(style, wanted, threads, signal)).finally(() => this.loads--);
    this.last = load.catch(() => {});
    return load;
  }

  /** Mixes another style that the file has, by its index, into the one that is loaded: 0 for none of it, 1 for all. */
  mix(other, share) {
    this.shares = this.alone?.map((own, index) => (1 - share) * own + share * Number(index === other));
  }

  async #load(style, wanted, threads, signal) {
    const there = this.client && this.used && this.wanted === wanted && style.mix && this.style.mix
      && style.mix.added === this.used.added;
    // The engine before was lost: the mix stays as it is.
    const again = this.style === style && this.shares?.length === style.mix?.styles.length;
    this.style = style;
    this.alone = alone(style);
    if (!again) this.shares = this.alone;
    if (there && style.files.some((file) => source(file) === source(this.used.file))) return this.used;
    this.wanted = wanted;
    this.used = null;  // until one is loaded
    const auto = wanted === "auto";
    const reasons = [];
    let gpu = Infinity;  // ms of a picture, where that is too slow to be taken for the best without a look at the CPU
    for (const kind of auto ? KINDS : KINDS.slice(KINDS.indexOf(wanted))) {
      signal.throwIfAborted();
      const known = auto && kind === "webgpu" && this.slow;  // found out once for a visit
      const timed = auto && !this.fast && (kind === "webgpu" || gpu < Infinity);
      const reason =
        known || (await obstacle(kind, style.files)) || (await this.#try(kind, style, threads, timed, signal));
      if (reason) {
        reasons.push(reason);
        continue;
      }
      if (auto && kind === "webgpu") {
        gpu = this.used.pace;
        if (gpu > LIVE) continue;
      } else if (gpu < Infinity) {
        const cpu = this.used.pace;
        this.fast = gpu < cpu;  // found out once, too
        if (this.fast) return this.#load(style, "webgpu", threads, signal);
        this.slow = `WebGPU works, but takes ${gpu.toFixed(0)} ms for a picture, the CPU ${cpu.toFixed(0)}`;
        reasons.unshift(this.slow);
      }
      this.used.reasons = reasons;
      this.onChange(this);
      return this.used;
    }
    if (gpu < Infinity) return this.#load(style, "webgpu", threads, signal);
    throw new Error(reasons.at(-1));
  }

  // Milliseconds of an inference, the least of a few.
  async #pace() {
    const times = [];
    let pixels = new ArrayBuffer(4 * this.used.height * this.used.width);
    for (let number = 0; number < 4 && !(times.at(-1) > 10 * LIVE); number++) {
      const done = await this.run(pixels);
      pixels = done.pixels;
      times.push(done.ms);
    }
    return Math.min(...times);
  }

  // Loads by one kind of engine, tries it, and times it if asked to; why not, or nothing.
  async #try(kind, style, asked, timed, signal) {
    // Without relaxed SIMD int8 has no advantage.
    const type = kind === "webgpu" || (!relaxedSimd() && asked === 0) ? "float32" : "uint8";
    let file = style.files.find((each) => each.type === type) ?? style.files[0];
    const threads = kind === "threads" ? asked || Math.min(navigator.hardwareConcurrency, 4) : 1;
    try {
      const content = await contentOf(file, signal).catch((error) => {
        const other = style.files.find((each) => each.type === "uint8");  // which is kept for use without a network
        if (kind === "webgpu" || !other || other === file) throw error;
        file = other;
        return contentOf(file, signal);
      });
      const whole = grown(content, style.mix?.added ?? []);
      if (this.client && this.kind !== kind) this.end();
      this.client ??= new WorkerClient((message) => this.#lost(message));
      this.kind = kind;
      const accelerator = kind === "webgpu" ? "webgpu" : "wasm";
      const loaded = await this.client.ask("load", {content: whole, accelerator, threads}, [whole], LONGEST_LOAD);
      const db = await this.#check(file, loaded, signal);
      this.used = {...loaded, kind, threads, file, db, added: style.mix?.added};
      if (timed) this.used.pace = await this.#pace();
      return "";
    } catch (error) {
      if (error.name === "AbortError") throw error;
      this.end();  // whatever went wrong, its memory is not to be trusted any more
      return `${kind === "webgpu" ? "WebGPU" : kind === "threads" ? "CPU with threads" : "CPU"}: ${error.message}`;
    }
  }

  // LiteRT.js does not throw when an operator fails, so a frame whose answer is known comes first.
  async #check(file, {height, width}, signal) {
    if (!file.known) {
      const pixels = Uint8ClampedArray.from({length: 4 * height * width}, (_, index) => (index * 37) % 256);
      const output = new Uint8Array((await this.run(pixels.buffer)).pixels);
      if (output.every((value, index) => index % 4 === 3 || value === output[index % 4])) {
        throw new Error("the model paints one color only");
      }
      return null;
    }
    const {mix} = this.style;  // an added style has no answer of its own: one that the file had before proves the file
    const {pixels, expected} = await knownAnswer(file, signal);
    const db = decibels(new Uint8Array((await this.run(pixels, only(mix, mix?.known ?? mix?.index))).pixels), expected);
    if (!(db >= LEAST_DB)) throw new Error(`it computes another picture than it should (${db.toFixed(1)} dB)`);
    return db;
  }

  // Stylizes RGBA pixels of the model's size; the buffer is handed over, and another one comes back: {pixels, ms}.
  run(pixels, shares = this.shares) {
    if (!this.client) return Promise.reject(new Error("no model is loaded"));
    return this.client.ask("run", {pixels, shares}, [pixels], LONGEST_RUN);
  }

  async #lost(message) {
    this.client?.fail(message);
    this.end();
    if (this.loads) return;  // which goes on without it
    try {
      const used = await this.load(this.style, "threads", 0);
      used.reasons.unshift(`WebGPU: ${message}`);
      this.onChange(this);
    } catch (error) {
      if (error.name !== "AbortError") this.onChange(this, error);
    }
  }

  end() {
    this.client?.end();
    this.client = null;
    this.used = null;
  }
}

// What is in use, in words.
export function describe({kind, threads, file}) {
  const where = kind === "webgpu" ? "graphics processor (WebGPU)" : `CPU, ${threads} thread${threads > 1 ? "s" : ""}`;
  return `${where}, ${file.recipe}`;
}
