"""ONNX graphs whose network computes in float16, for half the size."""

from __future__ import annotations

from typing import Any

__all__ = ["halved"]

_LAYERS = {"Conv", "ConvTranspose", "MatMul", "Gemm"}


def halved(proto: Any) -> Any:
    """Store and compute the layers of a graph in float16; its ends, and what follows the last layer, stay in float32.

    Sixteen-bit floats have eleven significant bits. Where a network predicts the noise and takes it off the image, the image
    itself therefore keeps its own precision, and only the noise is rounded.

    Parameters
    ----------
    proto : onnx.ModelProto
        Graph in float32. It is changed in place where the converter does so.

    Returns
    -------
    onnx.ModelProto
    """
    from onnxruntime.transformers.float16 import convert_float_to_float16
    from onnxruntime.transformers.onnx_model import OnnxModel

    made = convert_float_to_float16(proto, keep_io_types=True, node_block_list=_after_the_layers(proto.graph))
    _without_detours(made.graph)
    OnnxModel(made).topological_sort()  # the converter puts its casts at the end
    return made


def _after_the_layers(graph: Any) -> list[str]:
    """Names of the nodes between the last layers and the output, in any order; unnamed nodes get names."""
    for index, node in enumerate(graph.node):
        node.name = node.name or f"node_{index}"
    made_by = {output: node for node in graph.node for output in node.output}
    waiting, found = [output.name for output in graph.output], {}
    while waiting:
        node = made_by.get(waiting.pop())
        if node is not None and node.op_type not in _LAYERS and node.name not in found:
            found[node.name] = node
            waiting.extend(node.input)
    return list(found)


def _without_detours(graph: Any) -> None:
    """Take out the casts to float16 and back that the converter puts between nodes in float32, and that round values."""
    from onnx import TensorProto

    def casts(to: int) -> dict[str, str]:
        found = [node for node in graph.node if node.op_type == "Cast" and node.attribute[0].i == to]
        return {node.output[0]: node.input[0] for node in found}

    down, up = casts(TensorProto.FLOAT16), casts(TensorProto.FLOAT)
    origin = {end: down[middle] for end, middle in up.items() if middle in down}
    for node in graph.node:
        node.input[:] = [origin.get(name, name) for name in node.input]
    for output in graph.output:
        if output.name in origin:
            _hand_over(graph, origin[output.name], output.name)
    _drop_unused(graph)
    del graph.value_info[:]  # types from before


def _hand_over(graph: Any, value: str, output: str) -> None:
    """Let the node that makes a value make the output in its place; what made the output before is taken out."""
    for node in list(graph.node):
        if output in node.output:
            graph.node.remove(node)
            continue
        node.input[:] = [output if name == value else name for name in node.input]
        node.output[:] = [output if name == value else name for name in node.output]


def _drop_unused(graph: Any) -> None:
    """Take out the casts whose results nothing uses, and those that only fed them."""
    while True:
        used = {name for node in graph.node for name in node.input} | {output.name for output in graph.output}
        unused = [node for node in graph.node if node.op_type == "Cast" and not used & set(node.output)]
        if not unused:
            return
        for node in unused:
            graph.node.remove(node)
