// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
#include "tfdgsu/trainer/status.h"

const char* TfdgsuStatusName(TfdgsuStatus status) {
  static const char* const kNames[] = {
#define TFDGSU_STATUS(name) #name,
      TFDGSU_STATUSES(TFDGSU_STATUS)
#undef TFDGSU_STATUS
  };
  const int i = (int)status;
  return i >= 0 && i < (int)kTfdgsuStatusCount ? kNames[i] : "Unknown";
}
