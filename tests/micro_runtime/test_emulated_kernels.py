# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Every kernel on emulated Cortex-M cores with 256 KB of RAM: the cases, the driver and the goldens of the host."""

import subprocess

import case_file
import pytest
from tfdgsu.micro_runtime.emulator import BOARDS, COMPILER, missing_tools, run_quietly

RUNTIME = case_file.RUNTIME
RISCV_COMPILER = "riscv64-unknown-elf-gcc"
# Without contraction to fused multiply-adds float32 has the host's bits, too.
FLAGS = ["-O2", "-ffp-contract=off", "-Wall", "-Wextra", "-Werror"]
KERNELS = sorted(RUNTIME.glob("kernels/**/*.c"))
VARIED = ("tfdgsu_conv_2d_row_i8", "tfdgsu_depthwise_conv_2d_row_i8")
PROGRAM = [case_file.DRIVER, *KERNELS, *sorted(RUNTIME.glob("tflm/*.c"))]

# What a core's kernels are; all builds compile the same files.
BUILDS = {
    "M4F": ("M4F", [], "dsp"),
    "M7": ("M7", [], "dsp"),
    "M55": ("M55", [], "mve"),
    "M55-without-mve": ("M55", ["-mcpu=cortex-m55+nomve"], "dsp"),
    **{f"{core}-portable": (core, ["-DTFDGSU_PORTABLE"], None) for core in BOARDS},
}

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
@pytest.mark.parametrize("build", BUILDS)
def test_every_kernel_has_the_host_s_bits(build, folder, flags, host_results):
    core, own_flags, _ = BUILDS[build]
    program = folder / f"{build}.elf"
    BOARDS[core].build(program, PROGRAM, ["-std=gnu99", *flags, *own_flags])
    BOARDS[core].run(program, ["cases", build], folder=folder)
    case_file.compare_bits((folder / build).read_bytes(), host_results)


@needs_emulator
@pytest.mark.parametrize("build", BUILDS)
def test_a_build_has_the_variants_of_its_core(build, tmp_path):
    core, own_flags, variant = BUILDS[build]
    includes = [f"-I{RUNTIME / 'include'}"]
    for source in filter(lambda source: source.stem.startswith(VARIED), KERNELS):
        out = tmp_path / f"{source.stem}.o"
        run_quietly([COMPILER, *BOARDS[core].flags, "-std=c99", *FLAGS, *own_flags, *includes, "-c", source, "-o", out])
        symbols = subprocess.run(["arm-none-eabi-nm", out], capture_output=True, text=True, check=True).stdout
        folder = source.parent.name if source.parent.name in ("dsp", "mve") else None
        assert (" T " in symbols) == (folder == variant), f"{source.name}: {symbols}"


@needs_emulator
@pytest.mark.parametrize("build", [build for build, (_, _, variant) in BUILDS.items() if variant])
def test_scaling_has_the_portable_bits(build, tmp_path):
    core, own_flags, _ = BUILDS[build]
    includes = [f"-I{RUNTIME / 'kernels'}", f"-I{RUNTIME / 'include'}"]
    source, program = case_file.DRIVER.with_name("check_scalings.c"), tmp_path / "scalings.elf"
    BOARDS[core].build(program, [source], ["-std=gnu99", *FLAGS, *includes, *own_flags])
    assert BOARDS[core].run(program) == ""


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
