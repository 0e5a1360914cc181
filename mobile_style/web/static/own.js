// What visitors open of their own: a model, or a style for a network that the page has.

import {embeddedCard, titleOf} from "./card.js";
import {fetched} from "./engine.js";
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
      const style = await readStyle(file);
      const title = titleOf(style.name);
      const fits = ({mix}) => mix?.terms_url && mix.kernels_sha256 === style.kernels;
      const other = [styles.chosen, ...styles.entries].find(fits);
      if (!other) throw new Error(`${title} belongs to a network that is not on this page.`);
      const terms = await (await fetched(other.mix.terms_url)).json();
      if (other.mix.styles.includes(title)) throw new Error(`There is a style called ${title} already.`);
      await this.#grow(other, title, ownConstants(terms, style, file.name), style.thumbnail);
    } catch (error) {
      messages.say("style", error.message, "error");
    }
  }

  // A style more in the network of another one. It can be mixed with all that the network has.
  async #grow({files, still, mix}, title, constants, thumbnail) {
    const network = this.app.styles.entries.filter((entry) => entry.mix?.terms_url === mix.terms_url);
    const have = (what) => network.forEach((entry) => Object.assign(entry.mix, what));
    const before = {styles: mix.styles, added: mix.added};
    have({styles: [...mix.styles, title], added: [...mix.added ?? [], constants]});
    const own = {...mix, index: before.styles.length, known: mix.known ?? mix.index};
    const picture = thumbnail.length ? URL.createObjectURL(new Blob([thumbnail], {type: "image/jpeg"})) : undefined;
    const entry = {title, files, still, mix: own, thumbnail: picture, painting_url: picture};
    await this.#offer([entry], () => have(before));
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
