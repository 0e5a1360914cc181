"""What goes into the wheel and the source archive that are built, besides what the repository has in its place."""

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SHOWN = ("samples.jpg", "losses.png", "README.md")  # of a bundled model, for people who read the repository
APPLE = "coreml."  # exports that are made again by one command


class Additions(BuildHookInterface):
    """The bundled models, and LiteRT.js: fetched with npm, or found in the source archive that is built from."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Adds the files to what is packed; an editable install gets none."""
        if version == "editable":
            return
        if self.target_name == "wheel":
            self._add_models(build_data)
        self._add_litertjs(build_data)

    def _add_models(self, build_data: dict[str, Any]) -> None:
        models = Path(self.root, "models")
        for path in filter(Path.is_file, sorted(models.rglob("*"))):
            place = path.relative_to(models)
            if path.name not in SHOWN and not any(part.startswith(APPLE) for part in place.parts):
                build_data["force_include"][str(path)] = f"mobile_style/data/models/{place.as_posix()}"

    def _add_litertjs(self, build_data: dict[str, Any]) -> None:
        sys.path.insert(0, self.root)
        from mobile_style.errors import DeviceError
        from mobile_style.web import litertjs

        carried = Path(self.root, "mobile_style", "data", "litertjs")
        if not (carried / "LICENSE").is_file():
            carried = Path(self.root, "build", f"litertjs-{litertjs.VERSION}")
            try:
                litertjs.fetch(carried)
            except DeviceError as error:
                if "there is no npm" not in str(error):
                    raise
                self.app.display_warning(f"{error}; `mobile-style serve` will ask for {litertjs.SETUP}")
                return
            build_data["force_include"][str(carried)] = "mobile_style/data/litertjs"
