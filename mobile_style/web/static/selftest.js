// Every style by every engine: whether it computes what it should, and how long that takes here.

import {Engine, describe, fetched, obstacle} from "./engine.js";
import {isolated} from "./offline.js";
import {Stats} from "./stats.js";

const RUNS = 10;
const get = (id) => document.getElementById(id);

const columns = [...document.querySelectorAll("th")].map((name) => name.textContent);

// Cells in the order of the columns.
function row(cells, failed) {
  const line = document.createElement("tr");
  cells.forEach((text, index) => {
    const cell = line.insertCell();
    cell.textContent = text;
    cell.dataset.column = columns[index];
    cell.classList.toggle("failed", failed && columns[index] === "Verdict");
  });
  get("rows").append(line);
}

async function test(style, kind) {
  const engine = new Engine();
  try {
    const used = await engine.load(style, kind);
    if (used.kind !== kind) throw new Error(used.reasons[0]);
    const stats = new Stats();
    let pixels = new ArrayBuffer(4 * used.height * used.width);
    for (let number = 0; number < RUNS; number++) {
      const done = await engine.run(pixels);
      pixels = done.pixels;
      stats.add(done.ms);
    }
    const exact = used.db === Infinity;
    const wrong = used.file.type === "uint8" && !exact;
    const distance = exact ? "identical" : `${used.db.toFixed(1)} dB`;
    const median = stats.summary().median.toFixed(1);
    row([style.title, describe(used), wrong ? "differs" : "passed", distance, median], wrong);
    return wrong ? "failed" : "passed";
  } catch (error) {
    row([style.title, kind, `failed: ${error.message}`, "", ""], true);
    return "failed";
  } finally {
    engine.end();
  }
}

try {
  const site = await (await fetched("site.json")).json();
  await isolated(site);
  get("device").textContent =
    `LiteRT.js ${site.litertjs}, ${navigator.hardwareConcurrency} processor cores, ${navigator.userAgent}`;
  const counts = {passed: 0, failed: 0};
  const kinds = ["webgpu", "threads", "single"];
  let looked = 0;  // at styles, by each kind of engine
  for (const kind of kinds) {
    const left = new Map();  // titles of the styles that cannot be tried, by reason
    for (const style of site.styles) {
      get("verdict").textContent = `Running… ${++looked} of ${kinds.length * site.styles.length}`;
      const reason = await obstacle(kind, style.files);
      if (reason) left.set(reason, [...(left.get(reason) ?? []), style.title]);
      else counts[await test(style, kind)]++;
    }
    for (const [reason, titles] of left) {
      const which = titles.length === site.styles.length ? "every style" : titles.join(", ");
      row([which, kind, `not run: ${reason}`, "", ""], false);
    }
  }
  get("verdict").textContent = `${counts.passed} passed, ${counts.failed} failed`;
  get("verdict").className = counts.failed || !counts.passed ? "failed" : "";
} catch (error) {
  get("verdict").textContent = `The self-test cannot run: ${error.message}`;
  get("verdict").className = "failed";
}
