// Frames per second, and the median and 90th percentile of what the last inferences took.

const KEPT = 120;
const WINDOW = 3000;  // ms
const MANY = 20;  // inferences, below which a 90th percentile means nothing

export class Stats {
  constructor() {
    this.clear();
  }

  clear() {
    this.times = [];
    this.ends = [];
  }

  add(ms, now = performance.now()) {
    this.times.push(ms);
    this.ends.push(now);
    if (this.times.length > KEPT) this.times.shift();
    while (this.ends.length && this.ends[0] < now - WINDOW) this.ends.shift();
  }

  /** {fps, median, p90}; fps is null for a single picture, p90 of less than twenty inferences. */
  summary() {
    const sorted = [...this.times].sort((a, b) => a - b);
    const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
    const span = this.ends.at(-1) - this.ends[0];
    const fps = span > 0 ? (1000 * (this.ends.length - 1)) / span : null;
    return {fps, median: at(0.5), p90: sorted.length < MANY ? null : at(0.9)};
  }
}
