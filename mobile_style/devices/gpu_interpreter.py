"""LiteRT's GPU accelerator behind the interface of LiteRT's interpreter, as far as worker.py uses it.

Needs only Python, NumPy and LiteRT, like worker.py, which imports it by name. LiteRT is imported late, so that an older
version without this accelerator becomes an error that worker.py reports.
"""

import os
import re
import tempfile
from collections.abc import Callable
from typing import Any

import numpy as np

NO_GPU = "No adapters found"  # what LiteRT logs


class Interpreter:
    """One loaded model.

    Attributes:
        accelerated: how the model was placed: "delegated" of "nodes" operators run on the GPU, and "note" names the
            others; "kernels" is None; "adapter" is the GPU's name, and "software" whether a software driver replaces
            it. Empty before `allocate_tensors`.
    """

    def __init__(self, model_path: str, num_threads: int) -> None:
        self._path = model_path
        self.accelerated: dict[str, Any] = {}

    def allocate_tensors(self) -> None:
        """Compiles the model for the GPU; unsupported operators run on the CPU.

        Raises:
            RuntimeError: there is no GPU, or the model cannot be compiled.
            ImportError: this LiteRT has no GPU accelerator.
        """
        from ai_edge_litert import interpreter as cpu
        from ai_edge_litert.compiled_model import CompiledModel
        from ai_edge_litert.gpu_options import GpuOptions
        from ai_edge_litert.hardware_accelerator import HardwareAccelerator
        from ai_edge_litert.options import Options

        both = HardwareAccelerator.GPU | HardwareAccelerator.CPU
        options = Options(hardware_accelerators=both, gpu_options=GpuOptions())
        model, log = _logged(lambda: CompiledModel.from_file(self._path, options=options))
        if not isinstance(model, CompiledModel):
            raise RuntimeError(NO_GPU if NO_GPU in log else str(model))
        self._model, (name, *_) = model, model.get_signature_list()
        self._given, self._wanted = model.get_input_tensor_details(name), model.get_output_tensor_details(name)
        self._inputs, self._outputs = model.create_input_buffers(0), model.create_output_buffers(0)
        resolver = cpu.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
        nodes = len(cpu.Interpreter(self._path, experimental_op_resolver_type=resolver)._get_ops_details())
        self.accelerated = told(log, nodes, model.is_fully_accelerated())

    def get_input_details(self) -> list[dict[str, Any]]:
        """Name, index among the inputs, shape and type of each input."""
        return _details(self._given)

    def get_output_details(self) -> list[dict[str, Any]]:
        """The same of each output."""
        return _details(self._wanted)

    def set_tensor(self, index: int, values: np.ndarray) -> None:
        """Copies the values of an input to the GPU."""
        self._inputs[index].write(np.ascontiguousarray(values))

    def invoke(self) -> None:
        """Runs the model and waits for its first output."""
        self._model.run_by_index(0, self._inputs, self._outputs)
        details = self.get_output_details()[0]
        kind, shape = np.dtype(details["dtype"]).type, details["shape"]
        self._output = self._outputs[0].read(int(np.prod(shape)), kind).reshape(shape)

    def get_tensor(self, index: int) -> np.ndarray:
        """The first output of the latest run; there is no other."""
        return np.array(self._output)


def _details(tensors: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {"name": name, "index": index, "shape": details["shape"], "dtype": details["dtype"]}
        for index, (name, details) in enumerate(tensors.items())
    ]


def told(log: str, nodes: int, fully: bool) -> dict[str, Any]:
    """`Interpreter.accelerated`, from LiteRT's log of compiling a model for the GPU.

    Args:
        log: what LiteRT printed. It has no function that returns the chosen GPU and the unsupported operators.
        nodes: operators of the model.
        fully: whether all of them run on the GPU.
    """
    adapter = re.search(r"Selected adapter: (.*?), arch=.*adapterType=(.*)", log)
    counts = re.search(r"(\d+) operations will run on the GPU, and the remaining (\d+)", log)
    refused = re.search(r"not supported by GPU delegate:\n(.*?)\n\d+ operations", log, re.DOTALL)
    return {
        "delegated": nodes if fully else int(counts[1]) if counts else None,
        "nodes": nodes,
        "kernels": None,
        "note": ""
        if fully
        else f"not on the GPU: {'; '.join(refused[1].splitlines()) if refused else 'some operators'}",
        "adapter": adapter[1] if adapter else "a GPU of unknown name",
        "software": adapter is not None and "CPU" in adapter[2],
    }


def _logged(action: Callable[[], Any]) -> tuple[Any, str]:
    """The action's result or its RuntimeError, and what native code wrote to the standard error."""
    with tempfile.TemporaryFile() as file:
        kept = os.dup(2)
        os.dup2(file.fileno(), 2)
        try:
            result = action()
        except RuntimeError as error:
            result = error
        finally:
            os.dup2(kept, 2)
            os.close(kept)
        file.seek(0)
        return result, file.read().decode(errors="replace")
