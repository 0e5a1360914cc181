"""Makes docs/android/*.jpg of the screens that the app's tests draw, which `make app-pictures` runs before it."""

import argparse
from pathlib import Path

from PIL import Image

from pictures import ROOT, record

LONGER_SIDE = 720


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("screens", type=Path, help="the folder of the PNG files")
    screens = parser.parse_args().screens
    for shown in sorted((ROOT / "docs" / "android").glob("*.jpg")):
        screen = Image.open(screens / f"{shown.stem}.png").convert("RGB")
        screen.thumbnail((LONGER_SIDE, LONGER_SIDE), Image.Resampling.LANCZOS)
        screen.save(shown, quality=85)
        record(f"android/{shown.name}")


if __name__ == "__main__":
    main()
