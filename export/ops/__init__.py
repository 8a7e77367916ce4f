# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Ops: ``builtin`` are TFLite's, with their gradient rules; ``custom`` are tfdgsu's own."""
