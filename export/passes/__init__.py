# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Passes over the graph, one file each, run in the order of ``compile_training_graph.py``."""
