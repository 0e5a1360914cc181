"""What the page is told of a network of many styles, to add a style file to it."""

import json
from pathlib import Path

import numpy as np

from browsing import some_engine
from conftest import Exported
from mobile_style.inference.fold import fold
from mobile_style.inference.graph import common
from mobile_style.network.card import MODEL
from mobile_style.network.checkpoint import Checkpoint
from mobile_style.training.style_files import StyleFile, with_style
from mobile_style.web.adding import terms
from mobile_style.web.site import Site, build_site


def test_a_style_becomes_the_constants_that_its_network_is_folded_to(many_styles: Path, dawn: Path) -> None:
    many, style = Checkpoint.read(many_styles / MODEL), StyleFile.read(dawn)
    constants = {
        term["tensor"]: np.float32(term["times"]) * style.arrays[name] + np.float32(term["plus"])
        for name, term in terms(many)
    }
    alone = fold(many.architecture(), with_style(many, style).mixed("dawn").weights)
    for layer, own in zip(fold(many.architecture(), many.weights), alone, strict=True):
        if own.scale is not None and layer.scale is not None:
            # A channel's sign may be in the kernel of one and in the scale of the other.
            times = layer.kernel.shape[-1] // len(own.scale)
            scale = np.tile(constants.pop(f"{layer.name}_gain_scale"), times)
            np.testing.assert_allclose(layer.kernel * scale, own.kernel * np.tile(own.scale, times), atol=1e-5)
        if layer.offset.ndim == 2:
            np.testing.assert_allclose(constants.pop(f"{layer.name}_offset") + common(layer), own.offset, atol=1e-4)
    assert not constants


def told(site: Site) -> list[dict[str, object]]:
    return [style.get("mix") for style in json.loads(site["site.json"].content())["styles"]]


def test_only_networks_of_many_styles_whose_checkpoint_is_there_take_a_style(
    exported_many: Exported, exported: Exported, dawn: Path, tmp_path: Path
) -> None:
    with some_engine(tmp_path):
        site, _ = build_site([exported_many("int8")])
        assert {mix["kernels_sha256"] for mix in told(site)} == {StyleFile.read(dawn).card.kernels_sha256}
        assert json.loads(site[told(site)[0]["terms_url"]].content()).keys() == StyleFile.read(dawn).arrays.keys()
        assert told(build_site([exported("int8")])[0]) == [None]
        for suffix in (".tflite", ".json"):  # without the checkpoint
            content = exported_many("int8").with_suffix(suffix).read_bytes()
            (tmp_path / "away" / "deep" / f"model{suffix}").parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "away" / "deep" / f"model{suffix}").write_bytes(content)
        assert told(build_site([tmp_path / "away"])[0])[0].keys() == {"styles", "index"}
