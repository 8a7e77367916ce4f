# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""What the tests of all plots share."""

import matplotlib as mpl
import pytest


@pytest.fixture(autouse=True)
def pyplot():
    """pyplot without a window; the test must leave its settings alone, show nothing, and name its figures as its own."""
    mpl.use("agg")
    import matplotlib.pyplot as plt

    def refuse(*arguments, **options):
        raise AssertionError("a plot was shown")

    plt.close("all")
    settings, show = dict(mpl.rcParams), plt.show
    plt.show = refuse
    yield plt
    plt.show = show
    plt.close("all")
    assert dict(mpl.rcParams) == settings


@pytest.fixture
def assert_nothing_is_clipped():
    """Fails if a text of a figure reaches over its edge."""

    def check(figure):
        figure.draw_without_rendering()
        width, height = figure.bbox.width, figure.bbox.height
        for text in figure.findobj(mpl.text.Text):
            if not text.get_text() or not text.get_visible() or text.get_clip_on():
                continue
            box = text.get_window_extent()
            inside = box.x0 >= -1 and box.y0 >= -1 and box.x1 <= width + 1 and box.y1 <= height + 1
            assert inside, (text.get_text(), box)

    return check
