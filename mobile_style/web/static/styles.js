// The styles to choose from, and the one that the engine has.

const get = (id) => document.getElementById(id);

export class Styles {
  constructor(app) {
    this.app = app;
    this.loaded = null;  // what the engine has, or had before it gave up
    this.chosen = null;  // which may still be on its way
    this.loading = Promise.resolve(false);  // whether a model is ready
    this.gaveUp = false;  // on the style, which the next source has loaded anew
    this.entries = [];  // all
  }

  /** Loads a style. A complaint stays shown while it takes over from one that cannot be used. */
  choose(next, complaint = "") {
    const {engine, messages, painter, view, stats} = this.app;
    const last = this.loading;
    this.chosen = next;
    view.expire();
    const say = () => messages.say("style", complaint || `Loading ${next.title}…`, complaint ? "error" : "busy");
    say();
    this.#showPainting(next);
    get("forget").hidden = !next.kept;
    this.app.blend.offer(next);
    engine.abandon();  // a download that stalls holds up nothing else
    const load = last.catch(() => {}).then(async () => {
      if (this.loading !== load) return false;  // another one was chosen meanwhile
      say();
      this.loaded = next;
      this.gaveUp = false;
      try {
        await engine.load(next, get("engine").value);
        this.app.blend.apply();
        if (!complaint && this.loading === load) messages.say("style");
        stats.clear();
        view.layout();
        return true;
      } catch (error) {
        if (this.loading !== load) return false;
        messages.say("style", `${next.title} cannot be used: ${error.message}`, "error");
        this.gaveUp = true;
        return false;
      }
    });
    this.loading = load;
    load.then(() => painter.paint());
    return load;
  }

  /** Chooses what is perhaps unusable; then what `before()` names is back, and the complaint stays shown. */
  async tryOut(next, before) {
    const load = this.choose(next);
    if ((await load) || this.loading !== load) return;  // it works, or another one was chosen meanwhile
    await this.choose(before(), this.app.messages.about("style"));
  }

  /** The engine is lost, and no other could be loaded. */
  giveUp(error) {
    this.gaveUp = true;
    this.app.messages.say("style", error.message, "error");
  }

  add(entry, checked) {
    const label = document.createElement("label");
    label.className = "style";
    const input = Object.assign(document.createElement("input"), {type: "radio", name: "style", checked});
    const src = entry.thumbnail ?? this.app.site.photos[0];
    const face = Object.assign(new Image(), {src, alt: "", loading: "lazy"});
    face.classList.toggle("unpainted", !entry.thumbnail);
    const title = document.createElement("span");
    title.textContent = entry.title;
    label.append(input, face, title);
    entry.input = input;
    this.entries.push(entry);
    input.addEventListener("change", () => this.choose(entry));
    get("styles").append(label);
  }

  remove(entry) {
    entry.input.closest("label").remove();
    this.entries.splice(this.entries.indexOf(entry), 1);
  }

  #showPainting({painting, painting_url: url, title}) {
    get("painting").hidden = !url;
    get("after-painting").textContent = painting && !url && painting !== title ? `Learned from ${painting}` : "";
    if (!url) return;
    Object.assign(get("painting-picture"), {src: url, alt: `The painting of the style ${title}`});
    get("painting-title").textContent = `The painting: ${title}`;
  }
}
