# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""The boxes of the arena are what the prediction says, and what the file prescribes."""

import keras
import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.patches import Rectangle
from tensorflow.lite.python import schema_py_generated as schema_fb
from tiny_bundle import export_tiny

import tfdgsu

KIB = 1024


@pytest.fixture(scope="module", params=["float32", "int8", "inference"])
def inspection(request, tmp_path_factory):
    path = tmp_path_factory.mktemp("arena") / "tiny.tflite"
    if request.param == "inference":
        model = keras.Sequential([keras.Input((6, 6, 3)), keras.layers.Conv2D(4, 3), keras.layers.Flatten()])
        tfdgsu.export.export_inference_model(model, path)
    else:
        export_tiny(path, quantize=None if request.param == "float32" else "int8")
    return tfdgsu.micro_runtime.inspect_bundle(path)


def boxes(ax):
    """(first moment, last moment, offset, bytes) of each box by name; moment 0 is before op 0."""
    found = {}
    for box in ax.findobj(Rectangle):
        if box.get_gid() not in (None, "peak"):
            first = box.get_x() + 1.5
            numbers = (first, first + box.get_width() - 1, box.get_y() * KIB, box.get_height() * KIB)
            assert box.get_gid() not in found
            found[box.get_gid()] = tuple(round(number, 6) for number in numbers)
    return found


def test_boxes_are_the_prediction(inspection, assert_nothing_is_clipped):
    arena = tfdgsu.export.arena.predict_arena(inspection.program.data)
    ax = tfdgsu.plots.arena(inspection)
    expected = {b.name: (b.first_used, b.last_used, b.offset, b.n_bytes) for b in arena.buffers if b.first_used >= 0}
    assert boxes(ax) == expected
    assert expected
    assert_nothing_is_clipped(ax.figure)


def test_boxes_lie_where_the_file_prescribes(tmp_path):
    """The file's own memory plan, read without this package."""
    path = export_tiny(tmp_path / "tiny.tflite", quantize="int8")
    flat = schema_fb.ModelT.InitFromPackedBuf(path.read_bytes(), 0)
    [plan] = [flat.buffers[m.buffer].data for m in flat.metadata if m.name == b"OfflineMemoryAllocation"]
    offsets = np.frombuffer(bytes(plan), "<i4")[3:]
    drawn = boxes(tfdgsu.plots.arena(tfdgsu.micro_runtime.inspect_bundle(path)))
    prescribed = {
        tensor.name.decode(): offset
        for tensor, offset in zip(flat.subgraphs[0].tensors, offsets, strict=True)
        if offset >= 0 and tensor.name.decode() in drawn
    }
    assert len(prescribed) > 3
    assert {name: drawn[name][2] for name in prescribed} == prescribed


def test_the_peak_is_marked(inspection):
    """Counted from the boxes."""
    ax = tfdgsu.plots.arena(inspection)
    drawn, n_moments = boxes(ax).values(), len(inspection.graph.ops) + 1
    alive = [sum(n for first, last, _, n in drawn if first <= moment <= last) for moment in range(n_moments)]
    [peak] = [patch for patch in ax.patches if patch.get_gid() == "peak"]
    assert peak.get_x() + 1.5 == np.argmax(alive)
    assert any(f"{round(max(alive)):,} bytes alive" in text.get_text() for text in ax.texts)
    assert ax.get_xlim() == (-1.5, n_moments - 1.5)


def test_colours_tell_what_buffers_are_for(inspection):
    ax = tfdgsu.plots.arena(inspection)
    colours = {box.get_gid(): to_hex(box.get_facecolor()) for box in ax.patches}
    legend = dict(
        zip(
            (text.get_text() for text in ax.get_legend().get_texts()),
            (to_hex(handle.get_facecolor()) for handle in ax.get_legend().get_patches()),
            strict=True,
        )
    )
    assert colours["x"] == legend["activation"]
    if inspection.trains:
        assert colours["kept/front"] == legend["kept for backward"]
        assert {to_hex(c) for name, c in colours.items() if "grad" in name} == {legend["gradient"]}
    else:
        assert "gradient" not in legend


def test_draws_into_given_axes(inspection, pyplot):
    figure, (_, ax) = pyplot.subplots(1, 2)
    assert tfdgsu.plots.arena(inspection.arena_cortex_m, ax=ax) is ax
    assert pyplot.get_fignums() == [figure.number]
    assert "Cortex-M" in ax.get_title(loc="left")


def test_other_things_are_refused():
    with pytest.raises(TypeError, match="Received: 'model.tflite'. Pass tfdgsu.micro_runtime.inspect_bundle"):
        tfdgsu.plots.arena("model.tflite")
