"use strict";
// A classic worker around LiteRT.js: the only file that knows it. The page talks to it through engine.js.
// Classic, because LiteRT.js loads its WebAssembly with importScripts, which module workers lack.

const BASE = new URL("engine/", self.location.href).href;
const engine = {};  // litert, its library; device, the graphics processor; model, spec, values: of single pictures
const WHOLE = 255;  // what the shares of a mix add up to as bytes
const networks = new Map();  // those of any inputs and outputs, by name

// Loads the WebAssembly build with or without threads, once.
async function library(threaded) {
  if (engine.litert) return engine.litert;
  const script = `${BASE}litert_wasm_threaded_internal.js`;
  self.Module = {locateFile: (name) => BASE + name, ...(threaded && {mainScriptUrlOrBlob: script})};
  try {
    const loaded = await import(`${BASE}index.js`);
    await loaded.loadLiteRt(BASE, {threads: threaded});
    return (engine.litert = loaded);
  } catch (error) {
    console.warn(error);
    throw new Error("its program cannot be loaded; is there a network?");
  }
}

async function compile(content, accelerator, threads) {
  const litert = await library(threads > 1);
  if (accelerator === "webgpu" && !engine.device) {
    engine.device = litert.getWebGpuDevice();
    if (!engine.device) throw new Error("this browser gives no WebGPU device");
    engine.device.lost.then(({message}) => self.postMessage({lost: message || "the graphics processor was reset"}));
  }
  const options = accelerator === "webgpu" ? {accelerator} : {accelerator, cpuOptions: {numThreads: threads}};
  const compiled = await litert.loadAndCompile(new Uint8Array(content), options);
  if (compiled.options.accelerator === accelerator) return compiled;
  compiled.delete();
  throw new Error("the graphics processor cannot run all of this model's operators");
}

// A model of single pictures; one that was there before is freed.
async function load({content, accelerator, threads}) {
  const compiled = await compile(content, accelerator, threads);
  const [given, wanted] = [compiled.getInputDetails(), compiled.getOutputDetails()];
  const isPicture = ({shape}) => shape.length === 4 && shape[0] === 1 && shape[3] === 3 && shape[1] * shape[2] > 1;
  const isMix = ({shape}) => shape.length === 4 && shape.slice(0, 3).join() === "1,1,1";
  const [picture, mix] = given.length === 2 && isMix(given[0]) ? [given[1], given[0]] : given;
  const same = wanted.length === 1 && picture && picture.shape.join() === wanted[0].shape.join();
  if (!same || !isPicture(picture) || given.length > 2 || (mix && !isMix(mix))) {
    compiled.delete();
    throw new Error("the model does not take one picture and give one of the same size");
  }
  engine.model?.delete();
  const [, height, width] = picture.shape;
  const type = picture.dtype;
  const values = new (type === "uint8" ? Uint8Array : Float32Array)(height * width * 3);
  const styles = mix ? mix.shape[3] : 1;
  const spec = {height, width, shape: picture.shape, type, styles, mixFirst: mix !== undefined && mix === given[0]};
  Object.assign(engine, {model: compiled, spec, values});
  return {height, width, type, styles};
}

// The input of a mix: the first style alone if no shares are given. Of bytes, the largest remainders are rounded up, as
// styles.py does.
function mixInput({styles, type}, shares = Array.from({length: styles}, (_, index) => Number(index === 0))) {
  if (shares.length !== styles) throw new Error(`the model mixes ${styles} styles, not ${shares.length}`);
  const shape = [1, 1, 1, styles];
  const exact = Float32Array.from(shares);
  if (type !== "uint8") return {values: exact, shape};
  const levels = Uint8Array.from(exact, (share) => Math.floor(WHOLE * share));
  const left = WHOLE - levels.reduce((sum, level) => sum + level, 0);
  const rest = (index) => WHOLE * exact[index] - levels[index];
  const order = [...levels.keys()].sort((one, other) => rest(other) - rest(one));
  for (const index of order.slice(0, left)) levels[index]++;
  return {values: levels, shape};
}

// The values of the outputs for the values of the inputs.
async function infer(model, inputs) {
  const tensors = inputs.map(({values, shape}) => new engine.litert.Tensor(values, shape));
  let outputs = [];
  try {
    outputs = await model.run(tensors);
    return await Promise.all(outputs.map((output) => output.data()));
  } finally {  // LiteRT.js frees nothing by itself
    for (const tensor of [...tensors, ...outputs]) tensor.delete();
  }
}

// RGBA bytes in, RGBA bytes out, in the same buffer.
async function run({pixels, shares}) {
  const {model, spec, values} = engine;
  const rgba = new Uint8ClampedArray(pixels);
  if (rgba.length !== 4 * spec.height * spec.width) throw new Error("a picture of another size than the model's");
  for (let from = 0, to = 0; from < rgba.length; from += 4) {
    values[to++] = rgba[from];
    values[to++] = rgba[from + 1];
    values[to++] = rgba[from + 2];
  }
  const began = performance.now();
  const picture = {values, shape: spec.shape};
  const mix = spec.styles > 1 ? [mixInput(spec, shares)] : [];
  const [result] = await infer(model, spec.mixFirst ? [...mix, picture] : [picture, ...mix]);
  const ms = performance.now() - began;
  let finite = true;
  for (let from = 0, to = 0; to < rgba.length; to += 4) {
    finite &&= Number.isFinite(result[from] + result[from + 1] + result[from + 2]);
    rgba[to] = result[from++];  // clamped and rounded to even, as NumPy does
    rgba[to + 1] = result[from++];
    rgba[to + 2] = result[from++];
    rgba[to + 3] = 255;
  }
  if (!finite) throw new Error("the model computed numbers that are not finite");
  return {pixels: rgba.buffer, ms};
}

// A network of floats, kept by its name.
async function open({name, content, threads}) {
  const compiled = await compile(content, "wasm", threads);
  networks.get(name)?.delete();
  networks.set(name, compiled);
  return {};
}

// Runs it: {values, shape} of each input in, the values of each output out.
async function call({name, inputs}) {
  const outputs = await infer(networks.get(name), inputs);
  const copies = outputs.map((values) => Float32Array.from(values));
  if (copies.some((values) => !values.every(Number.isFinite))) {
    throw new Error("the model computed numbers that are not finite");
  }
  return {outputs: copies};
}

const ORDERS = {load, run, open, call};
const orders = {last: Promise.resolve()};  // one after the other

self.onmessage = ({data}) => {
  orders.last = orders.last.then(async () => {
    try {
      const answer = await ORDERS[data.order](data);
      self.postMessage({id: data.id, answer}, answer.pixels ? [answer.pixels] : []);
    } catch (error) {
      self.postMessage({id: data.id, error: String(error?.message ?? error)});
    }
  });
};
