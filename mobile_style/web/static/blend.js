// The other style that is mixed into the chosen one, where one file has both.

const get = (id) => document.getElementById(id);

export class Blend {
  constructor(app) {
    this.app = app;
    this.entry = null;
    get("other").addEventListener("change", () => this.#mix());
    get("blending").addEventListener("input", () => this.#mix());
  }

  /** Offers the styles that the chosen one can be mixed with, and mixes none; the same once more stays as it is. */
  offer(entry) {
    if (entry === this.entry) return;
    this.entry = entry;
    const {mix} = entry;
    get("blend").hidden = !mix;
    get("blending").value = 0;
    get("blended").textContent = "0%";
    if (!mix) return;
    const kept = Number(get("other").value);
    const others = [...mix.styles.keys()].filter((index) => index !== mix.index);
    get("other").replaceChildren(...others.map((index) => new Option(mix.styles[index], index)));
    if (others.includes(kept)) get("other").value = kept;
  }

  /** Tells the engine, which has loaded the chosen style. */
  apply() {
    this.app.engine.mix(Number(get("other").value), get("blending").value / 100);
  }

  #mix() {
    get("blended").textContent = `${get("blending").value}%`;
    this.apply();
    if (!this.app.sources.now?.live) this.app.view.expire();
    return this.app.painter.paint();
  }
}
