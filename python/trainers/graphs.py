"""ONNX graphs with one input a feature, as the engine serves them."""

import numpy as np
from onnx import TensorProto, helper

# The pair that the engine's own baseline has: IR 8 belongs to opset 17.
IR_VERSION = 8
OPSETS = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]


def feature_inputs(job):
    types = {"float": TensorProto.FLOAT, "string": TensorProto.STRING}
    return [
        helper.make_tensor_value_info(feature["name"], types[feature["type"]], ["N", 1]) for feature in job["features"]
    ]


def matrix_nodes(job, encoders, output):
    """Nodes that make the float matrix [N, features] of the inputs: text goes through its table of places."""
    nodes, columns = [], []
    for feature in job["features"]:
        name = feature["name"]
        if name not in encoders:
            columns.append(name)
            continue
        names = encoders[name].names
        columns.append(f"/place/{name}")
        nodes.append(
            helper.make_node(
                "LabelEncoder",
                [name],
                [f"/place/{name}"],
                domain="ai.onnx.ml",
                # A table must not be empty: a feature that is missing throughout still has its input.
                keys_strings=names or [""],
                values_floats=[float(place) for place in range(len(names))] or [float("nan")],
                default_float=float("nan"),
            )
        )
    nodes.append(helper.make_node("Concat", columns, [output], axis=1))
    return nodes


def output_nodes(task, raw):
    """From the trees' sums to what the engine reads, and the outputs' descriptions."""
    half = helper.make_tensor("/half", TensorProto.FLOAT, [1], [0.5])
    if task == "regression":
        return [helper.make_node("Identity", [raw], ["value"])], [float_output("value", 1)], []
    if task == "binary":
        nodes = [
            helper.make_node("Sigmoid", [raw], ["/positive"]),
            helper.make_node("Neg", [raw], ["/minus"]),
            helper.make_node("Sigmoid", ["/minus"], ["/negative"]),
            helper.make_node("Concat", ["/negative", "/positive"], ["probabilities"], axis=1),
            helper.make_node("Greater", ["/positive", "/half"], ["/called"]),
            helper.make_node("Cast", ["/called"], ["/number"], to=TensorProto.INT64),
            helper.make_node("Reshape", ["/number", "/flat"], ["label"]),
        ]
        flat = helper.make_tensor("/flat", TensorProto.INT64, [1], [-1])
        return nodes, [label_output(), float_output("probabilities", 2)], [half, flat]
    nodes = [
        helper.make_node("Softmax", [raw], ["probabilities"], axis=1),
        helper.make_node("ArgMax", [raw], ["label"], axis=1, keepdims=0),
    ]
    return nodes, [label_output(), float_output("probabilities", "K")], []


def float_output(name, width):
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", width])


def label_output():
    return helper.make_tensor_value_info("label", TensorProto.INT64, ["N"])


def to_bytes(graph, producer):
    model = helper.make_model(graph, opset_imports=OPSETS, producer_name=producer)
    model.ir_version = IR_VERSION
    return model.SerializeToString(deterministic=True)


def at_most(threshold):
    """The largest float32 not above a threshold: x <= t for float32 x is then x <= this, to the bit."""
    # Beyond float32 is a split of what is missing from all that is there.
    threshold = min(threshold, float(np.finfo(np.float32).max))
    narrow = np.float32(threshold)
    return float(np.nextafter(narrow, np.float32(-np.inf)) if float(narrow) > threshold else narrow)


