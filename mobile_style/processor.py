"""What the processor can do."""

import re
from pathlib import Path


def has(*features: str) -> bool:
    """Whether Linux names one of these features of the processor, such as avx512f; elsewhere it does not tell."""
    try:
        told = Path("/proc/cpuinfo").read_text()
    except OSError:  # no Linux
        return False
    return re.search(rf"\b({'|'.join(features)})\b", told) is not None
