# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""One op has a few predictable places. Names what is missing in any of them."""

import pathlib
import re

import pytest
from tfdgsu.export.ops.custom import REGISTRY

ROOT = pathlib.Path(__file__).resolve().parents[2]
RUNTIME = ROOT / "micro_runtime"
OPS = re.findall(r"^TFDGSU_OP\((\w+), (\w+)\)", (RUNTIME / "tflm" / "ops.inc").read_text(), re.MULTILINE)
HEADER = "".join((RUNTIME / "include" / "tfdgsu" / f"{name}.h").read_text() for name in ("kernels", "kernels_int8"))
KERNELS = sorted(path.stem for path in (RUNTIME / "kernels").glob("*.c"))
# They copy or count, and have nothing for a kernel to do.
WITHOUT_KERNEL = {"load_variables", "advance_step"}
_DTYPES = {"select_channels": ("i32",), "conv_block": ("i8",), "conv_block_grad": ("i8",)}


def test_ops_inc_lists_what_is_defined():
    assert ["Tfdgsu" + name for name, _ in OPS] == list(REGISTRY)


@pytest.mark.parametrize(("name", "file"), OPS)
def test_op_has_all_its_places(name, file):
    places = [
        ROOT / "export" / "ops" / "custom" / f"{file}.py",
        RUNTIME / "tflm" / f"{file}.c",
        *(RUNTIME / "kernels" / f"{kernel}.c" for kernel in _kernels_of(name, file)),
    ]
    missing = [str(place.relative_to(ROOT)) for place in places if not place.exists()]
    assert not missing, f"{name} lacks {missing}"
    assert REGISTRY["Tfdgsu" + name].__module__.endswith("." + file)
    assert re.search(rf"TFDGSU_REGISTRATION\({name}\)|TfdgsuRegistration{name}\(", places[1].read_text())


def _kernels_of(name, file):
    """One kernel per dtype that the op works on; a dtype at the end of the op's name says which."""
    if file in WITHOUT_KERNEL:
        return []
    for ending, dtype in (("_int8", "i8"), ("_int32", "i32")):
        if file.endswith(ending):
            return [f"tfdgsu_{file.removesuffix(ending)}_{dtype}"]
    has_choice = any(isinstance(operand.dtype, tuple) for operand in REGISTRY["Tfdgsu" + name].INPUTS)
    dtypes = _DTYPES.get(file, ("f32", "i8") if has_choice else ("f32",))
    return [f"tfdgsu_{file}_{dtype}" for dtype in dtypes]


@pytest.mark.parametrize("kernel", KERNELS)
def test_kernel_is_the_one_function_of_its_file_and_has_a_contract(kernel):
    text = (RUNTIME / "kernels" / f"{kernel}.c").read_text()
    defined = re.findall(r"^(?!static)\w[\w ]*?\b(tfdgsu_\w+)\(", text, re.MULTILINE)
    assert defined == [kernel]
    block = HEADER[: HEADER.index(f" {kernel}(")]
    assert block.rstrip().splitlines()[-2].startswith("//"), f"{kernel} lacks its contract in kernels.h"


@pytest.mark.parametrize("isa", ["dsp", "mve"])
def test_a_variant_is_named_after_its_kernel_and_chosen_by_variant_h(isa):
    variants = sorted((RUNTIME / "kernels" / isa).glob("*.c"))
    assert variants
    for path in variants:
        kernel = path.stem.removesuffix(f"_{isa}")
        chosen = kernel.upper()
        defined = re.findall(r"^(?!static|__)\w[\w ]*?\b(tfdgsu_\w+)\(", path.read_text(), re.MULTILINE)
        assert defined == [kernel] and kernel in KERNELS
        assert f"\n#if {chosen} == TFDGSU_IS_{isa.upper()}\n" in path.read_text()
        portable = (RUNTIME / "kernels" / f"{kernel}.c").read_text()
        assert f"\n#if {chosen} == TFDGSU_IS_PORTABLE\n" in portable
        assert f"\n#define {chosen} " in (RUNTIME / "kernels" / "variant.h").read_text()


def test_every_contract_has_a_kernel():
    assert sorted(re.findall(r"^\w+ (tfdgsu_\w+)\(", HEADER, re.MULTILINE)) == KERNELS


def test_kernels_neither_allocate_nor_know_tflm():
    for path in filter(pathlib.Path.is_file, (RUNTIME / "kernels").rglob("*")):
        text = path.read_text()
        assert not re.search(r"\b(malloc|calloc|realloc|free|alloca)\b|tensorflow|TfLite", text), path.name
        assert not re.search(r"^static (?!inline|const|\w+\*? \w+\()", text, re.MULTILINE), f"{path.name} has a global"
