// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// All of tfdgsu, for sketches.

#ifndef TFDGSU_TFDGSU_H_
#define TFDGSU_TFDGSU_H_

#include "tfdgsu/checkpoint.h"
#include "tfdgsu/trainer/checkpoint.h"
#include "tfdgsu/trainer/trainer.h"
#include "tflm/register.h"

#endif  // TFDGSU_TFDGSU_H_
