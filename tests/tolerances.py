# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Every numeric tolerance of the test suite, each with the reason it is not zero.

Relative tolerances (`*_RTOL`) and absolute ones (`*_ATOL`) go to `numpy.testing.assert_allclose`.
"""

# Folding batch normalization multiplies each kernel once in float64 and rounds to float32, so a layer is off by a few
# float32 ulps of its largest partial sum (2**-23 = 1.2e-7), and some fifty layers add up.
FOLDED_OUTPUT_RTOL = 1e-4
FOLDED_OUTPUT_ATOL = 1e-5

# Central differences in float64 with step 1e-5 have a truncation error of about step**2 = 1e-10 and a rounding error of
# eps / step = 2e-11, both relative to losses and derivatives of order one.
FINITE_DIFFERENCE_RTOL = 1e-6
FINITE_DIFFERENCE_ATOL = 1e-8

# Two float64 gradients of the same expression differ by summation order only.
GRADIENT_FLOAT64_RTOL = 1e-10
GRADIENT_FLOAT64_ATOL = 1e-12

# Two float32 gradients of the same expression differ by summation order: sums of up to some thousand products.
GRADIENT_FLOAT32_RTOL = 2e-4
GRADIENT_FLOAT32_ATOL = 2e-6

# A handful of float32 training steps: the gradient tolerance, amplified by the steps that follow.
TRAINED_WEIGHT_RTOL = 1e-3
TRAINED_WEIGHT_ATOL = 1e-5

# Momentum arithmetic on a few float32 numbers: every operation rounds once.
OPTIMIZER_RTOL = 1e-5
OPTIMIZER_ATOL = 1e-7

# Two float32 forward passes of the same network: other summation orders and fused multiply-adds in every layer, some
# fifty layers deep, on activations of order one.
FORWARD_RTOL = 1e-4
FORWARD_ATOL = 1e-5

# A hundred training steps in float32 on two machines' worth of summation orders: each step adds the gradient tolerance,
# and the weights' deviation feeds back into later losses. Measured deviations stay below a tenth of this.
TRAJECTORY_RTOL = 1e-3
TRAJECTORY_ATOL = 1e-4

# A float32 kernel against its reference in float64: sums of up to a hundred products of order one, each rounded to
# 2**-24 relative, and expf/logf that are off by an ulp.
KERNEL_RTOL = 2e-5
KERNEL_ATOL = 2e-6

# A plan is made before conversion: it can't see the reshapes around 1-D layers, nor the 16-byte alignment of buffers,
# which counts in small networks only.
PLAN_PEAK_RTOL = 0.01
PLAN_PEAK_ATOL_BYTES = 256
# The interpreter's structures are estimated from averages per op.
PLAN_TOTAL_RTOL = 0.05
# Of a network of ordinary size, where the alignment of small tensors counts for nothing.
PLAN_INT8_TOTAL_RTOL = 0.01
# How far an int8 step may be from a float32 one, relative to the length of the step: activations are off by half a unit
# of 1/255 of their range, and masks differ where they cross a bound.
INT8_STEP_RELATIVE_ERROR = 0.1

# The data-free gain probes 600 outputs with random signs: a relative standard deviation of sqrt(2 / 600) = 6%.
PRIOR_GAIN_RTOL = 0.2

# An int8 network against the float32 one: each of some ten layers rounds its result to 1/256 of its range, and the
# softmax of logits of order one passes on at most a quarter of their error.
INT8_PROBABILITY_ATOL = 0.05
# How much of the loss that float32 training takes away in a hundred large steps on random weights, int8 training may
# leave: 4% to 16% measured, whatever the rounding. The largest weight of each channel can't grow, and activations can't
# leave the range that they were calibrated to.
INT8_TRAINING_SHARE = 0.25
# A weight that is an integer times a float32 scale: the scale is rounded once, and so is the product.
INT8_SCALE_RTOL = 3e-7
