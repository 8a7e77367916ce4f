# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""What a report says, against the file, the interpreter and the prediction."""

import base64
import hashlib
import html.parser
import pathlib
import re

import keras
import numpy as np
import pytest
from flat_graphs import FlatGraph
from int8_bundle import edit, make_int8_bundle
from tensorflow.lite.python import schema_py_generated as schema_fb
from tfdgsu.export.arena import predict_arena
from tfdgsu.export.schema import read_graph
from tfdgsu.micro_runtime import BundleError, Session, inspect_bundle
from tiny_bundle import export_tiny

import tfdgsu

KINDS = ("float32", "int8", "inference", "inference_int8")
TRAINING = KINDS[:2]
VOID = ("meta", "link", "wbr")


def make(kind, folder):
    """The file of a bundle of one kind."""
    path = folder / f"{kind}.tflite"
    if kind in TRAINING:
        return export_tiny(path, quantize=None if kind == "float32" else kind)
    layers = [keras.layers.Conv2D(4, 3, activation="relu"), keras.layers.Flatten(), keras.layers.Dense(3)]
    model = keras.Sequential([keras.Input((6, 6, 3)), *layers])
    x = np.random.default_rng(0).uniform(-1, 1, (8, 6, 6, 3)).astype(np.float32)
    options = {"quantize": "int8", "representative_data": x} if kind == "inference_int8" else {}
    tfdgsu.export.export_inference_model(model, path, **options)
    return path


@pytest.fixture(scope="module")
def inspections(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    return {kind: inspect_bundle(make(kind, folder)) for kind in KINDS}


class Node:
    """An element: tag, attributes, children (nodes and texts)."""

    def __init__(self, tag, attributes):
        self.tag, self.attributes, self.children = tag, dict(attributes), []

    def all(self, tag, class_=None):
        """Elements below this one, in order."""
        found = []
        for child in self.children:
            if isinstance(child, Node):
                is_it = child.tag == tag and (class_ is None or class_ in child.attributes.get("class", "").split())
                found += [child] if is_it else []
                found += child.all(tag, class_)
        return found

    def text(self):
        return "".join(child if isinstance(child, str) else child.text() for child in self.children)


class Reader(html.parser.HTMLParser):
    """Reads a page and fails where an element is closed that isn't open."""

    def __init__(self, page):
        super().__init__()
        self.stack = [Node("page", ())]
        self.feed(page)
        assert len(self.stack) == 1

    def handle_starttag(self, tag, attrs):
        self.stack[-1].children.append(Node(tag, attrs))
        if tag not in VOID:
            self.stack.append(self.stack[-1].children[-1])

    def handle_endtag(self, tag):
        assert self.stack.pop().tag == tag

    def handle_data(self, data):
        self.stack[-1].children.append(data)


def read(inspection):
    return Reader(inspection.to_html()).stack[0]


def table(page, caption):
    """{title of a row: texts of its other cells}; rows in order, titles are distinct."""
    [found] = [t for t in page.all("table") if t.all("caption")[0].text() == caption]
    rows = [[c.text() for c in row.children] for row in found.all("tbody")[0].all("tr")]
    assert len({row[0] for row in rows}) == len(rows)
    return {row[0]: row[1:] for row in rows}


def integer(text):
    return int(text.replace(",", ""))


@pytest.mark.parametrize("kind", KINDS)
def test_boxes_of_the_map_are_the_prediction(inspections, kind):
    inspection = inspections[kind]
    arena = predict_arena(inspection.program.data)
    drawn = {}
    for box in read(inspection).all("svg", "buffer"):
        number = {name: float(box.attributes[name].rstrip("%")) for name in ("x", "y", "width", "height")}
        [fill] = [c for c in box.all("rect")[0].attributes["class"].split() if c != "box"]
        drawn[box.all("title")[0].text().partition(":")[0]] = (
            round(number["x"] * arena.head_bytes / 100),
            round(number["width"] * arena.head_bytes / 100),
            number["y"],
            number["height"],
            fill,
        )
    row = 18
    assert drawn == {
        b.name: (
            b.offset,
            b.n_bytes,
            row * b.first_used,
            row * (b.last_used - b.first_used + 1),
            arena.kind_of(b).split()[0],
        )
        for b in arena.buffers
        if b.first_used >= 0
    }


@pytest.mark.parametrize("kind", KINDS)
def test_buffers_stand_in_a_table_too(inspections, kind):
    arena = predict_arena(inspections[kind].program.data)
    rows = table(read(inspections[kind]), "Buffers of the head, in order of first use")
    expected = {b.name: (b.offset, b.n_bytes) for b in arena.buffers if b.first_used >= 0}
    assert {name: (integer(cells[-2]), integer(cells[-1])) for name, cells in rows.items()} == expected


@pytest.mark.parametrize("kind", TRAINING)
def test_arena_is_predicted_and_measured(inspections, kind):
    report = Session(inspections[kind].path).arena_report()
    rows = table(read(inspections[kind]), "Predicted and measured arena, bytes")
    assert [integer(cell) for cell in rows["total"]] == [
        report.predicted_bytes,
        report.total_bytes,
        report.predicted_cortex_m_bytes,
    ]
    assert integer(rows["head"][1]) == report.head_bytes
    assert integer(rows["tail"][1]) == report.tail_bytes
    page = read(inspections[kind])
    tail = table(page, "The tail by kind, predicted bytes").values()
    assert sum(integer(cells[0]) for cells in tail) == integer(rows["tail"][0])


@pytest.mark.parametrize("kind", KINDS)
def test_flash_adds_up_to_the_file(inspections, kind):
    path = pathlib.Path(inspections[kind].path)
    rows = table(read(inspections[kind]), "Flash, bytes")
    whole = integer(rows.pop("the file")[-1])
    assert whole == path.stat().st_size == sum(integer(cells[-1]) for cells in rows.values())
    graph = read_graph(path.read_bytes())
    constants = {id(t): t.n_bytes for op in graph.ops for t in op.inputs if t is not None and t.is_constant}
    n_constants = sum(integer(cells[-1]) for title, cells in rows.items() if title[:4] in ("cons", "fact"))
    assert n_constants == sum(constants.values())
    assert all(integer(cells[-1]) >= 0 for cells in rows.values())


@pytest.mark.parametrize("kind", TRAINING)
def test_ram_is_what_a_session_holds(inspections, kind):
    rows = table(read(inspections[kind]), "RAM between steps, bytes")
    held = Session(inspections[kind].path).variables()
    assert integer(rows["all variables"][-1]) == sum(value.nbytes for value in held.values()) + 4  # `train`
    kernels = [value for name, value in held.items() if name.endswith("/kernel")]
    assert integer(rows["kernels that are updated"][0]) == len(kernels)
    assert integer(rows["kernels that are updated"][1]) == sum(value.nbytes for value in kernels)
    factory = integer(table(read(inspections[kind]), "Flash, bytes")["factory values"][-1])
    assert factory <= integer(rows["all variables"][-1])


@pytest.mark.parametrize("kind", KINDS)
def test_ops_stand_in_order_with_their_options(inspections, kind):
    graph = read_graph(inspections[kind].program.data)
    rows = table(read(inspections[kind]), "Ops in order of execution")
    assert list(rows) == [f"{i} {op.kind}" for i, op in enumerate(graph.ops)]
    for cells, op in zip(rows.values(), graph.ops, strict=True):
        assert all(tensor.name in cells[1] for tensor in op.inputs if tensor is not None)
        assert all(tensor.name in cells[2] for tensor in [*op.outputs, *op.mutates])
    convolution = next(cells[0] for title, cells in rows.items() if "CONV_2D" in title or "ConvBlock" in title)
    assert "padding SAME" in convolution or "padding VALID" in convolution or "conv_pad_top" in convolution
    if kind in TRAINING:
        [select] = [cells[0] for title, cells in rows.items() if title.endswith("TfdgsuSelectChannels")]
        assert "policy random" in select and "period_steps 3" in select
        assert any("momentum 0.5" in cells[0] for cells in rows.values())


@pytest.mark.parametrize("kind", KINDS)
def test_plan_and_signatures(inspections, kind):
    page = read(inspections[kind])
    names = {t.all("caption")[0].text() for t in page.all("table")}
    if kind not in TRAINING:
        assert "Update layers" not in names
        assert "no plan" in page.text()
        assert {name for name in names if name.startswith("Signature")} == {"Signature infer"}
        return
    rows = table(page, "Update layers")
    assert list(rows) == ["deep", "head"]
    assert rows["deep"][1:] == ["3 of 8", "updated", str(3 * 3 * 3 * 6), str(3 * 3 * 8 * 6), str(3 * 3 * 8 * 6)]
    document = inspections[kind].program.bundle.document
    variables = {item["name"] for item in document["variables"]}
    assert set(table(page, "Signature save")) == variables
    assert list(table(page, "Signature train")) == ["x", "y", "learning_rate", "train", "loss", "output"]


@pytest.mark.parametrize("kind", KINDS)
def test_the_page_refers_to_nothing_outside(inspections, kind):
    page = read(inspections[kind])
    nodes = [node for tag in ("a", "link", "img", "script", "use", "iframe", "image") for node in page.all(tag)]
    targets = [value for node in nodes for name, value in node.attributes.items() if name in ("href", "src")]
    identifiers = [
        node.attributes["id"] for tag in ("section", "h2", "p") for node in page.all(tag) if "id" in node.attributes
    ]
    assert len(set(identifiers)) == len(identifiers)
    assert {target for target in targets if target != "data:,"} <= {f"#{identifier}" for identifier in identifiers}
    assert not re.search(r"url\(|@import|https?:", page.all("style")[0].text())


def test_the_policy_names_this_style_and_this_script(inspections):
    page = read(inspections["float32"])
    [policy] = [m.attributes["content"] for m in page.all("meta") if "http-equiv" in m.attributes]
    for directive, tag in (("style-src", "style"), ("script-src", "script")):
        digest = base64.b64encode(hashlib.sha256(page.all(tag)[0].text().encode()).digest()).decode()
        assert f"{directive} 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'")


def test_names_from_the_file_are_texts(tmp_path):
    """Markup, quotes, controls and changes of direction in names and metadata."""
    name = "conv\"><script>alert(1)</script>&\x1b\u202e'"

    def rename(model):
        for tensor in model.subgraphs[0].tensors:
            if tensor.name == b"kept/front":
                tensor.name = name.encode()

    path = tmp_path / "<b>.tflite"
    path.write_bytes(edit(export_tiny(tmp_path / "tiny.tflite").read_bytes(), rename))
    written = inspect_bundle(path).to_html()
    page = Reader(written).stack[0]
    assert page.all("h1")[0].text() == "<b>.tflite"
    assert len(page.all("script")) == 1 and not page.all("b")
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]", written)
    shown = name.replace("\x1b", r"\x1b").replace("\u202e", r"\u202e")
    assert shown in table(page, "Buffers of the head, in order of first use")


def test_half_a_surrogate_pair_can_be_written(tmp_path):
    """JSON can name one, UTF-8 can't."""
    path = tmp_path / "tiny.tflite"
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, name="head")])
    sparse = tfdgsu.SparseUpdateModel(model, tfdgsu.plan(model, layers={"head": 4}))
    sparse.compile(keras.optimizers.SGD(0.1), loss="mse")
    tfdgsu.export.export_training_bundle(sparse, path, preprocessing={"by": "\ud800 <i>"})
    inspect_bundle(path).write_html(tmp_path / "report.html")
    assert "<i>" not in (tmp_path / "report.html").read_text()


def foreign(change=None):
    graph = FlatGraph()
    x, y = graph.tensor([8]), graph.tensor([8])
    graph.op("RELU", [x], [y])
    if change == "infer":
        graph.signature("infer", {"x": x}, {"output": y})
    return bytes(graph.build([x], [y]))


def test_a_model_without_a_head_of_its_own_is_drawn(tmp_path):
    path = tmp_path / "relu.tflite"
    path.write_bytes(foreign("infer"))
    assert len(read(inspect_bundle(path)).all("svg", "buffer")) == 2


def cut(data):
    return data[: len(data) // 2]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (lambda _: b"no flatbuffer at all", "identifier"),
        (lambda _: b"", "identifier"),
        (cut, "bytes long"),
        (lambda data: data[:200] + bytes([data[200] ^ 1]) + data[201:], "CRC-32"),
        (lambda _: foreign(), "signature 'infer'"),
        (lambda _: make_int8_bundle(), "must hold a plan"),
    ],
    ids=["text", "empty", "cut", "damaged", "no bundle", "no plan"],
)
def test_other_files_are_refused_before_anything_is_written(inspections, tmp_path, data, message):
    path, report = tmp_path / "model.tflite", tmp_path / "report.html"
    path.write_bytes(data(pathlib.Path(inspections["float32"].path).read_bytes()))
    report.write_text("old")
    with pytest.raises(BundleError, match=message) as error:
        inspect_bundle(path).write_html(report)
    assert "Received: " in str(error.value)
    assert report.read_text() == "old"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["model.tflite", "report.html"]


def test_a_report_does_not_replace_its_bundle(inspections):
    inspection = inspections["int8"]
    with pytest.raises(ValueError, match="the bundle. Remedy"):
        inspection.write_html(inspection.path)
    assert pathlib.Path(inspection.path).read_bytes() == inspection.program.data


def test_enumerations_of_options_have_the_schemas_names(inspections):
    rows = table(read(inspections["inference"]), "Ops in order of execution")
    convolution = rows["0 CONV_2D"][0]
    flat = schema_fb.ModelT.InitFromPackedBuf(inspections["inference"].program.data, 0)
    options = flat.subgraphs[0].operators[0].builtinOptions
    assert options.padding == schema_fb.Padding.VALID and "padding VALID" in convolution
    assert options.fusedActivationFunction == schema_fb.ActivationFunctionType.RELU
    assert "fused_activation_function RELU" in convolution
