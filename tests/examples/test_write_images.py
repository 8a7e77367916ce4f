# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""The script that turns images into C: what it refuses."""

import numpy as np
import pytest


@pytest.mark.parametrize("x", [np.full((1, 4), 1.01), np.full((1, 4), -0.1), np.full((1, 4), np.nan), np.zeros((0, 4))])
def test_pixels_that_do_not_fit_a_byte_are_refused(modules, x):
    import write_images

    with pytest.raises(ValueError, match=r"pixels in \[0, 1\]\. Received: \d images"):
        write_images.for_firmware(x, "no bundle is read")
