// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Runs the ops of a file of cases: run_cases CASES RESULTS.

#include "run_case.h"

static TfLiteStatus Invoke(const struct TFLMRegistration* op, TfLiteContext* context, TfLiteNode* node) {
  return op->invoke(context, node);
}

int main(int argc, char** argv) {
  const Driver driver = {Invoke, NULL, 0};
  return RunCases(argc, argv, &driver);
}
