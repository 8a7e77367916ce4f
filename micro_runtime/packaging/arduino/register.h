// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Under the name that the files of `tfdgsu codegen` include it by; a library has one include path.

#include "tflm/register.h"
