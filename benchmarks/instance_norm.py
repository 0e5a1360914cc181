"""The price of int8: its objective against that of instance normalization in float, after the same time of training.

    python benchmarks/instance_norm.py --style painting.jpg --content photos/ --images held_out/ --out DIR [--minutes 6]
        [--init none]

Both networks have the same widths and are trained by `train --minutes`. Ours starts as a user's does, from the bundled
network, or with `--init none` from random weights, as the other one must. That one, with instance normalization (every
layer but the last, as in the paper's published models), has neither quantization nor temporal loss, so all of its
time goes into the objective. Ours is then exported, and it is the int8 file that is measured. Content, style and total
loss on the held-out photos, 256 x 256. DIR keeps both runs and a picture.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from keras import ops

from mobile_style.evaluation.style_grams import losses_of
from mobile_style.exporting import runtimes
from mobile_style.exporting.recipes import find_recipe
from mobile_style.exporting.write import write
from mobile_style.media import images
from mobile_style.network import architecture
from mobile_style.network.architecture import INPUT_SCALE, OUTPUT_OFFSET, OUTPUT_SCALE
from mobile_style.network.checkpoint import Checkpoint
from mobile_style.network.transform_net import TransformNet, convolved, load_weights
from mobile_style.training import trainer
from mobile_style.training.config import TrainConfig, configure
from mobile_style.training.train import train

ROUGHLY_ZERO = 1e-5  # of squared features, as in every implementation of instance normalization


class InstanceNormNet(TransformNet):
    """The same convolutions, each followed by instance normalization (Ulyanov et al. 2016) and a ReLU."""

    def call(self, pictures: Any, training: bool = False) -> Any:  # type: ignore[override]
        shapes = [(k, k, i, o) for _, k, i, o, _ in self.architecture.convolutions()]

        def layer(index: int, x: Any, strides: int = 1) -> Any:
            x = convolved(x, ops.reshape(self.kernels[index], shapes[index]), strides)
            if self.scales[index] is not None:
                mean, variance = ops.moments(x, (1, 2), keepdims=True)
                x = (x - mean) * (self.scales[index] * ops.rsqrt(variance + ROUGHLY_ZERO))
            return x if self.offsets[index] is None else x + self.offsets[index]

        x = ops.relu(layer(0, pictures * INPUT_SCALE))
        x = ops.relu(layer(1, x, 2))
        x = ops.relu(layer(2, x, 2))
        index = 3
        for _ in range(self.architecture.blocks):
            x = x + layer(index + 1, ops.relu(layer(index, x)))
            index += 2
        for _ in range(2):
            x = ops.relu(layer(index, ops.repeat(ops.repeat(x, 2, axis=1), 2, axis=2)))
            index += 1
        x = layer(index, x) * OUTPUT_SCALE + OUTPUT_OFFSET
        return x + ops.stop_gradient(ops.clip(x, 0.0, 255.0) - x)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("style", "content", "images", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=6)
    parser.add_argument("--init")
    arguments = parser.parse_args()
    out = arguments.out
    photos = [images.center_square(images.load(file), 256) for file in images.photos(arguments.images, None)]

    def run(name: str, init: str | None, **overrides: float) -> Path:
        settings = {"minutes": arguments.minutes, **overrides}
        config = configure(str(arguments.style), arguments.content, None, "painterly", init, **settings)
        return train(config, out / name)

    ours = run("int8", arguments.init)
    (exported,) = write(str(out / "int8"), find_recipe("tflite", "int8"), out=out / "int8.tflite")
    runner = runtimes.load(exported.path)
    pictures = {"photo": photos, "int8": [runner(photo) for photo in photos]}

    architecture.PLAIN = ("out",)  # type: ignore[assignment]
    trainer.TransformNet = InstanceNormNet
    theirs = Checkpoint.read(run("instance_norm", "none", qat_weight=0.0, temporal_weight=0.0))
    float_network = InstanceNormNet(theirs.architecture())
    load_weights(float_network, theirs.weights)
    pictures["instance norm"] = [
        np.rint(ops.convert_to_numpy(float_network(photo[None].astype(np.float32))[0])).astype(np.uint8)
        for photo in photos
    ]

    measure = losses_of(ours, TrainConfig.from_card(Checkpoint.read(ours).card), None)
    table = {}
    for name, made in pictures.items():
        rows = [measure(photo, [picture])[0] for photo, picture in zip(photos, made, strict=True)]
        table[name] = {loss: round(np.mean([row[loss] for row in rows])) for loss in ("content", "style", "total")}
        print(name, table[name])
    print(f"int8 / instance norm: {table['int8']['total'] / table['instance norm']['total']:.3f}")
    (out / "objective.json").write_text(json.dumps(table, indent=1) + "\n")
    images.save(images.grid([list(row) for row in zip(*pictures.values(), strict=True)][:6]), out / "pictures.png")


if __name__ == "__main__":
    main()
