"""Puts LiteRT.js, which is not in the repository, into the wheel and the source archive that are built."""

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class LiteRTJS(BuildHookInterface):
    """Fetches it with npm; a build from a source archive finds it there, and needs no npm."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Adds the files to what is packed; an editable install gets none."""
        if version == "editable":
            return
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
