// From the source through the engine to the stage, again and again while a camera runs.

import {describe} from "./engine.js";
import {grained} from "./grain.js";

export class Painter {
  constructor(app) {
    this.app = app;
    this.again = false;  // there is something to paint
    this.painting = false;
    this.refused = undefined;  // the source whose last picture the engine could not paint
  }

  /** Paints until there is nothing to paint; runs once at a time. */
  async paint() {
    this.again = true;
    if (this.painting) return;
    this.painting = true;
    const {sources, styles} = this.app;
    while (this.again && (await styles.loading) && sources.now) {
      const {now} = sources;
      this.again = now.live && !now.gone;
      if (!now.gone) await this.#frame(now);
      if (!this.again && !now.live && now === sources.now) await this.#still(now);
      if (this.again) await nextFrame(now);
      this.again ||= now !== sources.now;
    }
    this.painting = false;
  }

  async #frame(now) {
    const {engine, messages, sources, styles, view, stats, recorder} = this.app;
    const {used} = engine;
    if (!now.live) messages.say("still", `Painting ${styles.loaded.title}…`, "busy");
    try {
      // One bitmap for both canvases: the same frame, freed at once (drawn from the video itself, Chromium keeps each).
      const frame = now.live ? await createImageBitmap(now.element).catch(() => null) : now.element;
      if (!frame) return;  // a camera that has none yet, or no more
      const given = view.grab(frame);
      if (now.live) frame.close();
      const {pixels, ms} = await engine.run(grained(given).data.buffer);
      if (now !== sources.now || !view.show(pixels, given)) return;
      view.shown(now.live || !view.ownSize);
      if (!now.live && view.isEnlarged) this.app.tellEnlarged(used);
      stats.add(ms);
      this.refused = undefined;
      if (recorder.on) view.compose();
    } catch (error) {
      await this.#recover(error, used);
    } finally {
      if (!now.live) messages.say("still");
    }
  }

  // The photo at its own size, over what was shown first; anything new to paint stops it.
  async #still(now) {
    const {engine, messages, sources, strokes, styles, view, still} = this.app;
    if (!view.ownSize || !engine.used || this.refused === now) return;
    const style = styles.loaded;
    const stopped = () => this.again || now !== sources.now || style !== styles.chosen;
    const what = `Painting ${style.title} at full size…`;
    const percent = (share) => messages.say("still", `${what} ${Math.round(100 * share)}%`, "busy");
    const began = performance.now();
    try {
      percent(0);
      const painted = await still.paint(view.photo, strokes.times, style, engine.shares, {stopped, progress: percent});
      messages.say("still");
      if (!painted || stopped()) return;
      view.showStill(painted);
      this.app.tellStill(painted, performance.now() - began);
    } catch (error) {
      messages.say("still");
      if (stopped()) return;
      const text = "This photo is shown enlarged, as it cannot be painted at its own size:";
      messages.say("still", `${text} ${error.message}`);
    }
    view.shown(true);
  }

  // A run that fails leaves the engine untrusted: the style is loaded once more, without the GPU, but not twice.
  async #recover(error, used) {
    const {engine, sources, styles} = this.app;
    if (!used || engine.used !== used) return;  // it was ended on purpose, or is being replaced
    const current = styles.loading;
    engine.end();
    try {
      if (used.kind === "single" && this.refused === sources.now) throw error;
      this.refused = sources.now;
      await engine.load(styles.loaded, used.kind === "webgpu" ? "threads" : "single");
      engine.used.reasons.unshift(`${describe(used)}: ${error.message}`);
      this.app.engineChanged(engine);
    } catch (second) {
      if (styles.loading !== current) return;  // another style is on its way
      this.again = false;
      styles.loading = Promise.resolve(false);
      styles.giveUp(second);
    }
  }
}

// A stopped camera gives no frames any more: another source must not wait for it, so its end wakes, too.
const nextFrame = (now) => new Promise((resolve) => {
  now.wake = resolve;
  if (now.gone) resolve();
  else if (now.element.requestVideoFrameCallback) now.element.requestVideoFrameCallback(resolve);
  else requestAnimationFrame(resolve);
});
