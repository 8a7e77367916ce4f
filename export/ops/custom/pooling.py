# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Options and shape rule that the pooling ops share."""

from .base import Field
from .windows import STRIDE_AND_PADDING, check_windows

POOL_OPTIONS = (Field("filter_h", "i"), Field("filter_w", "i")) + STRIDE_AND_PADDING


def filter_size(options):
    """(height, width) of the pooling window."""
    return options["filter_h"], options["filter_w"]


def check_pool(op, image, output, options):
    """`image` [B,H,W,C] pools into `output` [B,Ho,Wo,C]."""
    op.require(
        len(image) == len(output) == 4 and image[0] == output[0] and image[3] == output[3],
        "the image [B,H,W,C] and the pooled [B,Ho,Wo,C] must agree",
        (image, output),
    )
    op.require(min(filter_size(options)) >= 1, "the filter must be positive", filter_size(options))
    check_windows(op, image[1:3], output[1:3], filter_size(options), options)


def check_argmax_filter(op, options):
    """The index in the window is kept in one byte."""
    taps = options["filter_h"] * options["filter_w"]
    op.require(taps <= 256, "a max pool window may have at most 256 elements", taps)
