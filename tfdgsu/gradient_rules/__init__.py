# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""The gradient rule of every layer type that gradient can pass through."""

import keras

from .activation import ActivationRule, BatchNormalizationRule, DropoutRule, RectifierRule, SoftmaxRule
from .convolution import ConvolutionRule, DepthwiseConvolutionRule
from .dense import DenseRule
from .pooling import AveragePoolingRule, GlobalAveragePoolingRule, GlobalMaxPoolingRule, MaxPoolingRule
from .rule import GradientRule, WeightGradientRule
from .shape import AddRule, ConcatenateRule, ReshapeRule, ZeroPaddingRule

RULES: dict[type, GradientRule] = {
    layer_type: rule()
    for rule in (
        ActivationRule,
        AddRule,
        AveragePoolingRule,
        BatchNormalizationRule,
        ConcatenateRule,
        ConvolutionRule,
        DenseRule,
        DepthwiseConvolutionRule,
        DropoutRule,
        GlobalAveragePoolingRule,
        GlobalMaxPoolingRule,
        MaxPoolingRule,
        RectifierRule,
        ReshapeRule,
        SoftmaxRule,
        ZeroPaddingRule,
    )
    for layer_type in rule.LAYERS
}


def rule_for(layer: keras.Operation) -> GradientRule | None:
    """Returns the rule of exactly this layer type, or `None`: a subclass may compute something else."""
    return RULES.get(type(layer))


__all__ = ["RULES", "GradientRule", "WeightGradientRule", "rule_for"]
