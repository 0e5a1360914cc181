// What the page says about the style and about the source: what they are busy with, or what went wrong.

export class Messages {
  constructor(element, stage) {
    Object.assign(this, {element, stage});
    this.newest = new Map();  // by what they are about
  }

  /** Says something; without words, it is over. Who tries something new has seen what went wrong before. */
  say(about, text = "", kind = "") {
    this.newest.delete(about);
    if (kind === "busy") {
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
