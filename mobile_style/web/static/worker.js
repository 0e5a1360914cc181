"use strict";
// A classic worker around LiteRT.js: the only file that knows it. The page talks to it through engine.js.
// Classic, because LiteRT.js loads its WebAssembly with importScripts, which module workers lack.

const BASE = new URL("engine/", self.location.href).href;
let litert, model, spec, values, device;

// Loads the WebAssembly build with or without threads, once, and a model; a model that was there before is freed.
async function load({content, accelerator, threads}) {
  if (!litert) {
    const threaded = threads > 1;
    const script = BASE + "litert_wasm_threaded_internal.js";
    self.Module = {locateFile: (name) => BASE + name, ...(threaded && {mainScriptUrlOrBlob: script})};
    try {
      const library = await import(BASE + "index.js");
      await library.loadLiteRt(BASE, {threads: threaded});
      litert = library;
    } catch (error) {
      console.warn(error);
      throw new Error("its program cannot be loaded; is there a network?");
    }
  }
  if (accelerator === "webgpu" && !device) {
    device = litert.getWebGpuDevice();
    if (!device) throw new Error("this browser gives no WebGPU device");
    device.lost.then(({message}) => self.postMessage({lost: message || "the graphics processor was reset"}));
  }
  const options = accelerator === "webgpu" ? {accelerator} : {accelerator, cpuOptions: {numThreads: threads}};
  const compiled = await litert.loadAndCompile(new Uint8Array(content), options);
  if (compiled.options.accelerator !== accelerator) {
    compiled.delete();
    throw new Error("the graphics processor cannot run all of this model's operators");
  }
  const [given, wanted] = [compiled.getInputDetails(), compiled.getOutputDetails()];
  const fits = (all) => all.length === 1 && all[0].shape.length === 4 && all[0].shape[0] === 1 && all[0].shape[3] === 3;
  if (!fits(given) || !fits(wanted) || given[0].shape.join() !== wanted[0].shape.join()) {
    compiled.delete();
    throw new Error("the model does not take one picture and give one of the same size");
  }
  model?.delete();
  model = compiled;
  const [, height, width] = given[0].shape;
  spec = {height, width, type: given[0].dtype, shape: [1, height, width, 3]};
  values = new (spec.type === "uint8" ? Uint8Array : Float32Array)(height * width * 3);
  return {height, width, type: spec.type};
}

// RGBA bytes in, RGBA bytes out, in the same buffer.
async function run({pixels}) {
  const rgba = new Uint8ClampedArray(pixels);
  if (rgba.length !== 4 * spec.height * spec.width) throw new Error("a picture of another size than the model's");
  for (let from = 0, to = 0; from < rgba.length; from += 4) {
    values[to++] = rgba[from];
    values[to++] = rgba[from + 1];
    values[to++] = rgba[from + 2];
  }
  const began = performance.now();
  const tensor = new litert.Tensor(values, spec.shape);
  let outputs = [];
  let result;
  try {
    outputs = await model.run([tensor]);
    result = await outputs[0].data();
  } finally {  // LiteRT.js frees nothing by itself
    tensor.delete();
    outputs.forEach((output) => output.delete());
  }
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

const ORDERS = {load, run};
let queue = Promise.resolve();  // one order after the other

self.onmessage = ({data}) => {
  queue = queue.then(async () => {
    try {
      const answer = await ORDERS[data.order](data);
      self.postMessage({id: data.id, answer}, answer.pixels ? [answer.pixels] : []);
    } catch (error) {
      self.postMessage({id: data.id, error: String(error?.message ?? error)});
    }
  });
};
