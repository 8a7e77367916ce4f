# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Every kernel on emulated Cortex-M cores with 256 KB of RAM: the cases, the driver and the goldens of the host."""

import subprocess

import case_file
import pytest
from tfdgsu.micro_runtime.emulator import BOARDS, missing_tools, run_quietly

RUNTIME = case_file.RUNTIME
RISCV_COMPILER = "riscv64-unknown-elf-gcc"
# Without contraction to fused multiply-adds float32 has the host's bits, too.
FLAGS = ["-O2", "-ffp-contract=off", "-Wall", "-Wextra", "-Werror"]
KERNELS = sorted(RUNTIME.glob("kernels/**/*.c"))
PROGRAM = [case_file.DRIVER, *KERNELS, *sorted(RUNTIME.glob("tflm/*.c"))]

needs_emulator = pytest.mark.skipif(bool(missing_tools()), reason=missing_tools())


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with the file of cases."""
    folder = tmp_path_factory.mktemp("cases")
    case_file.write_cases(folder / "cases")
    return folder


@pytest.fixture(scope="module")
def flags(tmp_path_factory):
    includes = case_file.include_flags(tmp_path_factory.mktemp("generated"))
    return [*FLAGS, *includes, f"-I{RUNTIME / 'host' / 'include'}"]


@pytest.fixture(scope="module")
def host_results(folder, flags):
    program = folder / "run_cases"
    run_quietly(["gcc", "-std=c99", *flags, *PROGRAM, "-lm", "-o", program])
    subprocess.run([program, "cases", "host"], cwd=folder, check=True)
    return (folder / "host").read_bytes()


@needs_emulator
def test_the_host_runs_the_cases_as_the_references_do(host_results):
    case_file.compare_results(host_results, case_file.expected_results())


@needs_emulator
@pytest.mark.parametrize("core", BOARDS)
def test_every_kernel_has_the_host_s_bits(core, folder, flags, host_results):
    board, program = BOARDS[core], folder / f"{core}.elf"
    board.build(program, PROGRAM, ["-std=gnu99", *flags])
    board.run(program, ["cases", core], folder=folder)
    case_file.compare_bits((folder / core).read_bytes(), host_results)


@needs_emulator
@pytest.mark.parametrize("core", BOARDS)
def test_a_program_that_wants_more_than_256_kb_does_not_link(core, tmp_path):
    source = tmp_path / "big.c"
    source.write_text("static volatile char big[245760];\nint main(void) { return big[1]; }\n")
    with pytest.raises(RuntimeError, match="256 KB of RAM"):
        BOARDS[core].build(tmp_path / "big.elf", [source], FLAGS)


@needs_emulator
@pytest.mark.parametrize("core", BOARDS)
def test_a_fault_and_a_status_come_back(core, tmp_path):
    source = tmp_path / "fault.c"
    source.write_text(
        "int main(int argc, char** argv) {\n"
        '  if (argc == 2) __asm volatile("udf #0");\n'
        "  return argc == 3 ? argv[2][0] - '0' : 0;\n}\n"
    )
    program = tmp_path / "fault.elf"
    BOARDS[core].build(program, [source], FLAGS)
    assert BOARDS[core].run(program) == ""
    with pytest.raises(RuntimeError, match="Received: 70"):
        BOARDS[core].run(program, ["fault"])
    with pytest.raises(RuntimeError, match="Received: 5"):
        BOARDS[core].run(program, ["status", "5"])


@pytest.mark.skipif(bool(missing_tools(RISCV_COMPILER)), reason=missing_tools(RISCV_COMPILER))
@pytest.mark.parametrize("target", [("rv32imc", "ilp32"), ("rv64gc", "lp64d")], ids="-".join)
def test_kernels_compile_for_riscv(target, tmp_path):
    architecture = [f"-march={target[0]}", f"-mabi={target[1]}", "-mcmodel=medany", "--specs=picolibc.specs"]
    includes = [f"-I{RUNTIME / 'include'}"]
    for source in KERNELS:
        out = tmp_path / f"{source.stem}.o"
        run_quietly([RISCV_COMPILER, "-std=c99", *FLAGS, *architecture, *includes, "-c", source, "-o", out])
