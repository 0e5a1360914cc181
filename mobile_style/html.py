"""How every HTML page looks."""

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem; padding: 0 1rem;
       color: #222; background: #fff }
h1 { font-size: 1.5rem } .passed { color: #176d2c } .failed { color: #b3261e }
table { border-collapse: collapse; margin: 1rem 0 } td, th { padding: .2rem .8rem; text-align: right }
td:first-child, th:first-child { text-align: left } tr + tr { border-top: 1px solid #ddd }
figure { margin: 2rem 0 } .row { display: grid; grid-template-columns: repeat(4, 1fr); gap: .5rem }
.wide { overflow-x: auto } .row img { width: 100%; display: block }
figcaption, .row div { font-size: .85rem; color: #555 }
@media (max-width: 40rem) { .row { grid-template-columns: 1fr 1fr } td, th { padding: .2rem .4rem } }
@media print { .wide { overflow: visible } table { font-size: .6rem } figure { break-inside: avoid } }
@media (prefers-color-scheme: dark) { body { background: #161616; color: #ddd } tr + tr { border-color: #333 }
  .passed { color: #7bd88f } .failed { color: #ff8a80 } figcaption, .row div { color: #aaa } }
"""
