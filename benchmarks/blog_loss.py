"""What the style loss of the blog post gives, next to the right one, on real features.

    python benchmarks/blog_loss.py

Takes a carried photo and the carried painting at 256 pixels, and writes the table into docs/losses.md.
"""

import re
from pathlib import Path

import numpy as np

from mobile_style import images
from mobile_style.config import Objective
from mobile_style.losses import LossNetwork, gram_matrix
from mobile_style.models import carried_photos, style_path

DOCS = Path(__file__).parents[1] / "docs" / "losses.md"


def main() -> None:
    layers = Objective().style_layers
    network = LossNetwork(layers)
    photo = images.centre_square(images.load(carried_photos("held_out") / "astronaut_portrait.jpg"), 256)
    painting = images.centre_square(images.load(style_path("starry_night")), 256)
    found = [network(picture[None].astype(np.float32)) for picture in (photo, painting)]
    rows = []
    for layer in layers:
        features = [np.asarray(f[layer]) for f in found]
        a, b = (np.asarray(gram_matrix(f)[0], np.float64) for f in features)
        d = a - b
        product = d.T @ d
        cancelled = 1 - abs(product.sum()) / abs(product).sum()
        divided = d / features[0][0].size
        rows.append(
            f"| relu{layer} | {np.sum(d * d):,.0f} | {product.sum():,.0f} | {np.mean(product < 0):.0%} "
            f"| {cancelled:.0%} | {np.sum(divided.T @ divided):.1e} |"
        )
    table = "\n".join(
        [
            "On a photo (the carried astronaut) against the carried painting, both at 256 x 256:",
            "",
            "| layer | right: sum of d · d | sum of dᵀ d | its negative elements | cancelled | and divided twice |",
            "|---|---|---|---|---|---|",
            *rows,
        ]
    )
    text = DOCS.read_text()
    pattern = r"(<!-- generated: benchmarks/blog_loss\.py -->\n).*?(<!-- end -->)"
    DOCS.write_text(re.sub(pattern, lambda match: f"{match[1]}{table}\n{match[2]}", text, flags=re.S))
    print(table)


if __name__ == "__main__":
    main()
