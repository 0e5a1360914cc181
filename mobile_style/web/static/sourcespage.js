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
  const rows = lines.filter((line) => !/^[|\s:-]+$/.test(line));
  rows.forEach((line, index) => {
    const row = made.insertRow();
    for (const cell of line.split("|").slice(1, -1)) {
      row.append(text(document.createElement(index ? "td" : "th"), cell.trim()));
    }
  });
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
