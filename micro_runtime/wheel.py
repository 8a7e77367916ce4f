# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Loads the interpreter of the pinned tflite-micro wheel, and our plugin beside it.

The wheel's own `Interpreter` class is by-passed: importing it imports TensorFlow, and it
prints. Its native module does all the work.
"""

import ctypes
import functools
import importlib.metadata
import importlib.util
import os
import pathlib
import sys
import types

REQUIRED_VERSION = "0.dev20260203175027"
_INSTALL = f"Remedy: run 'pip install tflite-micro=={REQUIRED_VERSION}'."
REGISTERER = "TfdgsuRegisterHostOps"
_NATIVE_MODULE = "tflite_micro.python.tflite_micro._runtime"


@functools.cache
def load_native_runtime() -> types.ModuleType:
    """The wheel's native module, with the tfdgsu ops ready to be registered by name.

    Raises:
        ImportError: tflite-micro is missing or is another version, or the plugin is not built.
    """
    _check_version()
    native = _import_globally(_find_native_library())
    plugin = pathlib.Path(__file__).with_name("libtfdgsu_ops.so")
    if not plugin.exists():
        raise ImportError(
            f"The plugin must be built at installation. Received: no {plugin}. Remedy: run 'pip install -e .' again."
        )
    # The interpreter looks the registerer up among the global symbols.
    ctypes.CDLL(str(plugin), mode=os.RTLD_NOW | os.RTLD_GLOBAL)
    return native


def _check_version() -> None:
    try:
        version = importlib.metadata.version("tflite-micro")
    except importlib.metadata.PackageNotFoundError:
        version = "none"
    if version != REQUIRED_VERSION:
        raise ImportError(
            f"tflite-micro must be version {REQUIRED_VERSION}: later ones hide the symbol that registers custom ops. "
            f"Received: {version}. {_INSTALL}"
        )


def _find_native_library() -> str:
    package = importlib.util.find_spec("tflite_micro")
    if package is None or not package.submodule_search_locations:
        raise ImportError(f"tflite-micro must be a package with a native module. Received: none found. {_INSTALL}")
    return str(pathlib.Path(package.submodule_search_locations[0], "python", "tflite_micro", "_runtime.so"))


def _import_globally(path: str) -> types.ModuleType:
    """Imports the native module with its symbols visible to the plugin."""
    if _NATIVE_MODULE not in sys.modules:
        flags = sys.getdlopenflags()
        sys.setdlopenflags(flags | os.RTLD_GLOBAL)
        try:
            spec = importlib.util.spec_from_file_location(_NATIVE_MODULE, path)
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
        finally:
            sys.setdlopenflags(flags)
        # Under its own name, so that a later `import tflite_micro` finds it and does not load it twice.
        sys.modules[_NATIVE_MODULE] = module
    # Somebody may have imported it before, with its symbols hidden: opening it again makes them visible.
    ctypes.CDLL(path, mode=os.RTLD_NOW | os.RTLD_GLOBAL)
    return sys.modules[_NATIVE_MODULE]
