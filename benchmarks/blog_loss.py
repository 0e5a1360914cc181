"""What the style loss of the blog post gives next to the right one: in numbers, and in the picture.

    python benchmarks/blog_loss.py

Writes the table and the picture of docs/losses.md. Takes about five minutes on two cores.
"""

import re
from pathlib import Path

import numpy as np
from keras import ops

from mobile_style.inference.network import Network
from mobile_style.media import images
from mobile_style.network.catalog import bundled_photos, style_path
from mobile_style.painting.stylize import stylize_image
from mobile_style.training.config import configure
from mobile_style.training.dataset import Batches, Photos, build
from mobile_style.training.losses import LossNetwork, PerceptualLoss, gram_matrix
from mobile_style.training.objective import Objective
from mobile_style.training.trainer import Trainer, make_trainer

DOCS = Path(__file__).parents[1] / "docs"
SHARDS = Path("runs/blog_loss_shards")
STEPS, SIZE = 300, 128


class BlogLoss(PerceptualLoss):
    """The right content loss with the blog's style loss."""

    def parts(self, pictures, content_targets):
        right = super().parts(pictures, content_targets)
        features, style = self.network(pictures), 0.0
        for layer in self.objective.style_layers:
            size = float(np.prod(features[layer].shape[1:]))
            d = (gram_matrix(features[layer]) - self.style_grams[layer]) / size
            style = style + ops.sum(ops.matmul(ops.transpose(d, (0, 2, 1)), d), axis=(1, 2))
        return right | {"style": style}


def table(photo: np.ndarray, painting: np.ndarray) -> list[str]:
    layers = Objective().style_layers
    network = LossNetwork(layers)
    found = [network(picture[None].astype(np.float32)) for picture in (photo, painting)]
    rows = []
    for layer in layers:
        features = [np.asarray(f[layer]) for f in found]
        a, b = (np.asarray(gram_matrix(f)[0], np.float64) for f in features)
        d = a - b
        product = d.T @ d
        twice = product.sum() / features[0][0].size ** 2
        rows.append(
            f"| relu{layer} | {np.sum(d * d):.2e} | {product.sum():.2e} | {np.mean(product < 0):.0%} | {twice:.1e} |"
        )
    return [
        "| layer | correct: sum of d · d | sum of dᵀ d | share of its terms that are negative | divided twice |",
        "|---|---|---|---|---|",
        *rows,
    ]


def trained(wrong: bool, photo: np.ndarray, batches: Batches) -> tuple[np.ndarray, float]:
    overrides = {"steps": STEPS, "image_size": SIZE, "qat_weight": 0.0}
    config = configure("starry_night", None, "nano", "olaralex-blog", **overrides)
    style = images.with_shorter_side(images.load(style_path("starry_night")), config.style_size)
    trainer = make_trainer(config, style)
    right = trainer.perceptual
    if wrong:
        optimizer, network = trainer.optimizer, trainer.network
        trainer = Trainer(network, BlogLoss(config.objective, style), trainer.palette, config)
        trainer.compile(optimizer, jit_compile=False)
    for number in range(STEPS):
        trainer.step(batches[number], np.zeros(2, np.int32))
    weights = {variable.name: np.asarray(variable) for variable in trainer.network.weights}
    output = stylize_image(Network(config.architecture, weights), photo)
    batch = photo[None].astype(np.float32)
    parts = right.parts(output[None].astype(np.float32), right.content_targets(batch))
    own = right.parts(batch, right.content_targets(batch))
    return output, float(parts["style"][0] / own["style"][0])


def main() -> None:
    photo = images.center_square(images.load(bundled_photos("held_out") / "astronaut_portrait.jpg"), 256)
    painting = images.center_square(images.load(style_path("starry_night")), 256)
    if not SHARDS.exists():
        build([bundled_photos("train")], SHARDS)
    batches = Batches(Photos(SHARDS), 2, SIZE, seed=0)
    wrong, wrong_left = trained(True, photo, batches)
    right, right_left = trained(False, photo, batches)
    picture = images.grid([[photo, painting, wrong, right]])
    (DOCS / "blog_loss.jpg").write_bytes(images.encode(picture, "JPEG", quality=88))
    lines = [
        "The bundled photo of an astronaut against the bundled Starry Night, both at 256 x 256:",
        "",
        *table(photo, painting),
        "",
        f"The next picture shows what this does to a training: preset `nano`, {STEPS} steps on crops of {SIZE} x {SIZE}, objective "
        "`olaralex-blog`, from the same weights on the same crops. Left to right: the photo, the painting, a network trained with "
        f"the blog's style loss ({wrong_left:.0%} of the photo's own style loss is left, measured correctly), one trained with "
        f"the corrected loss ({right_left:.0%}).",
        "",
        "![photo, painting, wrong loss, right loss](blog_loss.jpg)",
    ]
    text = (DOCS / "losses.md").read_text()
    pattern = r"(<!-- generated: benchmarks/blog_loss\.py -->\n).*?(<!-- end -->)"
    (DOCS / "losses.md").write_text(re.sub(pattern, lambda m: m[1] + "\n".join(lines) + "\n" + m[2], text, flags=re.S))
    print("\n".join(lines))


if __name__ == "__main__":
    main()
