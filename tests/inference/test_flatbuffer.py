from typing import Any

import flatbuffers
import flatbuffers.table
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from mobile_style.inference import paired_ops
from mobile_style.inference.flatbuffer import FlatBuffer
from mobile_style.inference.int8_network import load_int8_network
from mobile_style.inference.network import load_network


class Sharing(flatbuffers.Builder):
    """The library's, which writes equal arrays and texts once, as `FlatBuffer` does."""

    def __init__(self) -> None:
        super().__init__(1 << 20)
        self.written: dict[tuple[str, bytes], int] = {}

    def CreateNumpyVector(self, x: np.ndarray) -> int:
        key = (x.dtype.str, x.tobytes())
        if key not in self.written:
            self.written[key] = super().CreateNumpyVector(x)
        return self.written[key]

    def CreateString(self, s: bytes, encoding: str = "utf-8", errors: str = "strict") -> int:
        if ("text", s) not in self.written:
            self.written["text", s] = super().CreateString(s)
        return self.written["text", s]

    def StartVector(self, element: int, count: int, alignment: int) -> int:
        return super().StartVector(element, count, 16 if element == 1 else alignment)


@pytest.mark.parametrize("load", [load_network, load_int8_network])
def test_a_file_is_byte_for_byte_what_the_library_writes(load: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paired_ops, "Loaded", lambda content, threads: content)
    loaded = load("udnie")
    network = loaded[0] if isinstance(loaded, tuple) else loaded
    content = network._make((60, 44), 1)
    builder = Sharing()
    builder.Finish(schema.ModelT.InitFromPackedBuf(content).Pack(builder), b"TFL3")
    assert bytes(builder.Output()) == content


def test_a_table_leaves_out_what_is_missing_or_zero() -> None:
    file = FlatBuffer()
    content = file.content(file.table((0, "I", 0), (1, "b", None), (2, "I", 7)), b"TEST")
    assert content[4:8] == b"TEST"
    table = flatbuffers.table.Table(content, int.from_bytes(content[:4], "little"))
    assert [table.Offset(4 + 2 * number) != 0 for number in range(4)] == [False, False, True, False]
    assert int.from_bytes(content[table.Pos + table.Offset(8) :][:4], "little") == 7
