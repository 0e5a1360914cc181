// What the page says about the style, the source, and the photo ("still"): what it does with them, or what is wrong.

export class Messages {
  constructor(element, stage) {
    Object.assign(this, {element, stage});
    this.newest = new Map();  // by what they are about
  }

  /**
   * Says something; without words, it is over. Who tries something new has seen what went wrong before; a photo that is
   * painted again is nothing new.
   */
  say(about, text = "", kind = "") {
    this.newest.delete(about);
    if (kind === "busy" && about !== "still") {
      this.newest.forEach((each, other) => each.kind === "error" && this.newest.delete(other));
    }
    if (text) this.newest.set(about, {text, kind});
    const all = [...this.newest.values()].reverse();
    const shown = all.find((each) => each.kind === "error") ?? all[0] ?? {text: "", kind: ""};
    this.element.textContent = shown.text;
    this.element.className = shown.kind;
    this.stage.classList.toggle("busy", shown.kind === "busy");
  }

  about(what) {
    return this.newest.get(what)?.text;
  }
}
