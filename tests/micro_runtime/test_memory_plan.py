# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Prescribed memory plans: what is refused, and that no plan which is accepted loses a value."""

import flat_graphs
import numpy as np
import pytest
from int8_bundle import make_int8_bundle
from tfdgsu.micro_runtime import BundleError, Session
from tfdgsu.micro_runtime.interpreter import Interpreter
from tfdgsu.micro_runtime.memory_plan import check_memory_plan
from tfdgsu.micro_runtime.model import read_model

ARENA = 1024
_SIZE = (1, 8)  # float32: 32 bytes


def chain(offsets, kinds=("RELU", "RELU", "RELU"), extra_outputs=()):
    """x -> kinds[0] -> kinds[1] ...; a binary op reads its input and x."""
    graph = flat_graphs.FlatGraph()
    tensors = [graph.tensor(_SIZE)]
    for kind in kinds:
        tensors.append(graph.tensor(_SIZE))
        is_binary = kind in ("ADD", "MAXIMUM")
        graph.op(kind, [tensors[-2], tensors[0]] if is_binary else [tensors[-2]], [tensors[-1]])
    graph.prescribe_offsets(offsets)
    return graph.build([tensors[0]], [tensors[-1], *(tensors[i] for i in extra_outputs)])


def check(model, arena_bytes=ARENA):
    check_memory_plan(read_model(model), arena_bytes)


@pytest.mark.parametrize(
    "model",
    [
        chain([-1, -1, -1, -1]),
        chain([0, 32, 64, 96]),
        chain([0, 32, 0, 32]),
        chain([0, 0, 0, 0]),
        chain([-1, 16, 16, -1]),
        chain([0, 0, 0, 32], ("RELU6", "RELU", "TANH")),
        chain([0, 32, 32, 32], ("RELU", "ADD", "RELU")),
        chain([0, 32, 0, 32], ("RELU", "ADD", "RELU")),
        chain([992, 0, 0, 0]),
    ],
)
def test_sound_plans_are_accepted_and_run(model):
    check(model)
    device = Interpreter(model, 1 << 15)
    x = np.arange(8, dtype=np.float32).reshape(_SIZE) / 8
    device.set_input(0, x)
    device.invoke()
    assert np.isfinite(device.get_output(0)).all() and device.get_output(0).any()


@pytest.mark.parametrize(
    ("model", "rule"),
    [
        (chain([0, 32, 64]), "must have 28 bytes. Received: 24"),
        (chain([0, 32, 64, 96, 128]), "must have 28 bytes. Received: 32"),
        (chain([0, 8, 64, 96]), "multiple of 16 or -1. Received: 8"),
        (chain([0, -16, 64, 96]), "multiple of 16 or -1. Received: -16"),
        (chain([0, -2, 64, 96]), "multiple of 16 or -1. Received: -2"),
        (chain([0, 1008, 64, 96]), "inside the arena of 1,024 bytes. Received: 1008"),
        (chain([0, 2**31 - 16, 64, 96]), "inside the arena"),
        (chain([0, 16, 64, 96]), r"keep 't0' and 't1' apart.*Received: \(0, 16\)"),
        (chain([16, 0, 64, 96]), "keep 't1' and 't0' apart"),
        (chain([0, 0, 64, 96], ("TANH", "RELU", "RELU")), "keep 't0' and 't1' apart"),
        (chain([0, 0, 0, 32], ("RELU", "ADD", "RELU")), "keep 't0' and 't1' apart"),  # x is read again
        (chain([0, 32, 32, 32], ("RELU", "MAXIMUM", "RELU")), "keep 't1' and 't2' apart"),
        (chain([0, 32, 32, 64], extra_outputs=[1]), "keep 't1' and 't2' apart"),
        (chain([0, 32, 64, 64], extra_outputs=[2]), "keep 't2' and 't3' apart"),
    ],
)
def test_other_plans_are_refused(model, rule):
    with pytest.raises(BundleError, match=rule):
        check(model)


def test_constants_and_variables_have_no_place():
    def build(offsets):
        graph = flat_graphs.FlatGraph()
        constant = graph.tensor(_SIZE, "float32", np.ones(_SIZE))
        variable, y, z = graph.tensor(_SIZE, variable=True), graph.tensor(_SIZE), graph.tensor(_SIZE)
        graph.op("ADD", [constant, variable], [y])
        graph.op("RELU", [y], [z])
        graph.prescribe_offsets(offsets)
        return graph.build([variable], [z])

    check(build([-1, -1, 0, 0]))
    for offsets in ([64, -1, 0, 0], [-1, 64, 0, 0]):
        with pytest.raises(BundleError, match="must be -1, as of every constant and variable"):
            check(build(offsets))


@pytest.mark.parametrize(
    "words", [[], [1, 0], [2, 0, 4, -1, -1, -1, -1], [1, 1, 4, -1, -1, -1, -1], [1, 0, 3, 0, 0, 0, 0]]
)
def test_header_must_be_that_of_the_format(words, monkeypatch):
    def prescribe(self, offsets):
        self.metadata("OfflineMemoryAllocation", np.asarray(words, np.int32).tobytes())

    monkeypatch.setattr(flat_graphs.FlatGraph, "prescribe_offsets", prescribe)
    with pytest.raises(BundleError, match="memory plan must"):
        check(chain([]))


class Memory:
    """Runs a chain on an arena of element owners: who finds another's name where its operand should be, lost it."""

    def __init__(self, offsets):
        self._offsets, self._owners = offsets, {}

    def write(self, tensor, i):
        self._owners[self._offsets[tensor] + 4 * i] = tensor

    def holds(self, tensor, i):
        return self._owners.get(self._offsets[tensor] + 4 * i) == tensor

    def run(self, kinds):
        """Whether every operand and the last result were whole when they were needed."""
        n_elements, whole = _SIZE[1], True
        for i in range(n_elements):
            self.write(0, i)
        for y, kind in enumerate(kinds, start=1):
            operands = [y - 1, 0] if kind in ("ADD", "MAXIMUM") else [y - 1]
            by_element = kind in ("RELU", "RELU6", "ADD")
            for i in range(n_elements) if not by_element else ():
                self.write(y, i)  # the worst order of an op that promises none
            for i in range(n_elements):
                whole &= all(self.holds(x, i) for x in operands)
                self.write(y, i)
        return whole and all(self.holds(len(kinds), i) for i in range(n_elements))


def test_no_accepted_plan_loses_a_value():
    rng, counts = np.random.default_rng(0), {True: 0, False: 0}
    for _ in range(1500):
        kinds = rng.choice(["RELU", "RELU6", "ADD", "TANH", "MAXIMUM"], rng.integers(1, 6)).tolist()
        offsets = (16 * rng.integers(0, 5, len(kinds) + 1)).tolist()
        try:
            check(chain(offsets, kinds))
        except BundleError:
            counts[False] += 1
        else:
            counts[True] += 1
            assert Memory(offsets).run(kinds), (kinds, offsets)
    assert min(counts.values()) > 100


def test_bundle_with_a_plan_trains_as_without(tmp_path):
    def place(names):
        """Everything behind everything else but the chain's head, whose tensors take turns."""
        placed = {"x": 0, "body": 112, "mean": 0, "features": 16, "logits": 48, "output": 64, "gradient": 160}
        return [placed.get(name, -1) for name in names]

    (tmp_path / "plain.tflite").write_bytes(make_int8_bundle())
    (tmp_path / "planned.tflite").write_bytes(make_int8_bundle(place))
    plain, planned = Session(tmp_path / "plain.tflite"), Session(tmp_path / "planned.tflite")
    x = np.random.default_rng(0).uniform(-1, 1, (6, 6, 3)).astype(np.float32)
    for _ in range(3):
        assert plain.train(x, 1, 0.1) == planned.train(x, 1, 0.1)
    np.testing.assert_array_equal(plain.infer(x), planned.infer(x))
    (tmp_path / "bad.tflite").write_bytes(
        make_int8_bundle(lambda names: [0 if name in ("x", "body") else -1 for name in names])
    )
    with pytest.raises(BundleError, match="keep 'x' and 'body' apart|keep 't0'"):
        Session(tmp_path / "bad.tflite")
