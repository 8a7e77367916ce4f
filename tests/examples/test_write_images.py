# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""The script that turns images into C: what it refuses, and what an int8 bundle makes of other ranges."""

import numpy as np
import pytest
from tfdgsu.micro_runtime import Session
from tiny_bundle import export_tiny


@pytest.fixture(scope="module")
def bundles(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tiny")
    kinds = {"float32": None, "int8": "int8"}
    return {kind: export_tiny(folder / f"{kind}.tflite", quantize=quantize) for kind, quantize in kinds.items()}


@pytest.mark.parametrize("pixel", [1.01, -0.1, np.nan])
def test_pixels_that_do_not_fit_a_byte_are_refused(modules, bundles, pixel):
    import write_images

    with pytest.raises(ValueError, match=r"must be in \[0, 1\]\. Received: "):
        write_images.for_firmware(np.full((1, 4), pixel), bundles["float32"])


@pytest.mark.parametrize("kind", ["float32", "int8"])
def test_no_images_are_refused(modules, bundles, kind):
    import write_images

    with pytest.raises(ValueError, match=r"There must be images\. Received: shape \(0, 4\)"):
        write_images.for_firmware(np.zeros((0, 4)), bundles[kind])


def test_an_int8_bundle_takes_the_range_of_its_scale(modules, bundles):
    import write_images

    quantization = Session(bundles["int8"]).input_quantization
    units = np.array([[-128, -3, 0, 127]], np.int8)
    x = (units.astype(np.float32) - quantization.zero_point) * np.float32(quantization.scale)
    np.testing.assert_array_equal(write_images.for_firmware(x, bundles["int8"]), units)
    np.testing.assert_array_equal(write_images.for_firmware(x * 100, bundles["int8"])[0, [0, 3]], [-128, 127])
