// Shows photos/SOURCES.md: paragraphs, and a table.

import {fetched} from "./engine.js";

const place = document.getElementById("sources");

// A word in backquotes is code.
function text(element, words) {
  words.split("`").forEach((part, index) => {
    if (index % 2 === 0) return element.append(part);
    const code = document.createElement("code");
    code.textContent = part;
    return element.append(code);
  });
  return element;
}

function table(lines) {
  const made = document.createElement("table");
  const cellsOf = (line) => line.split("|").slice(1, -1).map((cell) => cell.trim());
  const [head, ...rows] = lines.filter((line) => !/^[|\s:-]+$/.test(line)).map(cellsOf);
  made.createTHead().insertRow().append(...head.map((name) => text(document.createElement("th"), name)));
  const body = made.createTBody();
  for (const cells of rows) {
    const row = body.insertRow();
    cells.forEach((cell, index) => (text(row.insertCell(), cell).dataset.column = head[index]));
  }
  return made;
}

try {
  const content = await (await fetched("photos/SOURCES.md")).text();
  const blocks = content.split(/\n\s*\n/).filter((block) => block.trim() && !block.startsWith("# "));
  place.replaceChildren(...blocks.map((block) => {
    const lines = block.trim().split("\n");
    return lines[0].startsWith("|") ? table(lines) : text(document.createElement("p"), lines.join(" "));
  }));
} catch (error) {
  place.textContent = `The list cannot be shown: ${error.message}`;
}
