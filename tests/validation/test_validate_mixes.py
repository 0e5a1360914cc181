"""The gate of a file of many styles: each style, and each half and half with the next."""

from pathlib import Path

import pytest

from conftest import MANY, Exported
from mobile_style.errors import UsageError
from mobile_style.exporting.recipes import find_recipe
from mobile_style.exporting.write import write
from mobile_style.network.card import MODEL
from mobile_style.network.checkpoint import Checkpoint
from mobile_style.network.styles import shares_of, trial_mixes
from mobile_style.validation.checked_export import check
from mobile_style.validation.validate import validate

pytestmark = pytest.mark.slow


def test_every_style_and_every_pair_is_judged(exported_many: Exported) -> None:
    validation = validate(exported_many("float32"), limit=1)
    assert validation.failures == ()
    assert sorted(row.photo.partition(", ")[2] for row in validation.rows) == sorted(trial_mixes(MANY))


def test_one_style_that_is_off_fails_alone(many_styles: Path, tmp_path: Path) -> None:
    other = Checkpoint.read(many_styles / MODEL)
    other.weights["out_offset"][MANY.index("dusk")] += 0.5  # 12 gray levels
    other.write(tmp_path / MODEL)
    (made,) = write(str(tmp_path), find_recipe("tflite", "float32"), [(64, 64)], out=tmp_path / "model.tflite")
    validation = validate(made.path, reference=str(many_styles), limit=1)
    failed = {failure.photo.partition(", ")[2] for failure in validation.failures}
    assert failed == {mix for mix in trial_mixes(MANY) if "dusk" in mix} and len(failed) == 3


def test_the_check_after_an_export_is_kept_on_the_card(many_styles: Path, tmp_path: Path) -> None:
    (made,) = write(str(many_styles), find_recipe("tflite", "float16"), [(32, 32)], out=tmp_path / "model.tflite")
    assert len(check(made).validation.rows) == 4 * len(trial_mixes(MANY))


def test_pairs_go_around() -> None:
    assert trial_mixes("ab") == ["a", "b", "a=0.5,b=0.5"]
    assert trial_mixes("abc")[3:] == ["a=0.5,b=0.5", "b=0.5,c=0.5", "c=0.5,a=0.5"]
    assert shares_of("c=3,a=1", "abc").tolist() == [0.25, 0, 0.75]
    with pytest.raises(UsageError, match="there is no style 'd'"):
        shares_of("d", "abc")
