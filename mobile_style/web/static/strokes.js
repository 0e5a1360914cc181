// How broad strokes are in a photo of its own size: it is painted smaller and enlarged with the photo's own edges, as
// painting/enlarge.py does it.

const FINE_SIDE = 540;  // pixels of a photo's shorter side, above which strokes are made broader
const BROADEST = 3;  // times, where the size decides
const RADIUS = 1;  // pixels of the small pictures at half the size
const STEADY = 30;  // squared gray levels
const ROWS = 256;  // of a band
const get = (id) => document.getElementById(id);
const brightness = (data, i) => (299 * data[4 * i] + 587 * data[4 * i + 1] + 114 * data[4 * i + 2]) / 1000;

/** The slider of a photo's stroke width. */
export class Strokes {
  constructor(app) {
    this.source = null;
    get("strokes").addEventListener("input", () => this.#tell());
    get("strokes").addEventListener("change", () => app.painter.paint());
  }

  /** How many times as broad as the network's own strokes are. */
  get times() {
    return Number(get("strokes").value);
  }

  /** Offers it for a photo, beginning with what suits its size; for null not at all. */
  offer(source) {
    get("stroke-width").hidden = !source;
    if (!source || source === this.source) return;
    this.source = source;
    get("strokes").value = Math.min(BROADEST, Math.max(1, Math.min(source.width, source.height) / FINE_SIDE));
    this.#tell();
  }

  #tell() {
    get("times").textContent = `${this.times.toFixed(1)} times`;
  }
}

/** An ImageData, smaller by so many times. */
export function reduced(photo, times) {
  const size = [photo.width, photo.height].map((side) => Math.max(1, Math.round(side / times)));
  return scaled(drawn(photo), {x: 0, y: 0, width: photo.width, height: photo.height}, ...size);
}

/**
 * What was painted of a reduced photo, at the photo's size.
 * @param {ImageData} photo
 * @param {ImageData} small the photo, reduced.
 * @param {ImageData} painted what was made of that.
 * @returns {ImageData}
 */
export function enlarged(photo, small, painted) {
  const {width, height} = photo;
  const result = new ImageData(width, height);
  const pictures = [painted, slopes(...[small, painted].map(halved)), small].map(drawn);
  for (let top = 0; top < height; top += ROWS) {
    const rows = Math.min(ROWS, height - top);
    const [strokes, slope, blurred] = pictures.map((picture) => {
      const times = picture.height / height;
      const part = {x: 0, y: top * times, width: picture.width, height: rows * times};
      return scaled(picture, part, width, rows).data;
    });
    for (let i = 0, to = width * top; i < width * rows; i++, to++) {
      const detail = brightness(photo.data, to) - brightness(blurred, i);
      for (let channel = 0; channel < 3; channel++) {
        const place = 4 * i + channel;
        result.data[4 * to + channel] = strokes[place] + ((slope[place] - 128) / 127) * detail;  // clamped
      }
      result.data[4 * to + 3] = 255;
    }
  }
  return result;
}

function halved(picture) {
  const size = [picture.width, picture.height].map((side) => Math.ceil(side / 2));
  return scaled(drawn(picture), {x: 0, y: 0, width: picture.width, height: picture.height}, ...size);
}

// How each channel follows the brightness around each pixel, as a picture: 1 for -1, 255 for 1.
function slopes(small, painted) {
  const {width, height} = small;
  const light = Float32Array.from({length: width * height}, (_, i) => brightness(small.data, i));
  const guide = means(light, width, height);
  const squares = means(light.map((value) => value * value), width, height);
  const result = new ImageData(width, height);
  for (let channel = 0; channel < 3; channel++) {
    const values = Float32Array.from(light, (_, i) => painted.data[4 * i + channel]);
    const mean = means(values, width, height);
    const shared = means(values.map((value, i) => value * light[i]), width, height);
    for (let i = 0; i < light.length; i++) {
      const slope = (shared[i] - guide[i] * mean[i]) / (squares[i] - guide[i] ** 2 + STEADY);
      result.data[4 * i + channel] = 128 + 127 * Math.min(1, Math.max(-1, slope));
      result.data[4 * i + 3] = 255;
    }
  }
  return result;
}

// The mean of each pixel's surroundings; beyond the border its pixels are repeated.
function means(values, width, height) {
  const across = averaged(values, height, width, width, 1);
  return averaged(across, width, height, 1, width);
}

function averaged(values, lines, length, toLine, step) {
  const result = new Float32Array(values.length);
  for (let line = 0; line < lines; line++) {
    for (let at = 0; at < length; at++) {
      let sum = 0;
      for (let near = at - RADIUS; near <= at + RADIUS; near++) {
        sum += values[line * toLine + Math.min(length - 1, Math.max(0, near)) * step];
      }
      result[line * toLine + at * step] = sum / (2 * RADIUS + 1);
    }
  }
  return result;
}

function drawn(picture) {
  const canvas = new OffscreenCanvas(picture.width, picture.height);
  canvas.getContext("2d").putImageData(picture, 0, 0);
  return canvas;
}

function scaled(canvas, {x, y, width, height}, toWidth, toHeight) {
  const context = new OffscreenCanvas(toWidth, toHeight).getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(canvas, x, y, width, height, 0, 0, toWidth, toHeight);
  return context.getImageData(0, 0, toWidth, toHeight);
}
