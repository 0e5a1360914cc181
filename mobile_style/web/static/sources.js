// Where the picture comes from now: the camera, a photo, or one of the samples.

import {fetched} from "./engine.js";
import {openCamera, openPhoto} from "./source.js";

const get = (id) => document.getElementById(id);

export class Sources {
  constructor(app) {
    this.app = app;
    this.now = null;
    this.camera = [{facingMode: "user"}];  // the one that was opened last
    this.mirrored = false;
    this.sample = 0;  // the next one
    this.newest = 0;  // request; the newest wins
  }

  useCamera(choices = this.camera) {
    return this.#use("camera", async () => {
      const opened = await openCamera(choices);
      this.camera = choices;
      return opened;
    }, "Opening the camera…");
  }

  usePhoto(blob, name) {
    return this.#use("open", () => openPhoto(blob, name), "Opening the photo…");
  }

  useSample() {
    const {photos} = this.app.site;
    return this.#use("sample", async () => {
      const url = photos[this.sample++ % photos.length];
      return openPhoto(await (await fetched(url)).blob(), "The sample photo");
    }, "Opening the photo…");
  }

  /** Most phones open one camera at a time, so this one is closed before the other is opened. */
  switchCamera() {
    this.now?.stop();
    return this.useCamera(this.now?.other);
  }

  mirror(on) {
    this.mirrored = on;
    get("mirror").setAttribute("aria-pressed", on);
  }

  async #use(button, open, words) {
    const {messages, recorder, stats, view, styles, painter} = this.app;
    const mine = ++this.newest;
    messages.say("source", words, "busy");
    try {
      const opened = await open();
      if (mine !== this.newest) return opened.stop();
      recorder.stop();
      this.now?.stop();
      this.now = opened;
      opened.ended?.then((itself) => this.#ended(opened, itself));
      messages.say("source");
    } catch (error) {
      if (mine !== this.newest) return undefined;
      if (this.now?.gone) {  // it was stopped for this one
        recorder.stop();
        this.#setLive(false);
      }
      messages.say("source", error.message, "error");
      return undefined;
    }
    this.#setLive(this.now.live);
    for (const id of ["open", "sample"]) get(id).setAttribute("aria-current", id === button);
    this.mirror(Boolean(this.now.front));
    get("flip").hidden = !this.now.other;
    if (this.now.live) this.now.element.onresize = () => view.layout();  // the phone was turned
    stats.clear();
    view.layout();
    return styles.gaveUp ? styles.choose(styles.chosen) : painter.paint();
  }

  #ended(source, itself) {
    source.wake?.();
    if (!itself || source !== this.now) return;
    this.app.recorder.stop();
    this.#setLive(false);
    this.app.messages.say("source", "The camera has gone. Choose it again, or a photo.", "error");
  }

  #setLive(on) {
    get("camera").setAttribute("aria-pressed", on);
    get("record").disabled = get("record").hidden = !on;
    get("shot").lastElementChild.textContent = on ? "Take picture" : "Save";
    document.documentElement.dataset.live = on;
    if (on) this.app.still.end();  // its memory is for the camera now
  }
}
