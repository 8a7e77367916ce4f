// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// What the sketches use of Arduino's core: serial input and output, and time.

#ifndef TFDGSU_TESTS_ARDUINO_SHIMS_ARDUINO_H_
#define TFDGSU_TESTS_ARDUINO_SHIMS_ARDUINO_H_

#include <stddef.h>
#include <stdint.h>

class SerialPort {
 public:
  void begin(unsigned long baud);
  void setTimeout(unsigned long ms);
  int available();
  int read();
  size_t readBytes(char* buffer, size_t n);
  size_t print(const char* text);
  size_t print(char c);
  size_t print(unsigned long value);
  size_t println(const char* text);
  size_t println(unsigned long value);
  size_t println(double value, int digits);
};
extern SerialPort Serial;
void delay(unsigned long ms);
void setup();
void loop();

#endif  // TFDGSU_TESTS_ARDUINO_SHIMS_ARDUINO_H_
