"""HTML pages that open from the disk with nothing beside them: their frame, their look, their wide tables."""

from collections.abc import Iterable, Sequence
from html import escape

STYLE = """
:root { --soft: #555 }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem; padding: 0 1rem;
       color: #222; background: #fff }
h1 { font-size: 1.5rem } h1, p, li, figcaption, .row div { overflow-wrap: anywhere }
.passed { color: #176d2c } .failed { color: #b3261e }
table { border-collapse: collapse; margin: 1rem 0 } td, th { padding: .2rem .8rem; text-align: right }
td:first-child, th:first-child { text-align: left } tr + tr { border-top: 1px solid #ddd }
figure { margin: 2rem 0 } .row { display: grid; grid-template-columns: repeat(4, minmax(0, 1fr)); gap: .5rem }
.wide { overflow-x: auto; --page: #fff; --edge: #0004;
  background: linear-gradient(to right, var(--page) 30%, #0000) 0 0,
  linear-gradient(to left, var(--page) 30%, #0000) 100% 0, linear-gradient(to right, var(--edge), #0000) 0 0,
  linear-gradient(to left, var(--edge), #0000) 100% 0; background-repeat: no-repeat;
  background-size: 3rem 100%, 3rem 100%, 1rem 100%, 1rem 100%; background-attachment: local, local, scroll, scroll }
 .row img { width: 100%; display: block }
figcaption, .row div { font-size: .85rem } figcaption, .row div, .note { color: var(--soft) }
@media (max-width: 40rem) { .row { grid-template-columns: repeat(2, minmax(0, 1fr)) } td, th { padding: .2rem .4rem }
  .wide tr, .wide td { display: block } .wide th { display: none } .wide tr { padding: .5rem 0 }
  .wide td::before { content: attr(data-column); float: left; margin-right: 1rem; color: var(--soft) }
  .wide td { overflow: hidden } .wide td:empty { display: none } .wide td:first-child { font-weight: 600 }
  .wide td:first-child::before { content: none } .wide table { width: 100% } }
@media print { .wide { overflow: visible } table { font-size: .6rem } figure { break-inside: avoid }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact } h2, h2 + p { break-after: avoid } }
@media (prefers-color-scheme: dark) { body { background: #161616; color: #ddd } tr + tr { border-color: #333 }
  .passed { color: #7bd88f } .failed { color: #ff8a80 } :root { --soft: #aaa }
  .wide { --page: #161616; --edge: #fff4 } }
"""


def page(title: str, heading: str, body: str, style: str = "") -> str:
    """A whole page.

    Args:
        title: text of the window's title.
        heading: HTML of the first heading.
        body: HTML of what follows it.
        style: CSS beyond that of every page.
    """
    return f"""<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{escape(title)}</title><style>{STYLE}{style}</style>
<main>
<h1>{heading}</h1>
{body}
</main>
</html>
"""


def wide_table(label: str, head: Iterable[str], rows: Iterable[Sequence[str]]) -> str:
    """A table that scrolls by itself where the window is narrower, with a keyboard, too; all are texts.

    On a phone each row is a list of its columns' names and cells.
    """
    columns = [escape(name) for name in head]
    names = "".join(f"<th>{name}</th>" for name in columns)
    cells = (
        [f'<td data-column="{name}">{escape(cell)}</td>' for name, cell in zip(columns, row, strict=True)]
        for row in rows
    )
    body = "".join(f"<tr>{''.join(row)}</tr>" for row in cells)
    return (
        f'<div class="wide" tabindex="0" role="region" aria-label="{escape(label)}">\n'
        f"<table><tr>{names}</tr>{body}</table></div>"
    )
