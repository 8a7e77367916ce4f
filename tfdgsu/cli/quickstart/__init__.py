# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""The quickstart: pretrained digits, a shifted domain, the same fine-tuning in Keras and in TensorFlow Lite Micro."""
