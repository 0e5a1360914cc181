// The stage: the photo, over it the painted picture, and, for a photo, over that the one of its own size.

import {alone, fetched} from "./engine.js";
import {compose} from "./keep.js";
import {draw, openPhoto} from "./source.js";

const SHARPEST = 1024;  // pixels of the longer side of a live original that is shown
const LARGEST = 4096 * 3072;  // pixels of a photo, which is shrunk to that: what phones' canvases hold
const get = (id) => document.getElementById(id);
const readable = (canvas) => canvas.getContext("2d", {willReadFrequently: true});
const resize = (canvas, [width, height]) => {
  if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
};

export class View {
  constructor(app) {
    this.app = app;
    this.stage = get("stage");
    this.before = get("before").getContext("2d");
    this.after = readable(get("after"));
    this.still = get("still").getContext("2d");
    this.grabbed = readable(document.createElement("canvas"));  // for the model
    this.pending = readable(document.createElement("canvas"));  // the original of the frame that is being painted
    this.composed = document.createElement("canvas");
    this.source = null;  // whose picture is shown
    this.expired = false;  // what is shown is not what was chosen last
  }

  get strength() {
    return get("strength").value / 100;
  }

  /** Whether the photo is painted at its own size, too. */
  get ownSize() {
    const {engine, sources: {now}, styles} = this.app;
    if (!now || now.live || !styles.loaded?.still || !engine.used) return false;
    return now.width !== engine.used.width || now.height !== engine.used.height;
  }

  /** Whether the photo has more pixels than what the model makes of it. */
  get isEnlarged() {
    const {engine: {used}, sources: {now}} = this.app;
    return !this.ownSize && Math.min(now.width / used.width, now.height / used.height) > 1;
  }

  get settings() {
    return {whole: this.ownSize || get("framing").value === "whole", mirrored: this.app.sources.mirrored};
  }

  /** The size of every canvas, for the source and the model that are in use. */
  layout() {
    const {engine, sources: {now}, strokes} = this.app;
    if (now) this.expire();
    if (!now || !engine.used) return;
    const {width, height} = engine.used;
    strokes.offer(this.ownSize ? now : null);
    const shape = this.settings.whole ? now.width / now.height : width / height;
    const scale = Math.min(1, Math.sqrt(LARGEST / (now.width * now.height)));
    const longest = Math.round(Math.min(now.live ? SHARPEST : Infinity, scale * Math.max(now.width, now.height)));
    const sharp = shape > 1 ? [longest, Math.round(longest / shape)] : [Math.round(longest * shape), longest];
    resize(this.pending.canvas, sharp.map((side) => Math.max(side, 1)));
    resize(this.grabbed.canvas, [width, height]);
    if (now.live || now === this.source) return;
    draw(now.element, this.pending, this.settings);  // the photo itself until it is painted
    this.#showOriginal(now);
    this.stage.classList.add("unpainted");
  }

  /** What is shown stays until something else is painted; it is told no more, and cannot be kept. */
  expire() {
    this.expired = true;
    get("stats").textContent = "";
    get("shot").disabled = true;
  }

  // The canvases that are seen change their size only with their content, so that nothing flashes.
  #showOriginal(source) {
    const {canvas} = this.pending;
    resize(this.before.canvas, [canvas.width, canvas.height]);
    this.before.drawImage(canvas, 0, 0);
    this.stage.style.setProperty("--shape", canvas.width / canvas.height);
    this.source = source;
  }

  /** What the model is given of a frame, as ImageData. */
  grab(frame) {
    for (const context of [this.grabbed, this.pending]) draw(frame, context, this.settings);
    const {width, height} = this.grabbed.canvas;
    return this.grabbed.getImageData(0, 0, width, height);
  }

  /** Shows what the model made of the frame that was grabbed last; false if the layout has changed meanwhile. */
  show(pixels, {width, height}) {
    const {after: {canvas}, grabbed: {canvas: wanted}} = this;
    if (width !== wanted.width || height !== wanted.height) return false;
    this.#showOriginal(this.app.sources.now);
    resize(canvas, [width, height]);
    this.stage.classList.remove("unpainted");
    if (this.expired) this.#hideStill();
    this.expired = false;
    this.after.putImageData(new ImageData(new Uint8ClampedArray(pixels), width, height), 0, 0);
    canvas.dataset.frames = Number(canvas.dataset.frames ?? 0) + 1;
    return true;
  }

  /** There is a picture; it can be kept unless it is shown only until the photo is painted at its own size. */
  shown(whole) {
    get("shot").disabled = !whole;
  }

  /** The photo at its own size, as ImageData. */
  get photo() {
    const {width, height} = this.before.canvas;
    return this.before.getImageData(0, 0, width, height);
  }

  showStill(picture) {
    resize(this.still.canvas, [picture.width, picture.height]);
    this.still.putImageData(picture, 0, 0);
    this.still.canvas.dataset.painted = `${picture.width}x${picture.height}`;
    this.stage.classList.add("own-size");
  }

  #hideStill() {
    delete this.still.canvas.dataset.painted;
    this.stage.classList.remove("own-size");
  }

  /** What is shown, as one canvas. */
  compose() {
    const painted = this.stage.classList.contains("own-size") ? this.still : this.after;
    return compose(this.composed, this.before.canvas, painted.canvas, this.strength);
  }

  /** A photo as the model paints it in one of its styles, as a canvas. */
  async thumbnail(url, engine, style) {
    const photo = await openPhoto(await (await fetched(url)).blob(), url);
    const {width, height} = engine.used;
    const context = document.createElement("canvas").getContext("2d");
    resize(context.canvas, [width, height]);
    draw(photo.element, context, {whole: false, mirrored: false});
    photo.stop();
    const {pixels} = await engine.run(context.getImageData(0, 0, width, height).data.buffer, alone(style));
    context.putImageData(new ImageData(new Uint8ClampedArray(pixels), width, height), 0, 0);
    return context.canvas;
  }
}
