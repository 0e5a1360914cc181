// The other style that is mixed into the chosen one, where one file has both.

const get = (id) => document.getElementById(id);

export class Blend {
  constructor(app) {
    this.app = app;
    get("other").addEventListener("change", () => this.#mix());
    get("blending").addEventListener("input", () => this.#mix());
  }

  /** Offers the styles that the chosen one can be mixed with, and mixes none. */
  offer({mix}) {
    get("blend").hidden = !mix;
    get("blending").value = 0;
    get("share").textContent = "0%";
    if (!mix) return;
    const kept = Number(get("other").value);
    const others = [...mix.styles.keys()].filter((index) => index !== mix.index);
    get("other").replaceChildren(...others.map((index) => new Option(mix.styles[index], index)));
    if (others.includes(kept)) get("other").value = kept;
  }

  #mix() {
    const {engine, painter} = this.app;
    const percent = Number(get("blending").value);
    get("share").textContent = `${percent}%`;
    engine.mix(Number(get("other").value), percent / 100);
    return painter.paint();
  }
}
