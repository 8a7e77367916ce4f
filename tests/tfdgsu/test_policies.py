# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Scores and sampling of the policies whose channels the host computes."""

import numpy as np
import pytest

from tfdgsu import policies


def make_draw(number=0, kernel=None, n_selected=2, bytes_per_channel=8, **statistics):
    kernel = np.ones((1, 1, 6, 3), np.float32) if kernel is None else kernel
    n_channels = kernel.shape[-2]
    never = {name: np.full(n_channels, -1.0, np.float32) for name in ("gradient_norms", "fisher")}
    given = {name: np.asarray(values, np.float32) for name, values in statistics.items()}
    return policies.Draw("layer", 1, number, 7, n_channels, n_selected, bytes_per_channel, kernel, **(never | given))


@pytest.mark.parametrize("name", policies.BUILT_IN)
def test_every_policy_draws_k_distinct_channels_and_repeats_itself(name):
    policy = policies.get(name)
    for number in range(20):
        first, again = policy.select(make_draw(number)), policy.select(make_draw(number))
        np.testing.assert_array_equal(first, again)
        assert len(set(first.tolist())) == 2 and first.min() >= 0 and first.max() < 6


def test_importance_prefers_large_weights():
    kernel = np.ones((3, 3, 6, 2), np.float32)
    kernel[:, :, 4] *= 10.0
    counts = np.zeros(6)
    for number in range(3000):
        counts[policies.ImportancePolicy().select(make_draw(number, kernel, n_selected=1))] += 1
    # Channel 4 has 10 of 15 parts; standard deviation of its count is 26.
    np.testing.assert_allclose(counts[4], 2000, atol=4 * 26)
    np.testing.assert_allclose(counts[[0, 1, 2, 3, 5]], 200, atol=4 * 14)


def test_importance_of_a_zero_kernel_still_draws():
    assert (
        len(policies.ImportancePolicy().select(make_draw(kernel=np.zeros((1, 1, 6, 3), np.float32), n_selected=6))) == 6
    )


@pytest.mark.parametrize(("name", "statistic"), [("gradient", "gradient_norms"), ("fisher", "fisher")])
def test_scores_are_per_byte_and_unseen_counts_as_best(name, statistic):
    draw = make_draw(**{statistic: [4.0, -1.0, 2.0, 0.0, -1.0, 1.0]})
    np.testing.assert_allclose(policies.get(name).scores(draw), np.array([4.0, 4.0, 2.0, 0.0, 4.0, 1.0]) / 8)
    np.testing.assert_allclose(policies.get(name).scores(make_draw()), 1 / 8)


def test_static_l1_takes_the_channels_with_the_largest_weights():
    kernel = np.ones((1, 1, 6, 2), np.float32)
    kernel[0, 0, 4], kernel[0, 0, 1] = -3.0, [0.0, 2.5]
    np.testing.assert_array_equal(policies.StaticL1Policy().select(make_draw(kernel=kernel)), [1, 4])


def test_device_kinds():
    kinds = {name: policy.device_kind for name, policy in policies.BUILT_IN.items()}
    assert kinds == {
        "static": "static", "static_l1": "static", "cyclic": "cyclic", "random": "random", "importance": "input", "gradient": "input",
        "fisher": "input"
    }  # fmt: skip
