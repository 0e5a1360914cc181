// What visitors open of their own: a model, or a style for a network that the page has.

import {embeddedCard, titleOf} from "./card.js";
import {fetched} from "./engine.js";
import {forgetStyle, keepStyle, keptStyles} from "./kept.js";
import {readStyle} from "./stylefile.js";

export class Own {
  constructor(app) {
    this.app = app;
  }

  /** A model file of the visitor's own. One that cannot be used leaves the picker. */
  async openModel(file) {
    const card = embeddedCard(await file.arrayBuffer());
    const files = [{own: file, recipe: card?.recipe ?? "own file", type: "found out on loading"}];
    const entries = card?.styles?.map((title, index) => ({title, files, mix: {styles: card.styles, index}}))
      ?? [{title: card?.title ?? file.name, painting: card?.painting, files}];
    await this.#offer(entries);
  }

  /** A style file of the visitor's own, for a network of many that the page has. Errors are said. */
  async openStyle(file) {
    const {messages, styles} = this.app;
    try {
      const {entry, undo} = await this.#grown(file);
      await this.#offer([entry], undo);
      if (styles.entries.includes(entry)) await keepStyle(entry.kept, file);
    } catch (error) {
      messages.say("style", error.message, "error");
    }
  }

  /** Lists the styles that were added at an earlier visit, those whose networks are still on this page. */
  async restore() {
    const {styles} = this.app;
    for (const file of keptStyles()) {
      try {
        styles.add((await this.#grown(file)).entry, false);
      } catch (error) {
        console.warn(error);  // the page has become another one since
      }
    }
  }

  /** Paints the thumbnails of those that the loaded file knows. */
  async paintRestored() {
    const {loaded, entries} = this.app.styles;
    const known = ({kept, mix}) => kept && mix.terms_url === loaded.mix?.terms_url;
    for (const entry of entries.filter(known)) await this.#paintThumbnail(entry);
  }

  /** Forgets an added style. Files that have it are in use, so the page starts again. */
  forget({kept}) {
    forgetStyle(kept);
    location.reload();
  }

  // The entry of a style more in the network of another one, with all of whose styles it can be mixed.
  async #grown(file) {
    const {styles} = this.app;
    const style = await readStyle(file);
    const title = titleOf(style.name);
    const fits = ({mix}) => mix?.terms_url && mix.kernels_sha256 === style.kernels;
    const other = [styles.chosen, ...styles.entries].find((entry) => entry && fits(entry));
    if (!other) throw new Error(`${title} belongs to a network that is not on this page.`);
    const {files, still, mix} = other;
    const terms = await (await fetched(mix.terms_url)).json();
    if (mix.styles.includes(title)) throw new Error(`There is a style called ${title} already.`);
    const constants = ownConstants(terms, style, file.name);
    const network = styles.entries.filter((entry) => entry.mix?.terms_url === mix.terms_url);
    const have = (what) => network.forEach((entry) => Object.assign(entry.mix, what));
    const before = {styles: mix.styles, added: mix.added};
    have({styles: [...mix.styles, title], added: [...mix.added ?? [], constants]});
    const own = {...mix, index: before.styles.length, known: mix.known ?? mix.index};
    const {thumbnail: jpeg} = style;
    const picture = jpeg.length ? URL.createObjectURL(new Blob([jpeg], {type: "image/jpeg"})) : undefined;
    const kept = `${style.name} ${style.kernels}`;
    const entry = {title, files, still, mix: own, kept, thumbnail: picture, painting_url: picture};
    return {entry, undo: () => have(before)};
  }

  // Adds the visitor's own and chooses the first. Those that cannot be used leave again.
  async #offer(entries, undo = () => {}) {
    const {styles} = this.app;
    const last = styles.chosen;
    entries.forEach((entry, index) => styles.add(entry, index === 0));
    await styles.tryOut(entries[0], () => {
      entries.forEach((entry) => styles.remove(entry));
      undo();
      last.input.checked = true;
      return last;
    });
    for (const entry of entries) {
      if (entries.includes(styles.loaded) && !styles.gaveUp) await this.#paintThumbnail(entry);
    }
  }

  // Of the photo that every thumbnail shows.
  async #paintThumbnail(entry) {
    const {engine, view} = this.app;
    try {
      const canvas = await view.thumbnail(this.app.site.photos[0], engine, entry);
      entry.input.nextSibling.replaceWith(Object.assign(new Image(), {src: canvas.toDataURL("image/jpeg"), alt: ""}));
    } catch (error) {
      console.warn(error);  // its name is enough
    }
  }
}

// What a style's arrays become in the network's files, by the names that they have there.
function ownConstants(terms, {arrays}, name) {
  const constants = Object.entries(terms).map(([array, {tensor, times, plus}]) => {
    const values = arrays[array];
    if (values?.length !== times.length || !values.every(Number.isFinite)) {
      throw new Error(`${name} is damaged: it does not have the numbers that its network needs.`);
    }
    return [tensor, values.map((value, channel) => value * times[channel] + plus[channel])];
  });
  return Object.fromEntries(constants);
}
