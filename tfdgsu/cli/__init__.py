# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""The `tfdgsu` command line; `tfdgsu.cli.main.run` is its entry point."""
