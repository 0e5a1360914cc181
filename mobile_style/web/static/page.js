// The page: what is shown, what is pressed, and the loop from a source through the engine to the canvas.

import {Engine, describe, fetched} from "./engine.js";
import {grained} from "./grain.js";
import {compose, picture, record, show} from "./keep.js";
import {isolated} from "./offline.js";
import {draw, openCamera, openPhoto} from "./source.js";
import {Stats} from "./stats.js";

const SHARPEST = 1024;  // pixels of the longer side of the original that is shown
const get = (id) => document.getElementById(id);
const [before, after, stage] = [get("before"), get("after"), get("stage")];
const original = before.getContext("2d");
const painted = after.getContext("2d", {willReadFrequently: true});
const grabbed = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
const pending = document.createElement("canvas").getContext("2d");
const composed = document.createElement("canvas");
const stats = new Stats();
const engine = new Engine(engineChanged);

let site, source, recording;
let style;  // that the engine has, or had before it gave up
let chosen;  // which may still be on its way
let camera = [{facingMode: "user"}];  // the one that was opened last
let mirrored = false;
let loading = Promise.resolve(false);  // whether a model is ready
let photo = 0;  // of the samples
let opening = 0;  // the newest request for a source wins
let again = false;  // a still photo is to be painted once more
let painting = false;
let refused;  // the source whose last picture the engine could not paint
let gaveUp = false;  // on the style, which the next source has loaded anew
const said = new Map();  // the newest words on the style and on the source

// What the style or the source is busy with, or what went wrong with it; without words, that is over. Who tries something
// new has seen what went wrong before.
function say(about, text = "", kind = "") {
  said.delete(about);
  if (kind === "busy") said.forEach((each, other) => each.kind === "error" && said.delete(other));
  if (text) said.set(about, {text, kind});
  const all = [...said.values()].reverse();
  const shown = all.find((each) => each.kind === "error") ?? all[0] ?? {text: "", kind: ""};
  get("message").textContent = shown.text;
  get("message").className = shown.kind;
  stage.classList.toggle("busy", shown.kind === "busy");
}

// --- engine and styles

function engineChanged({used}, error) {
  if (error) {
    gaveUp = true;
    return say("style", error.message, "error");
  }
  get("used").textContent =
    `LiteRT.js ${site.litertjs}, ${describe(used)}, ${used.width} x ${used.height} pixels. ` +
    (used.db === null ? "Its answer is not known beforehand, so it is not checked."
      : used.db === Infinity ? "It computes exactly what native LiteRT does."
      : `Against native LiteRT its picture measures ${used.db.toFixed(1)} dB.`);
  get("reasons").replaceChildren(...used.reasons.map((reason) => {
    const item = document.createElement("li");
    item.textContent = reason;
    return item;
  }));
  document.documentElement.dataset.engine = used.kind;
  if (engine.loads) return;
  layout();  // the engine before was lost, and perhaps a photo with it
  paint();
}

// A complaint stays shown while the style that is named takes over from one that cannot be used.
function choose(next, complaint = "") {
  const last = loading;
  chosen = next;
  engine.abandon();  // a download that stalls holds up nothing else
  const one = last.catch(() => {}).then(async () => {
    if (loading !== one) return false;  // another one was chosen meanwhile
    say("style", complaint || `Loading ${next.title}…`, complaint ? "error" : "busy");
    style = next;
    gaveUp = false;
    try {
      await engine.load(next, get("engine").value);
      if (!complaint) say("style");
      stats.clear();
      layout();
      return true;
    } catch (error) {
      if (loading !== one) return false;
      say("style", `${next.title} cannot be used: ${error.message}`, "error");
      gaveUp = true;
      return false;
    }
  });
  loading = one;
  one.then(() => paint());
  return one;
}

// Chooses what is perhaps unusable; then what `before()` names is back, and the complaint stays shown.
async function tryOut(next, before) {
  const one = choose(next);
  if ((await one) || loading !== one) return;  // it works, or another one was chosen meanwhile
  await choose(before(), said.get("style")?.text);
}

function addStyle(entry, checked) {
  const label = document.createElement("label");
  label.className = "style";
  const input = Object.assign(document.createElement("input"), {type: "radio", name: "style", checked});
  const face = document.createElement(entry.thumbnail ? "img" : "i");
  if (entry.thumbnail) Object.assign(face, {src: entry.thumbnail, alt: "", loading: "lazy"});
  else face.textContent = "?";
  const title = document.createElement("span");
  title.textContent = entry.title;
  label.title = entry.painting ? `After ${entry.painting}` : "";
  label.append(input, face, title);
  entry.input = input;
  input.addEventListener("change", () => choose(entry));
  get("styles").append(label);
}

// A model file of the visitor's own; it takes bytes or floats of 0 to 255. One that cannot be used leaves the picker.
function openModel(file) {
  const entry = {title: file.name, files: [{own: file, recipe: "own file", type: "found out on loading"}]};
  const last = chosen;
  addStyle(entry, true);
  return tryOut(entry, () => {
    entry.input.closest("label").remove();
    last.input.checked = true;
    return last;
  });
}

// --- sources

async function use(open, words) {
  const mine = ++opening;
  say("source", words, "busy");
  try {
    const opened = await open();
    if (mine !== opening) return opened.stop();
    recording?.stop();
    source?.stop();
    source = opened;
    opened.ended?.then((itself) => {
      opened.wake?.();
      if (!itself || opened !== source) return;
      recording?.stop();
      setLive(false);
      say("source", "The camera has gone. Choose it again, or a photo.", "error");
    });
    say("source");
  } catch (error) {
    if (mine !== opening) return undefined;
    if (source?.gone) {  // it was stopped for this one
      recording?.stop();
      setLive(false);
    }
    say("source", error.message, "error");
    return undefined;
  }
  setLive(source.live);
  setMirror(Boolean(source.front));
  get("flip").hidden = !source.other;
  if (source.live) source.element.onresize = layout;  // the phone was turned
  stats.clear();
  layout();
  return gaveUp ? choose(chosen) : paint();
}

function setLive(on) {
  get("camera").setAttribute("aria-pressed", on);
  get("record").disabled = !on;
}

const useCamera = (choices = camera) => use(async () => {
  const opened = await openCamera(choices);
  camera = choices;
  return opened;
}, "Opening the camera…");
const usePhoto = (blob, name) => use(() => openPhoto(blob, name), "Opening the photo…");
const useSample = () => use(async () => {
  const url = site.photos[photo++ % site.photos.length];
  return openPhoto(await (await fetched(url)).blob(), "The sample photo");
}, "Opening the photo…");

function take(file) {
  if (!file || !style) return undefined;  // the page is not ready
  return file.name.toLowerCase().endsWith(".tflite") ? openModel(file) : usePhoto(file, file.name || "The picture");
}

// --- painting

const settings = () => ({whole: get("framing").value === "whole", mirrored});

function layout() {
  if (!source || !engine.used) return;
  const {width, height} = engine.used;
  const shape = settings().whole ? source.width / source.height : width / height;
  const longest = Math.min(SHARPEST, Math.max(source.width, source.height));
  const sharp = shape > 1 ? [longest, Math.round(longest / shape)] : [Math.round(longest * shape), longest];
  for (const canvas of [before, pending.canvas]) [canvas.width, canvas.height] = sharp;
  for (const canvas of [after, grabbed.canvas]) {
    if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
  }
  stage.style.setProperty("--shape", shape);
  get("shot").disabled = true;  // until there is a picture
}

// A stopped camera gives no frames any more: another source must not wait for it, so its end wakes, too.
const nextFrame = (now) => new Promise((resolve) => {
  now.wake = resolve;
  if (now.gone) resolve();
  else if (now.element.requestVideoFrameCallback) now.element.requestVideoFrameCallback(resolve);
  else requestAnimationFrame(resolve);
});

// Paints until there is nothing to paint; runs once at a time.
async function paint() {
  again = true;
  if (painting) return;
  painting = true;
  while (again && (await loading) && source) {
    const now = source;
    again = now.live && !now.gone;
    if (!now.gone) await one(now);
    if (again) await nextFrame(now);
    again ||= now !== source;
  }
  painting = false;
}

async function one(now) {
  const {width, height} = grabbed.canvas;
  const {used} = engine;
  try {
    // One bitmap for both canvases: the same frame, freed at once (drawn from the video itself, Chromium keeps each).
    const frame = now.live ? await createImageBitmap(now.element).catch(() => null) : now.element;
    if (!frame) return;  // a camera that has none yet, or no more
    for (const context of [grabbed, pending]) draw(frame, context, settings());
    if (now.live) frame.close();
    const {pixels, ms} = await engine.run(grained(grabbed.getImageData(0, 0, width, height)).data.buffer);
    if (now !== source || width !== after.width || height !== after.height) return;
    original.drawImage(pending.canvas, 0, 0);
    painted.putImageData(new ImageData(new Uint8ClampedArray(pixels), width, height), 0, 0);
    get("shot").disabled = false;
    stats.add(ms);
    refused = undefined;
    after.dataset.frames = Number(after.dataset.frames ?? 0) + 1;
    if (recording) compose(composed, before, after, strength());
  } catch (error) {
    await recover(error, used);
  }
}

// A run that fails leaves the engine untrusted: the style is loaded once more, without the GPU, and no more than once.
async function recover(error, used) {
  if (!used || engine.used !== used) return;  // it was ended on purpose, or is being replaced
  const current = loading;
  engine.end();
  try {
    if (used.kind === "single" && refused === source) throw error;
    refused = source;
    await engine.load(style, used.kind === "webgpu" ? "threads" : "single");
    engine.used.reasons.unshift(`${describe(used)}: ${error.message}`);
    engineChanged(engine);
  } catch (second) {
    if (loading !== current) return;  // another style is on its way
    again = false;
    loading = Promise.resolve(false);
    gaveUp = true;
    say("style", second.message, "error");
  }
}

setInterval(() => {
  if (!stats.times.length || !engine.used) return;
  const {fps, median, p90} = stats.summary();
  const rate = source?.live && fps ? `${fps.toFixed(1)} frames/s · ` : "";
  get("stats").textContent = `${rate}${median.toFixed(0)} ms median, ${p90.toFixed(0)} ms p90 · ${describe(engine.used)}`;
}, 500);

// --- controls

const strength = () => get("strength").value / 100;

function setMirror(on) {
  mirrored = on;
  get("mirror").setAttribute("aria-pressed", on);
}

async function clip() {
  if (recording) return recording.stop();
  try {
    recording = record(compose(composed, before, after, strength()), style.title);
  } catch (error) {
    return say("source", error.message, "error");
  }
  get("record").setAttribute("aria-pressed", true);
  const file = await recording.file;
  recording = null;
  get("record").setAttribute("aria-pressed", false);
  return show(file);
}

const ACTIONS = {
  camera: () => (source?.live && !source.gone ? useSample() : useCamera()),
  sample: useSample,
  open: () => get("file").click(),
  flip: () => {
    source?.stop();  // most phones open one camera at a time
    return useCamera(source?.other);
  },
  mirror: () => (setMirror(!mirrored), paint()),
  shot: async () => source && show(await picture(compose(composed, before, after, strength()), style.title)),
  record: clip,
  full: () => (document.fullscreenElement ? document.exitFullscreen() : get("view").requestFullscreen()),
};
for (const [id, action] of Object.entries(ACTIONS)) get(id).addEventListener("click", action);

get("split").addEventListener("input", ({target}) => stage.style.setProperty("--split", `${target.value}%`));
get("strength").addEventListener("input", ({target}) => {
  stage.style.setProperty("--strength", strength());
  get("percent").textContent = `${target.value} %`;
});
get("framing").addEventListener("change", () => (layout(), paint()));
get("engine").addEventListener("change", ({target}) => tryOut(chosen, () => ((target.value = "auto"), chosen)));
get("file").addEventListener("change", ({target}) => (take(target.files[0]), (target.value = "")));
document.addEventListener("paste", ({clipboardData}) => take(clipboardData.files[0]));
document.addEventListener("fullscreenchange", () => {
  get("full").setAttribute("aria-pressed", Boolean(document.fullscreenElement));
});
for (const kind of ["dragenter", "dragover", "dragleave", "drop"]) {
  document.addEventListener(kind, (event) => {
    event.preventDefault();
    document.body.classList.toggle("over", kind === "dragenter" || kind === "dragover");
    if (kind === "drop") take(event.dataTransfer.files[0]);
  });
}
get("full").hidden = !document.fullscreenEnabled;
get("record").disabled = get("shot").disabled = true;

// --- start

try {
  say("style", "Loading the page…", "busy");
  site = await (await fetched("site.json")).json();
  await isolated(site);
  for (const controls of document.querySelectorAll("[inert]")) controls.inert = false;
  site.styles.forEach((entry, index) => addStyle(entry, index === 0));
  choose(site.styles[0]);
  useSample();
} catch (error) {
  say("style", `The page cannot start: ${error.message}`, "error");
}
