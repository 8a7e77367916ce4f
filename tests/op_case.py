# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""What a case of an op is, and the edge shapes that cases are made of."""

from typing import NamedTuple

CHANNELS = (1, 3, 4, 5, 7, 8, 9, 15, 16, 17, 33)  # around the kernels' tiles of 4, 8 and 16


class Case(NamedTuple):
    """One run of one op. `outputs` hold what the op finds there."""

    id: str
    name: str
    inputs: list
    options: dict
    outputs: list


class Window(NamedTuple):
    """Geometry of a sliding window over [batch, height, width]."""

    batch: int
    image: tuple[int, int]
    filter: tuple[int, int]
    stride: tuple[int, int]
    padding: str

    @property
    def output(self):
        if self.padding == "SAME":
            return tuple(-(-size // stride) for size, stride in zip(self.image, self.stride))
        return tuple((s - f) // stride + 1 for s, f, stride in zip(self.image, self.filter, self.stride))

    @property
    def options(self):
        totals = [
            max(0, (o - 1) * stride + f - s)
            for s, f, stride, o in zip(self.image, self.filter, self.stride, self.output)
        ]
        top, left = (total // 2 if self.padding == "SAME" else 0 for total in totals)
        return {"stride_h": self.stride[0], "stride_w": self.stride[1], "pad_top": top, "pad_left": left}


WINDOWS = {
    "1x1": Window(1, (5, 4), (1, 1), (1, 1), "VALID"),
    "same3": Window(2, (5, 6), (3, 3), (1, 1), "SAME"),
    "same3_stride2": Window(1, (6, 7), (3, 3), (2, 2), "SAME"),  # pads 0 above, 1 below
    "same5_stride3x2": Window(2, (7, 8), (5, 3), (3, 2), "SAME"),
    "valid2x3_stride2x1": Window(1, (7, 6), (2, 3), (2, 1), "VALID"),
    "filter_below_stride": Window(1, (7, 7), (1, 2), (3, 3), "VALID"),
    "image_below_filter": Window(1, (2, 1), (3, 3), (1, 1), "SAME"),
    "1d": Window(1, (1, 9), (1, 3), (1, 2), "SAME"),
}

# Around the parts in which gradients of depthwise convolutions take image and filter.
DEPTHWISE_WINDOWS = {
    "7x7_stride2": Window(1, (8, 8), (7, 7), (2, 2), "SAME"),
    "5x5": Window(2, (4, 4), (5, 5), (1, 1), "SAME"),
    "one_pixel": Window(1, (1, 1), (5, 5), (1, 1), "SAME"),
    "wide_row": Window(1, (2, 71), (3, 3), (1, 1), "SAME"),
    "many_parts": Window(2, (19, 18), (3, 3), (1, 1), "SAME"),
    "many_parts_stride2": Window(1, (33, 27), (3, 5), (2, 2), "SAME"),
    "filter_of_two_parts": Window(1, (10, 11), (9, 9), (1, 1), "SAME"),
    "long_filter": Window(1, (2, 45), (2, 40), (1, 3), "SAME"),
    "high_filter": Window(1, (70, 3), (68, 1), (1, 1), "SAME"),
    "stride_near_filter": Window(1, (9, 67), (4, 16), (3, 15), "VALID"),
    # Around the squares of 4 x 4 positions.
    "3x3_squares": Window(2, (9, 8), (3, 3), (1, 1), "SAME"),
    "3x3_valid": Window(1, (10, 6), (3, 3), (1, 1), "VALID"),
    "5x5_squares": Window(1, (11, 9), (5, 5), (1, 1), "SAME"),
    "2x5_valid": Window(1, (8, 12), (2, 5), (1, 1), "VALID"),
    "24x3_high": Window(1, (26, 8), (24, 3), (1, 1), "SAME"),
    "3x3_wide": Window(2, (5, 16), (3, 3), (1, 1), "SAME"),
    "5x5_wide": Window(1, (6, 12), (5, 5), (1, 1), "SAME"),
    "12x5_high": Window(1, (30, 4), (12, 5), (1, 1), "SAME"),
}
