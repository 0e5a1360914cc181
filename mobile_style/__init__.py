"""Fast neural style transfer for phones: train, stylize, export, validate, benchmark.

Importing this loads nothing heavy; each name loads what it needs when it is first used. docs/python.md has examples.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .benchmarking.measure import Conditions as Conditions
    from .benchmarking.measure import measure
    from .benchmarking.report import Report as Report
    from .errors import CheckpointError as CheckpointError
    from .errors import DatasetError as DatasetError
    from .errors import DeviceError as DeviceError
    from .errors import DivergedError as DivergedError
    from .errors import FidelityError as FidelityError
    from .errors import ImageError as ImageError
    from .errors import MobileStyleError as MobileStyleError
    from .errors import OutputError as OutputError
    from .errors import UnpaintedError as UnpaintedError
    from .errors import UsageError as UsageError
    from .evaluation.evaluate import Evaluation as Evaluation
    from .evaluation.evaluate import evaluate as evaluate
    from .exporting.android_bundle import bundle_android as bundle_android
    from .exporting.recipes import RECIPES as RECIPES
    from .exporting.recipes import Recipe as Recipe
    from .exporting.recipes import find_recipe as find_recipe
    from .network.catalog import ModelInfo as ModelInfo
    from .network.catalog import list_models as list_models
    from .painting.files import stylize_files as stylize_files
    from .painting.stylize import Painter as Painter
    from .painting.stylize import stylize as stylize
    from .progress import Note as Note
    from .progress import Step as Step
    from .proofs.proof import Proof as Proof
    from .proofs.proof import proof as proof
    from .training.config import TrainConfig as TrainConfig
    from .training.config import configure as configure
    from .training.dataset import build
    from .training.team import Team as Team
    from .training.train import resume as resume
    from .training.train import train as train
    from .validation.checked_export import Export as Export
    from .validation.checked_export import export as export
    from .validation.validate import Validation as Validation
    from .validation.validate import validate as validate
    from .web.bundle import bundle_web as bundle_web

    __version__: str
    benchmark, build_dataset = measure, build

_PLACES = {
    "benchmarking.measure": {"Conditions": "Conditions", "measure": "benchmark"},
    "errors": {
        name: name
        for name in (
            *("CheckpointError", "DatasetError", "DeviceError", "DivergedError", "FidelityError", "ImageError"),
            *("MobileStyleError", "OutputError", "UnpaintedError", "UsageError"),
        )
    },
    "exporting.android_bundle": {"bundle_android": "bundle_android"},
    "benchmarking.report": {"Report": "Report"},
    "exporting.recipes": {"RECIPES": "RECIPES", "Recipe": "Recipe", "find_recipe": "find_recipe"},
    "network.catalog": {"ModelInfo": "ModelInfo", "list_models": "list_models"},
    "painting.files": {"stylize_files": "stylize_files"},
    "painting.stylize": {"Painter": "Painter", "stylize": "stylize"},
    "progress": {"Note": "Note", "Step": "Step"},
    "training.config": {"TrainConfig": "TrainConfig", "configure": "configure"},
    "training.dataset": {"build": "build_dataset"},
    "evaluation.evaluate": {"Evaluation": "Evaluation", "evaluate": "evaluate"},
    "proofs.proof": {"Proof": "Proof", "proof": "proof"},
    "training.team": {"Team": "Team"},
    "training.train": {"resume": "resume", "train": "train"},
    "validation.checked_export": {"Export": "Export", "export": "export"},
    "validation.validate": {"Validation": "Validation", "validate": "validate"},
    "web.bundle": {"bundle_web": "bundle_web"},
}
_WITH_KERAS = ("proofs.proof", "training.train")
_FOUND_IN = {public: (module, name) for module, names in _PLACES.items() for name, public in names.items()}
__all__ = ["__version__", *_FOUND_IN]


if not TYPE_CHECKING:  # a type checker would take every name for one of these

    def __getattr__(name: str) -> Any:
        if name == "__version__":
            from importlib.metadata import version

            return version("mobile-style")
        if name not in _FOUND_IN:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        module, original = _FOUND_IN[name]
        try:
            if module in _WITH_KERAS:
                from .network.backend import loading

                with loading():  # without what TensorFlow prints meanwhile
                    import_module(f".{module}", __name__)
            value = globals()[name] = getattr(import_module(f".{module}", __name__), original)
        except ModuleNotFoundError as error:
            from .errors import missing_extra

            raise missing_extra(error) or error from None
        return value


def __dir__() -> list[str]:
    return sorted(__all__)
