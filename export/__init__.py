# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""The compiler: from a Keras model to one ``.tflite`` that TFLM can train with."""

if __name__ != "tfdgsu.export":
    raise ImportError(
        "This folder is imported as 'tfdgsu.export'. "
        f"Received: import of '{__name__}'. Remedy: run 'pip install -e .' and use 'import tfdgsu.export'."
    )

from .bundle import export_inference_model, export_training_bundle
from .report import ExportReport

__all__ = ["ExportReport", "export_inference_model", "export_training_bundle"]
