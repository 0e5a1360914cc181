// Grain for what is flat in a picture, as painting/grain.py adds it, to the bit: without it a network paints bare
// patches there.

const OCTAVES = [[4, 2], [12, 3], [36, 4]];  // [pixels, gray levels]
const CELL = 8;  // pixels: the side of the squares that detail is measured in
const DETAILED = 6;  // gray levels

const noise = {};  // of the last size

/** Adds grain to an ImageData, in place, and gives it back. */
export function grained(picture) {
  const {data, width, height} = picture;
  if (noise.width !== width || noise.height !== height) {
    Object.assign(noise, {width, height, levels: levels(width, height)});
  }
  const [columns, rows] = [Math.ceil(width / CELL), Math.ceil(height / CELL)];
  const flat = flatness(picture, columns, rows);
  const [across, down] = [steps(width, columns), steps(height, rows)];
  const line = new Int32Array(columns);
  for (let y = 0, i = 0; y < height; y++) {
    const [above, below, lower] = [columns * down.before[y], columns * down.after[y], down.weight[y]];
    for (let x = 0; x < columns; x++) line[x] = flat[above + x] * (2 * CELL - lower) + flat[below + x] * lower;
    for (let x = 0; x < width; x++, i++) {
      const right = across.weight[x];
      const share = line[across.before[x]] * (2 * CELL - right) + line[across.after[x]] * right;
      const level = (share * noise.levels[i] + (1 << 19)) >> 20;
      if (level) for (let channel = 0; channel < 3; channel++) data[4 * i + channel] += level;  // clamped
    }
  }
  return picture;
}

// Of each square, 0 (detailed) to 256 (flat).
function flatness({data, width, height}, columns, rows) {
  const luma = new Int16Array(width * height);
  for (let i = 0; i < luma.length; i++) luma[i] = (data[4 * i] + 2 * data[4 * i + 1] + data[4 * i + 2]) >> 2;
  const [detail, count] = [new Int32Array(columns * rows), new Int32Array(columns * rows)];
  for (let y = 0, i = 0; y < height; y++) {
    const [up, down] = [y ? width : 0, y + 1 < height ? width : 0];
    for (let x = 0; x < width; x++, i++) {
      const twice = 2 * luma[i];
      const square = columns * Math.floor(y / CELL) + Math.floor(x / CELL);
      detail[square] += Math.abs(twice - luma[i - (x && 1)] - luma[x + 1 < width ? i + 1 : i]);
      detail[square] += Math.abs(twice - luma[i - up] - luma[i + down]);
      count[square]++;
    }
  }
  return detail.map((sum, square) => Math.max(0, 256 - Math.floor((256 * sum) / (DETAILED * count[square]))));
}

// Of each pixel along an axis: the squares whose middles it is between, and how far on its way in sixteenths.
function steps(length, count) {
  const [before, after, weight] = [0, 1, 2].map(() => new Int32Array(length));
  for (let i = 0; i < length; i++) {
    const first = Math.floor((2 * i + 1 - CELL) / (2 * CELL));
    before[i] = Math.max(first, 0);
    after[i] = Math.min(first + 1, count - 1);
    weight[i] = 2 * i + 1 - CELL - 2 * CELL * first;
  }
  return {before, after, weight};
}

// Value noise in sixteenths of a gray level.
function levels(width, height) {
  const total = new Int32Array(width * height);
  for (const [spacing, strength] of OCTAVES) {
    for (let y = 0, i = 0; y < height; y++) {
      const [row, down] = [Math.floor(y / spacing), y % spacing];
      for (let x = 0; x < width; x++, i++) {
        const [column, across] = [Math.floor(x / spacing), x % spacing];
        const line = (number) =>
          random(number, column, spacing) * (spacing - across) + random(number, column + 1, spacing) * across;
        total[i] += Math.floor((strength * (line(row) * (spacing - down) + line(row + 1) * down)) / (8 * spacing ** 2));
      }
    }
  }
  return total;
}

// -128 to 127.
function random(y, x, seed) {
  let mixed = Math.imul(y, 73856093) ^ Math.imul(x, 19349663) ^ Math.imul(seed, 83492791);
  for (const shift of [15, 13]) mixed = Math.imul(mixed ^ (mixed >>> shift), 0x9e3779b9);
  return (mixed >>> 24) - 128;
}
