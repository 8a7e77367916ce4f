# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""The Zephyr module, from the repository and from a package: description, Kconfig, and CMake with stand-ins."""

import pathlib
import re
import shutil
import subprocess
import sys

import pytest
from tfdgsu.micro_runtime.package import package

yaml = pytest.importorskip("yaml", reason="needs PyYAML")
ROOT = pathlib.Path(__file__).resolve().parents[2]
_KCONFIG = """\
config TENSORFLOW_LITE_MICRO
\tbool "TensorFlow Lite Micro"

source "{kconfig}"
"""
# Zephyr's functions, as far as the module uses them. Without TFLM's headers, what needs none of them.
_CMAKE = """\
cmake_minimum_required(VERSION 3.20)
project(consumer LANGUAGES C CXX)
set(CMAKE_CXX_STANDARD 17)
set(PYTHON_EXECUTABLE {python})
{settings}
add_library(zephyr_interface INTERFACE)
macro(zephyr_library_named name)
  set(ZEPHYR_CURRENT_LIBRARY ${{name}})
  add_library(${{name}} STATIC)
  target_link_libraries(${{name}} PUBLIC zephyr_interface)
endmacro()
function(zephyr_include_directories)
  target_include_directories(zephyr_interface INTERFACE ${{ARGN}})
endfunction()
function(zephyr_library_include_directories)
  target_include_directories(${{ZEPHYR_CURRENT_LIBRARY}} PRIVATE ${{ARGN}})
  foreach(folder ${{ARGN}})
    message(STATUS "generated ${{folder}}")
  endforeach()
endfunction()
function(zephyr_library_sources)
  set(sources ${{ARGN}})
  list(LENGTH sources n)
  message(STATUS "sources ${{n}}")
  list(FILTER sources INCLUDE REGEX "/(kernels|checkpoint)/")
  target_sources(${{ZEPHYR_CURRENT_LIBRARY}} PRIVATE ${{sources}})
endfunction()
function(zephyr_library_compile_options)
  target_compile_options(${{ZEPHYR_CURRENT_LIBRARY}} PRIVATE ${{ARGN}})
endfunction()
add_subdirectory({module} module)
"""


@pytest.fixture(scope="module")
def roots(tmp_path_factory):
    """Of the module, by where it comes from."""
    folder = tmp_path_factory.mktemp("zephyr") / "tfdgsu"
    package("zephyr", folder)
    return {"repository": ROOT, "package": folder}


def read_module(root):
    return yaml.safe_load((root / "zephyr" / "module.yml").read_text())


def configure(root, folder, settings):
    folder.mkdir()
    module = root / read_module(root)["build"]["cmake"]
    text = _CMAKE.format(python=sys.executable, settings=settings, module=module)
    (folder / "CMakeLists.txt").write_text(text)
    command = ["cmake", "-S", folder, "-B", folder / "build"]
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False, timeout=300)


@pytest.mark.parametrize("origin", ["repository", "package"])
def test_the_description_names_what_is_there(origin, roots):
    module = read_module(roots[origin])
    assert module["name"] == "tfdgsu" and set(module) == {"name", "build"}
    assert set(module["build"]) == {"cmake", "kconfig"}
    assert (roots[origin] / module["build"]["cmake"] / "CMakeLists.txt").is_file()
    assert (roots[origin] / module["build"]["kconfig"]).is_file()


@pytest.mark.parametrize("origin", ["repository", "package"])
def test_settings_depend_on_tflm(origin, roots, tmp_path):
    kconfiglib = pytest.importorskip("kconfiglib", reason="needs kconfiglib")
    kconfig = roots[origin] / read_module(roots[origin])["build"]["kconfig"]
    (tmp_path / "Kconfig").write_text(_KCONFIG.format(kconfig=kconfig))
    settings = kconfiglib.Kconfig(str(tmp_path / "Kconfig"), warn_to_stderr=False)
    assert not settings.warnings
    tfdgsu, speed = settings.syms["TFDGSU"], settings.syms["TFDGSU_SPEED"]
    tfdgsu.set_value("y")
    assert (tfdgsu.str_value, speed.str_value) == ("n", "n")
    settings.syms["TENSORFLOW_LITE_MICRO"].set_value("y")
    assert (tfdgsu.str_value, speed.str_value) == ("y", "y")
    speed.set_value("n")
    assert (tfdgsu.str_value, speed.str_value) == ("y", "n")


@pytest.mark.skipif(not shutil.which("cmake"), reason="needs cmake")
@pytest.mark.parametrize("origin", ["repository", "package"])
def test_nothing_is_built_unless_asked_for(origin, roots, tmp_path):
    done = configure(roots[origin], tmp_path / "off", "")
    assert done.returncode == 0 and "sources" not in done.stdout, done.stderr


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("cmake"), reason="needs cmake")
@pytest.mark.parametrize("origin", ["repository", "package"])
def test_the_module_builds(origin, roots, tmp_path):
    done = configure(roots[origin], tmp_path / "on", "set(CONFIG_TFDGSU y)\nset(CONFIG_TFDGSU_SPEED y)")
    assert done.returncode == 0, done.stderr
    folders = ("kernels", "checkpoint", "tflm", "trainer")
    root = roots[origin] if origin == "package" else ROOT / "micro_runtime"
    n_sources = sum(path.suffix in (".c", ".cc") for name in folders for path in (root / name).rglob("*"))
    assert f"sources {n_sources}\n" in done.stdout
    # A package has options.h; in the repository it is generated, for this build alone.
    generated = re.findall(r"^-- generated (.*)$", done.stdout, re.MULTILINE)
    assert len(generated) == (origin == "repository")
    assert all((pathlib.Path(folder) / "tfdgsu" / "options.h").is_file() for folder in generated)
    command = ["cmake", "--build", tmp_path / "on" / "build", "--parallel", "2", "--target", "tfdgsu"]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.mark.skipif(not shutil.which("cmake"), reason="needs cmake")
def test_missing_numpy_is_named(tmp_path):
    settings = "set(CONFIG_TFDGSU y)\nset(PYTHON_EXECUTABLE /bin/false)"
    done = configure(ROOT, tmp_path / "no_python", settings)
    assert done.returncode != 0 and "Remedy: pip install numpy" in " ".join(done.stderr.split())


def test_the_readme_names_the_settings():
    section = (ROOT / "micro_runtime" / "README.md").read_text().split("## Packages\n")[1].split("\n## ")[0]
    manifest, *_ = re.findall(r"```yaml\n(.*?)```", section, re.DOTALL)
    project = yaml.safe_load(manifest)["manifest"]["projects"][0]
    assert set(project) == {"name", "url", "revision", "path"} and project["name"] == "tfdgsu"
    settings, *_ = re.findall(r"```ini\n(.*?)```", section, re.DOTALL)
    assert {"CONFIG_TENSORFLOW_LITE_MICRO=y", "CONFIG_TFDGSU=y"} <= set(settings.split())
