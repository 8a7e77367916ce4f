# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest
from tfdgsu.export.quantize.representative_data import batches


def test_last_batch_is_filled_with_examples_that_were_seen():
    data = np.arange(1, 6, dtype=np.uint8).reshape(5, 1)
    made = list(batches(data, (3, 1)))
    assert [batch.dtype for batch in made] == [np.float32] * 2
    assert made[0].ravel().tolist() == [1, 2, 3]
    assert made[1].ravel().tolist()[:2] == [4, 5]
    assert set(made[1].ravel().tolist()) <= {1, 2, 3, 4, 5}


def test_fewer_examples_than_a_batch_are_repeated():
    [batch] = batches(np.ones((1, 2)), (4, 2))
    assert batch.shape == (4, 2) and np.all(batch == 1)


@pytest.mark.parametrize(
    "data, error, received",
    [
        (np.zeros((0, 2, 2)), ValueError, "Received: none"),
        ([], ValueError, "Received: none"),
        (np.zeros((4, 2, 2)), ValueError, "zeros only"),
        (np.ones((4, 2, 3)), ValueError, r"\[4, 2, 3\], for an input of \[2, 2\]"),
        ([np.ones(4)], ValueError, r"\[4\]"),
        ([np.ones((2, 2)), np.full((2, 2), np.nan)], ValueError, "NaN or infinity"),
        (np.full((1, 2, 2), np.inf), ValueError, "NaN or infinity"),
        (np.full((1, 2, 2), "a"), TypeError, "an array of <U1"),
        ("images", TypeError, "str"),
        (7, TypeError, "int"),
    ],
)
def test_data_that_do_not_fit_are_refused(data, error, received):
    with pytest.raises(error, match=f"Received: .*{received.removeprefix('Received: ')}"):
        list(batches(data, (1, 2, 2)))
