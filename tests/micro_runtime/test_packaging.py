# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""What a wheel holds, and that the source folders refuse to be imported under their bare names."""

import pathlib
import subprocess
import sys
import zipfile

import pytest
from tfdgsu.micro_runtime.package import package_contents

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("folder", ["export", "micro_runtime"])
def test_bare_folders_say_how_to_import_them(folder):
    result = subprocess.run(
        [sys.executable, "-c", f"import {folder}"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert result.returncode == 1
    assert f"imported as 'tfdgsu.{folder}'" in result.stderr and "Remedy:" in result.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    # A copy, so that the build leaves nothing behind in the tree.
    source = folder / "source"
    files = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")
    for name in filter(None, files):
        if (ROOT / name).exists():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(folder), str(source)]
    subprocess.run(command, check=True, capture_output=True)
    return next(folder.glob("*.whl"))


@pytest.mark.slow
def test_wheel_holds_what_device_builds_compile(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    for folder in ("include", "kernels", "checkpoint", "tflm", "trainer", "cmake", "host", "packaging"):
        for path in filter(pathlib.Path.is_file, (ROOT / "micro_runtime" / folder).rglob("*")):
            assert f"tfdgsu/{path.relative_to(ROOT)}" in names
    for name in ("include/tfdgsu/options.h", "CMakeLists.txt", "libtfdgsu_ops.so"):
        assert f"tfdgsu/micro_runtime/{name}" in names
    for name in ("report.css", "report.js"):
        assert f"tfdgsu/micro_runtime/html_report/{name}" in names
    assert "tfdgsu/export/ops/custom/base.py" in names
    assert not [name for name in names if name.startswith(("export", "micro_runtime", "tests"))]


@pytest.mark.slow
def test_installed_wheel_loads_its_plugin(wheel, tmp_path):
    site = tmp_path / "site"
    command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(site), str(wheel)]
    subprocess.run(command, check=True, capture_output=True)
    code = (
        f"import sys; sys.path.insert(0, {str(site)!r})\n"
        "import tfdgsu.export, tfdgsu.micro_runtime.wheel as wheel\n"
        f"assert wheel.__file__.startswith({str(site)!r}), wheel.__file__\n"
        "assert wheel.load_native_runtime().InterpreterWrapper\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True, capture_output=True)


@pytest.mark.slow
def test_installed_wheel_writes_packages(wheel, tmp_path):
    """The same bytes as the repository does, licence included."""
    site = tmp_path / "site"
    command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(site), str(wheel)]
    subprocess.run(command, check=True, capture_output=True)
    code = (
        f"import sys; sys.path.insert(0, {str(site)!r})\n"
        "import tfdgsu.micro_runtime.package as packaging\n"
        f"assert packaging.__file__.startswith({str(site)!r}), packaging.__file__\n"
        "sys.exit(packaging.main(['zephyr', '--out', 'written']))\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True, capture_output=True)
    written = tmp_path / "written"
    files = {p.relative_to(written).as_posix(): p.read_bytes() for p in written.rglob("*") if p.is_file()}
    assert files == package_contents("zephyr")
