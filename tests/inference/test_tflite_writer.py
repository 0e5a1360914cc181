import numpy as np
from ai_edge_litert import schema_py_generated as schema

from mobile_style.inference.interpreter import Loaded
from mobile_style.inference.levels import Levels
from mobile_style.inference.tflite_writer import NONE, OPERATORS, OPTIONS, RELU, RELU6, SAME, TYPES, VALID, TfliteWriter


def test_the_numbers_are_the_schemas() -> None:
    assert {name: getattr(schema.BuiltinOperator, name) for name in OPERATORS} == OPERATORS
    assert {name: getattr(schema.TensorType, name) for name in TYPES} == TYPES
    assert (schema.Padding.SAME, schema.Padding.VALID) == (SAME, VALID)
    activation = schema.ActivationFunctionType
    assert (activation.NONE, activation.RELU, activation.RELU6) == (NONE, RELU, RELU6)
    tables = {number: name for name, number in vars(schema.BuiltinOptions).items()}
    for operator, (number, fields) in OPTIONS.items():
        table = f"{tables[number]}T"
        assert list(vars(getattr(schema, table)()))[: len(fields)] == [name for name, _ in fields], operator


def test_what_the_outputs_do_not_need_is_left_out() -> None:
    writer = TfliteWriter()
    x = writer.input("x", "FLOAT32", (1, 4))
    twice = writer.operator("ADD", [x, x], "twice", "FLOAT32", (1, 4))
    writer.operator("MUL", [twice, twice], "unused", "FLOAT32", (1, 4))
    content = writer.content({"twice": twice})
    model = schema.ModelT.InitFromPackedBuf(content, 0)
    assert len(model.subgraphs[0].operators) == 1
    values = np.arange(4, dtype=np.float32)[None]
    np.testing.assert_array_equal(Loaded(content)(values)[0], 2 * values)


def test_equal_constants_are_one() -> None:
    writer, ones = TfliteWriter(), np.ones(3, np.float32)
    assert writer.constant("a", ones) == writer.constant("b", ones.copy())
    assert writer.constant("a", ones) != writer.constant("a", ones.astype(np.float16))
    halves, units = Levels(np.float32(0.5), 0), Levels(np.float32(1), 0)
    levels = ones.astype(np.int8)
    assert writer.constant("c", levels, halves) != writer.constant("c", levels, units)
    assert writer.constant("c", levels, [halves] * 3) == writer.constant("d", levels, [halves] * 3)


def test_metadata_and_signature() -> None:
    writer = TfliteWriter()
    x = writer.input("x", "FLOAT32", (1, 4))
    doubled = writer.operator("ADD", [x, x], "doubled", "FLOAT32", (1, 4))
    model = schema.ModelT.InitFromPackedBuf(writer.content({"y": doubled}, {"note": b"hello"}), 0)
    (signature,), (entry,) = model.signatureDefs, model.metadata
    assert [each.name for each in (*signature.inputs, *signature.outputs)] == [b"x", b"y"]
    assert entry.name == b"note" and bytes(model.buffers[entry.buffer].data) == b"hello"
    assert model.version == 3 and model.buffers[0].data is None
