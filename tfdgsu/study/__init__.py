# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Runs that compare update policies on one model and one set of images: each from a recipe, resumable, with its memory.

Example:
    recipe = Recipe("dynamic", update_fraction=0.02, every=100, epochs=10)
    result = StudyRun(model, recipe, images, judges={"test": test_images}, folder="runs").run()
"""

from .features import FeatureCache, StudyImages
from .recipe import Recipe
from .records import Row, add_record, format_table, read_records, rows_of
from .run import StudyRun

__all__ = [
    "FeatureCache",
    "Recipe",
    "Row",
    "StudyImages",
    "StudyRun",
    "add_record",
    "format_table",
    "read_records",
    "rows_of",
]
