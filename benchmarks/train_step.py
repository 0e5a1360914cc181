"""Speed and memory of one training step, against a plain PyTorch loop with the same network and losses.

    python benchmarks/train_step.py [--presets nano,small,base,johnson] [--rounds 3] [--steps 4] [--backend jax]

Each measurement is a process of its own; rounds alternate, so that a noisy machine hits all of
them alike. Ours is measured in both phases of a training: the rough one does what PyTorch's loop does; the
fine one also rounds activations as int8 will, and paints every crop once more, unrounded. The loss
network runs in the precision that the processor is fastest at, PyTorch's in float32. `input` is how long one batch of
crops takes to be made, as a share of a rough step: it is made meanwhile, so from 100% on a training waits for it.
`CPU` is what all cores together work for an image of a rough step: other work on the machine changes that least.
PyTorch (`pip install --group bench`) is of this environment or of the one whose interpreter `--torch-python` names;
`--no-torch` does without. Prints a Markdown table.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from mobile_style.network.architecture import EPSILON

BATCH, SIZE = 4, 256
MARK = "MEASURED "


def measure_ours(preset: str, steps: int) -> dict[str, float]:
    import keras
    from keras import ops

    from mobile_style.training.config import configure
    from mobile_style.training.trainer import make_trainer

    config = configure(preset=preset, objective="johnson", batch_size=BATCH, image_size=SIZE)
    style, batch = _inputs()
    trainer = make_trainer(config, style)
    motion = np.zeros(2, np.int32)
    rough, cpu = _time(lambda: trainer.step(batch, motion), steps)
    trainer.refine()
    fine, _ = _time(lambda: trainer.step(batch, motion), steps)

    class LossOnly(keras.Model):
        """The losses and their gradient to the pixels: a step without the transform network."""

        def __init__(self) -> None:
            super().__init__()
            self.loss_networks = [trainer.perceptual.network, trainer.perceptual.content_network]
            self.shift = self.add_weight(name="shift", shape=(1, SIZE, SIZE, 3), initializer="zeros")

        def call(self, images):
            return images + self.shift

        def compute_loss(self, x=None, y=None, y_pred=None, *_, **__):
            parts = trainer.perceptual.parts(y_pred, trainer.perceptual.content_targets(x))
            return ops.mean(trainer.perceptual.total(parts))

    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    loss_only = LossOnly()
    loss_only.compile(keras.optimizers.SGD(1e-9), jit_compile=keras.backend.backend() == "jax")
    loss_seconds, _ = _time(lambda: loss_only.train_on_batch(batch), steps)
    found = {"seconds": rough, "cpu_seconds": cpu, "fine_seconds": fine, "loss_seconds": loss_seconds, "gib": memory}
    return found | {"input_seconds": _input_seconds(steps)}


def _input_seconds(count: int) -> float:
    from mobile_style.network.catalog import bundled_photos
    from mobile_style.training.dataset import Batches, Photos, build

    with TemporaryDirectory() as name:
        build([bundled_photos("train")], Path(name, "shards"), round(SIZE * 1.25))
        batches, numbers = Batches(Photos(Path(name, "shards")), BATCH, SIZE, 0), iter(range(count + 2))
        return _time(lambda: batches[next(numbers)], count)[0]


def measure_torch(preset: str, steps: int) -> dict[str, float]:
    import torch
    import torch.nn.functional as F

    from mobile_style.network.architecture import PLAIN, PRESETS
    from mobile_style.network.catalog import DATA
    from mobile_style.training.objective import VGG16_LAYERS

    architecture = PRESETS[preset]
    kernels, scales, offsets = [], [], []
    for name, k, channels_in, channels_out, _ in architecture.convolutions():
        kernels.append(torch.nn.init.xavier_uniform_(torch.empty(channels_out, channels_in, k, k)).requires_grad_())
        second = name.startswith("block") and name.endswith("b")
        scales.append(None if name in PLAIN else torch.ones(channels_out, 1, 1, requires_grad=True))
        offsets.append(None if second else torch.zeros(channels_out, 1, 1, requires_grad=True))

    def network(images):
        def layer(index, x, stride=1):
            x = F.pad(x, [kernels[index].shape[-1] // 2] * 4, mode="reflect")
            x = F.conv2d(x, kernels[index], stride=stride)
            if scales[index] is not None:
                x = x * (scales[index] / (x.abs().mean((2, 3), keepdim=True) + EPSILON))
            return x if offsets[index] is None else x + offsets[index]

        x = F.relu6(layer(0, images / 255))
        x = F.relu6(layer(2, F.relu6(layer(1, x, 2)), 2))
        index = 3
        for _ in range(architecture.blocks):
            x = x + layer(index + 1, F.relu6(layer(index, x)))
            index += 2
        for _ in range(2):
            x = F.relu6(layer(index, F.interpolate(x, scale_factor=2, mode="nearest")))
            index += 1
        return layer(index, x) * 25 + 127.5

    def load(name):
        return torch.from_numpy(arrays[name].astype(np.float32))

    with np.load(next(DATA.glob("vgg16*.npz"))) as arrays:
        vgg = [(load(f"conv{layer}.weight"), load(f"conv{layer}.bias")) for layer in VGG16_LAYERS]
    mean = torch.tensor([103.939, 116.779, 123.68])[:, None, None]

    def features(images, last="4_3"):
        x, found = images.flip(1) - mean, {}
        for layer, (kernel, offset) in zip(VGG16_LAYERS, vgg, strict=True):
            if layer.endswith("_1") and layer != "1_1":
                x = F.max_pool2d(x, 2)
            x = found[layer] = F.relu(F.conv2d(x, kernel, offset, padding=1))
            if layer == last:
                return found
        raise AssertionError

    def gram(x):
        n, c, h, w = x.shape
        flat = x.reshape(n, c, h * w)
        return flat @ flat.transpose(1, 2) / (c * h * w)

    style, batch = (torch.from_numpy(array).float() for array in _inputs())
    styles = ("1_2", "2_2", "3_3", "4_3")
    with torch.no_grad():
        found = features(style.permute(2, 0, 1)[None])
        style_grams = {layer: gram(found[layer]) for layer in styles}
    images = batch.permute(0, 3, 1, 2)
    weights = [weight for weight in (*kernels, *scales, *offsets) if weight is not None]
    adam = torch.optim.Adam(weights, lr=1e-3)

    def step():
        adam.zero_grad()
        output = network(images)
        with torch.no_grad():
            target = features(images, "3_3")["3_3"]
        found = features(output)
        style_loss = sum(((gram(found[layer]) - style_grams[layer]) ** 2).mean() for layer in styles)
        tv = ((output[..., 1:, :] - output[..., :-1, :]) ** 2).sum() + ((output[..., 1:] - output[..., :-1]) ** 2).sum()
        loss = F.mse_loss(found["3_3"], target) + 5 * style_loss + 1e-6 * tv / BATCH
        loss.backward()
        adam.step()
        return loss.item()

    seconds, _ = _time(step, steps)
    return {"seconds": seconds, "gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20}


def _inputs() -> Iterator[np.ndarray]:
    rng = np.random.default_rng(0)
    return (rng.uniform(0, 255, shape).astype(np.float32) for shape in ((SIZE, SIZE, 3), (BATCH, SIZE, SIZE, 3)))


def _time(step, count: int) -> tuple[float, float]:
    """Seconds of a call, and seconds of the processor, of all threads together; medians."""
    for _ in range(2):
        step()
    taken = []
    for _ in range(count):
        began, worked = time.perf_counter(), time.process_time()
        step()
        taken.append((time.perf_counter() - began, time.process_time() - worked))
    wall, cpu = zip(*taken, strict=True)
    return statistics.median(wall), statistics.median(cpu)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--presets", default="nano,small,base,johnson")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--backend", default="tensorflow", help="of Keras: tensorflow, jax or torch")
    parser.add_argument("--torch-python", default=sys.executable)
    parser.add_argument("--no-torch", action="store_true")
    parser.add_argument("--measure", nargs=2, metavar=("WHAT", "PRESET"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        what, preset = arguments.measure
        print(MARK + json.dumps({"ours": measure_ours, "torch": measure_torch}[what](preset, arguments.steps)))
        return

    print(f"One step of batch {BATCH} at {SIZE}x{SIZE}; median of {arguments.rounds} rounds (lowest to highest).\n")
    compared = "" if arguments.no_torch else " PyTorch | ratio | ratio, fine | PyTorch, peak GiB |"
    head = f"| preset | images/s | CPU, s | fine phase | input | loss network's share | peak GiB |{compared}"
    print(head + "\n" + "|---" * (head.count("|") - 1) + "|")
    for preset in arguments.presets.split(","):
        results: dict[str, list[dict[str, float]]] = {"ours": [], "torch": []}
        pythons = {"ours": sys.executable} | ({} if arguments.no_torch else {"torch": arguments.torch_python})
        for _ in range(arguments.rounds):
            for what, python in pythons.items():
                command = [python, __file__, "--measure", what, preset, "--steps", str(arguments.steps)]
                environment = os.environ | {"KERAS_BACKEND": arguments.backend}
                process = subprocess.run(command, capture_output=True, text=True, env=environment)
                if process.returncode:
                    sys.exit(process.stderr)
                line = next(line for line in process.stdout.splitlines() if line.startswith(MARK))
                results[what].append(json.loads(line.removeprefix(MARK)))
        print(_row(preset, **results), flush=True)


def _row(preset: str, ours: list[dict[str, float]], torch: list[dict[str, float]]) -> str:
    own, theirs = ([BATCH / r["seconds"] for r in results] for results in (ours, torch))
    fine = [BATCH / r["fine_seconds"] for r in ours]
    share, made = (statistics.median(r[f"{of}_seconds"] / r["seconds"] for r in ours) for of in ("loss", "input"))
    cpu = statistics.median(r["cpu_seconds"] / BATCH for r in ours)
    cells = [preset, _spread(own), f"{cpu:.2f}", _spread(fine), f"{made:.0%}", f"{share:.0%}"]
    cells.append(f"{max(r['gib'] for r in ours):.1f}")
    if torch:
        ratios, fine_ratios = ([a / b for a, b in zip(each, theirs, strict=True)] for each in (own, fine))
        peak = f"{max(r['gib'] for r in torch):.1f}"
        cells += [_spread(theirs), _spread(ratios), _spread(fine_ratios), peak]
    return f"| {' | '.join(cells)} |"


def _spread(values: list[float]) -> str:
    return f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


if __name__ == "__main__":
    main()
