// The page: its parts, what is pressed, and what is told of the engine.

import {Engine, describe, fetched} from "./engine.js";
import {Recorder, picture, show} from "./keep.js";
import {Blend} from "./blend.js";
import {Messages} from "./messages.js";
import {isolated} from "./offline.js";
import {Own} from "./own.js";
import {Painter} from "./painter.js";
import {Sources} from "./sources.js";
import {Stats} from "./stats.js";
import {StillPainter} from "./still.js";
import {Strokes} from "./strokes.js";
import {Styles} from "./styles.js";
import {View} from "./view.js";

const get = (id) => document.getElementById(id);

class Page {
  constructor() {
    this.site = null;
    this.messages = new Messages(get("message"), get("stage"));
    this.engine = new Engine((engine, error) => this.engineChanged(engine, error));
    this.stats = new Stats();
    this.recorder = new Recorder(get("record"));
    this.still = new StillPainter();
    this.view = new View(this);
    this.blend = new Blend(this);
    this.strokes = new Strokes(this);
    this.styles = new Styles(this);
    this.own = new Own(this);
    this.sources = new Sources(this);
    this.painter = new Painter(this);
  }

  async start() {
    try {
      this.messages.say("style", "Loading the page…", "busy");
      this.site = await (await fetched("site.json")).json();
      await isolated(this.site);
      for (const controls of document.querySelectorAll("[inert]")) controls.inert = false;
      this.site.styles.forEach((entry, index) => this.styles.add(entry, index === 0));
      await this.own.restore();
      this.styles.choose(this.site.styles[0]).then((ready) => ready && this.own.paintRestored());
      this.sources.useSample();
    } catch (error) {
      this.messages.say("style", `The page cannot start: ${error.message}`, "error");
    }
  }

  /** Another engine is in use, by itself or after a failure. */
  engineChanged({used}, error) {
    if (error) return this.styles.giveUp(error);
    const check = used.db === null ? "Its answer is not known beforehand, so it is not checked."
      : used.db === Infinity ? "It computes exactly what native LiteRT does."
      : `Against native LiteRT its picture measures ${used.db.toFixed(1)} dB.`;
    const size = `${used.width} x ${used.height} pixels`;
    get("used").textContent = `LiteRT.js ${this.site.litertjs}, ${describe(used)}, ${size}. ${check}`;
    get("reasons").replaceChildren(...used.reasons.map((reason) => {
      const item = document.createElement("li");
      item.textContent = reason;
      return item;
    }));
    document.documentElement.dataset.engine = used.kind;
    if (this.engine.loads) return undefined;
    this.view.layout();  // the engine before was lost, and perhaps a photo with it
    return this.painter.paint();
  }

  tellStill({width, height}, ms) {
    get("stats").textContent = `${width} × ${height} pixels, painted in ${(ms / 1000).toFixed(1)} seconds`;
  }

  /** A photo was painted at the size of the model, and is shown at another. */
  tellEnlarged({width, height}) {
    const size = `${width} × ${height} pixels`;
    get("stats").textContent = `Painted at ${size} and enlarged: this file has no float network`;
  }

  /** Twice a second. */
  tellStats() {
    const {now} = this.sources;
    if (!this.stats.times.length || !this.engine.used) return;
    const {fps, median, p90} = this.stats.summary();
    const spread = p90 === null ? "" : ` (median; 90th percentile ${p90.toFixed(0)} ms)`;
    get("timings").textContent = `${median.toFixed(0)} ms for a picture${spread}`;
    if (now?.live) get("stats").textContent = fps ? `${fps.toFixed(1)} frames per second` : "";
  }

  /** A file that was dropped, pasted or chosen, a photo unless its name or `input` tells otherwise. */
  take(file, input = "file") {
    if (!file || !this.styles.loaded) return undefined;  // the page is not ready
    const isA = (suffix) => file.name.toLowerCase().endsWith(suffix);
    if (isA(".tflite")) return this.own.openModel(file);
    if (isA(".style") || input === "style-file") return this.own.openStyle(file);
    return this.sources.usePhoto(file, file.name || "The picture");
  }

  async record() {
    if (this.recorder.on) return this.recorder.stop();
    try {
      return await this.recorder.start(this.view.compose(), this.styles.loaded.title);
    } catch (error) {
      return this.messages.say("source", error.message, "error");
    }
  }

  async save() {
    if (this.sources.now) await show(await picture(this.view.compose(), this.styles.loaded.title));
  }

  toggleCamera() {
    const {now} = this.sources;
    return now?.live && !now.gone ? this.sources.useSample() : this.sources.useCamera();
  }

  mirror() {
    this.sources.mirror(!this.sources.mirrored);
    this.view.expire();
    return this.painter.paint();
  }

  redraw() {
    this.view.layout();
    return this.painter.paint();
  }

  changeEngine(select) {
    return this.styles.tryOut(this.styles.chosen, () => {
      select.value = "auto";
      return this.styles.chosen;
    });
  }
}

function wire(page) {
  const actions = {
    camera: () => page.toggleCamera(),
    sample: () => page.sources.useSample(),
    open: () => get("file").click(),
    add: () => get("style-file").click(),
    forget: () => page.own.forget(page.styles.chosen),
    flip: () => page.sources.switchCamera(),
    mirror: () => page.mirror(),
    shot: () => page.save(),
    record: () => page.record(),
    full: () => (document.fullscreenElement ? document.exitFullscreen() : get("view").requestFullscreen()),
  };
  for (const [id, action] of Object.entries(actions)) get(id).addEventListener("click", action);
  get("split").addEventListener("input", ({target}) => {
    get("stage").style.setProperty("--split", `${target.value}%`);
  });
  get("strength").addEventListener("input", ({target}) => {
    get("stage").style.setProperty("--strength", page.view.strength);
    get("percent").textContent = `${target.value}%`;
  });
  get("framing").addEventListener("change", () => page.redraw());
  get("engine").addEventListener("change", ({target}) => page.changeEngine(target));
  for (const id of ["file", "style-file"]) {
    get(id).addEventListener("change", ({target}) => {
      if (id === "style-file") get("view").scrollIntoView({block: "nearest"});  // where it is painted, or refused
      page.take(target.files[0], id);
      target.value = "";
    });
  }
  document.addEventListener("paste", ({clipboardData}) => page.take(clipboardData.files[0]));
  document.addEventListener("fullscreenchange", () => {
    get("full").setAttribute("aria-pressed", Boolean(document.fullscreenElement));
  });
  for (const kind of ["dragenter", "dragover", "dragleave", "drop"]) {
    document.addEventListener(kind, (event) => {
      event.preventDefault();
      document.body.classList.toggle("over", kind === "dragenter" || kind === "dragover");
      if (kind === "drop") page.take(event.dataTransfer.files[0]);
    });
  }
  get("full").hidden = !document.fullscreenEnabled;
  get("record").disabled = get("shot").disabled = true;
  setInterval(() => page.tellStats(), 500);
}

get("unserved").remove();
const page = new Page();
wire(page);
await page.start();
