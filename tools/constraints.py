"""Writes constraints.txt: the newest versions that install together, on each Python that is supported.

    python tools/constraints.py python3.10 python3.11 python3.12 python3.13

Names and versions only. Where the Pythons agree there is one line, elsewhere one for each.
"""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]


def resolve(python: str) -> tuple[str, dict[str, str]]:
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([python, "-m", "venv", folder], check=True)
        pip = [f"{folder}/bin/python", "-m", "pip"]
        subprocess.run([*pip, "install", "--quiet", "--upgrade", "pip"], check=True)
        dry_run = ["install", "--quiet", "--dry-run", "--ignore-installed", "--report", "-"]
        wanted = [str(ROOT), "--group", f"{ROOT}/pyproject.toml:dev", "pip"]
        report = subprocess.run([*pip, *dry_run, *wanted], check=True, capture_output=True, text=True)
    document = json.loads(report.stdout)
    found = {package["metadata"]["name"]: package["metadata"]["version"] for package in document["install"]}
    found = {re.sub(r"[-_.]+", "-", name).lower(): number for name, number in found.items()}
    found.pop("mobile-style")
    major, minor, *_ = document["environment"]["python_full_version"].split(".")
    return f"{major}.{minor}", found


def main() -> None:
    resolved = dict(map(resolve, sys.argv[1:]))
    lines = []
    for name in sorted(set().union(*resolved.values())):
        versions = {python: found[name] for python, found in resolved.items() if name in found}
        if len(set(versions.values())) == 1:
            lines.append(f"{name}=={next(iter(versions.values()))}")
        else:
            lines += [f"{name}=={number}; python_version == '{python}'" for python, number in versions.items()]
    header = "# Written by tools/constraints.py: what is tested together.\n"
    (ROOT / "constraints.txt").write_text(header + "\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
