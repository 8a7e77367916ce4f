# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""The compiler's spine: forward graph in, training graph out."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .ir import Graph
from .ir.verify import verify
from .passes import (
    add_channel_selection,
    add_gradients,
    add_layer_rates,
    add_loss,
    add_signatures,
    add_variable_loading,
    bind_update_layers,
    declare_variables,
    elide_gradient_copies,
    elide_gradient_padding,
    elide_variable_scales,
    fuse_conv_block_gradients,
    fuse_conv_blocks,
    fuse_gradient_epilogues,
)
from .training_spec import TrainingSpec
from .training_step import TrainingStep


def compile_training_graph(
    forward: Graph,
    spec: TrainingSpec,
    marks: dict[tuple[str, str], np.ndarray],
    quantize: Callable[[Graph, TrainingStep], Graph] | None = None,
) -> tuple[Graph, TrainingStep]:
    """Adds loss, backward pass and updates to a forward graph.

    Args:
        forward: The converted model; the weights of update layers hold ``marks``.
        spec: The training step to compile.
        marks: What ``bind_update_layers.make_marks`` made for the conversion.
        quantize: Pass that makes the forward graph an int8 one; None for a float32 step.

    Returns:
        The training graph with its signatures, and the step's tensors.

    Raises:
        ValueError: for an op on the gradient path without a rule.
        GraphError: if a pass broke the graph.
    """
    step = TrainingStep(spec)
    passes: list[tuple[str, Callable[[Graph], Graph]]] = [
        ("bind_update_layers", lambda g: bind_update_layers.run(g, step, marks)),
        *([("quantize", lambda g: quantize(g, step))] if quantize else []),
        ("declare_variables", lambda g: declare_variables.run(g, step)),
        ("add_loss", lambda g: add_loss.run(g, step)),
        ("add_layer_rates", lambda g: add_layer_rates.run(g, step)),
        ("add_gradients", lambda g: add_gradients.run(g, step)),
        ("elide_gradient_copies", elide_gradient_copies.run),
        ("elide_gradient_padding", elide_gradient_padding.run),
        ("fuse_gradient_epilogues", fuse_gradient_epilogues.run),
        ("fuse_conv_block_gradients", fuse_conv_block_gradients.run),
        ("fuse_conv_blocks", lambda g: fuse_conv_blocks.run(g, step.train, step.overlays)),
        ("elide_variable_scales", elide_variable_scales.run),
        ("add_channel_selection", lambda g: add_channel_selection.run(g, step)),
        ("add_variable_loading", lambda g: add_variable_loading.run(g, step)),
        ("add_signatures", lambda g: add_signatures.run(g, step)),
    ]
    graph = verify(forward, "read_graph")
    for name, run in passes:
        graph = run(graph)
        graph.make_names_unique()
        verify(graph, name)
    return graph, step
