# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
# The targets that need a tflite-micro tree: tfdgsu_ops and tfdgsu_trainer.

enable_language(CXX)
if(NOT EXISTS "${TFLM_DIR}/tensorflow/lite/micro/micro_interpreter.h")
  message(FATAL_ERROR "TFLM_DIR must be a tflite-micro tree. Received: ${TFLM_DIR}, without "
    "tensorflow/lite/micro/micro_interpreter.h. Remedy: clone https://github.com/tensorflow/tflite-micro.")
endif()

# options.h is generated from the op definitions; an installed package has it already.
if(NOT EXISTS "${CMAKE_CURRENT_SOURCE_DIR}/include/tfdgsu/options.h")
  find_package(Python3 REQUIRED COMPONENTS Interpreter)
  set(generated "${CMAKE_CURRENT_BINARY_DIR}/generated")
  file(GLOB definitions CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/../export/ops/custom/*.py")
  add_custom_command(OUTPUT "${generated}/tfdgsu/options.h"
    COMMAND Python3::Interpreter "${CMAKE_CURRENT_SOURCE_DIR}/generate_options.py" "${generated}"
    DEPENDS generate_options.py ${definitions} VERBATIM)
  add_custom_target(tfdgsu_options DEPENDS "${generated}/tfdgsu/options.h")
  install(FILES "${generated}/tfdgsu/options.h" DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/tfdgsu)
endif()

set(third_party "${TFLM_THIRD_PARTY_DIR}")
if(NOT third_party)
  set(third_party "${TFLM_DIR}/tensorflow/lite/micro/tools/make/downloads")
endif()

# Upstream's headers: as of a system, so that warnings in them are upstream's.
add_library(tfdgsu_tflm INTERFACE)
add_library(tfdgsu::tfdgsu_tflm ALIAS tfdgsu_tflm)
target_include_directories(tfdgsu_tflm SYSTEM INTERFACE
  $<BUILD_INTERFACE:${TFLM_DIR}>
  $<BUILD_INTERFACE:${third_party}/flatbuffers/include>
  $<BUILD_INTERFACE:${third_party}/gemmlowp>
  $<BUILD_INTERFACE:${third_party}/ruy>)
# Upstream's library is built so, and the layout of its structs depends on it.
target_compile_definitions(tfdgsu_tflm INTERFACE TF_LITE_STATIC_MEMORY)
if(TFLM_LIBRARY)
  target_link_libraries(tfdgsu_tflm INTERFACE $<BUILD_INTERFACE:${TFLM_LIBRARY}>)
endif()
install(TARGETS tfdgsu_tflm EXPORT tfdgsuTargets)

# Since upstream moved them into tflite::micro, its C headers may be C++ alone. Then the adapters are too.
include(CheckCSourceCompiles)
set(CMAKE_REQUIRED_INCLUDES "${TFLM_DIR}")
set(CMAKE_REQUIRED_DEFINITIONS -DTF_LITE_STATIC_MEMORY)
check_c_source_compiles("
  #include \"tensorflow/lite/c/common.h\"
  #include \"tensorflow/lite/micro/micro_common.h\"
  TfLiteStatus Status(const struct TFLMRegistration* op);
  TfLiteStatus Status(const struct TFLMRegistration* op) { return op ? kTfLiteOk : kTfLiteError; }
  int main(void) { return 0; }" TFDGSU_TFLM_HEADERS_ARE_C)
unset(CMAKE_REQUIRED_INCLUDES)
unset(CMAKE_REQUIRED_DEFINITIONS)
set(cxx_options $<$<COMPILE_LANGUAGE:CXX>:-fno-exceptions> $<$<COMPILE_LANGUAGE:CXX>:-fno-rtti>
  $<$<COMPILE_LANGUAGE:CXX>:-fno-threadsafe-statics>)

file(GLOB adapter_sources CONFIGURE_DEPENDS tflm/*.c)
if(NOT TFDGSU_TFLM_HEADERS_ARE_C)
  set_source_files_properties(${adapter_sources} PROPERTIES LANGUAGE CXX)
endif()
tfdgsu_add_library(tfdgsu_ops ${adapter_sources})
target_compile_features(tfdgsu_ops PRIVATE cxx_std_17)
target_compile_options(tfdgsu_ops PRIVATE ${cxx_options})
target_include_directories(tfdgsu_ops
  PUBLIC $<BUILD_INTERFACE:${CMAKE_CURRENT_SOURCE_DIR}/tflm> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/tfdgsu/tflm>
  PRIVATE ${generated})
target_link_libraries(tfdgsu_ops PUBLIC tfdgsu_kernels tfdgsu_tflm)
if(TARGET tfdgsu_options)
  add_dependencies(tfdgsu_ops tfdgsu_options)
endif()
install(FILES tflm/register.h tflm/upstream_names.h tflm/ops.inc DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/tfdgsu/tflm)

tfdgsu_add_library(tfdgsu_trainer trainer/trainer.cc trainer/c_api.cc trainer/c_checkpoint.cc)
target_compile_features(tfdgsu_trainer PUBLIC cxx_std_17)
target_compile_options(tfdgsu_trainer PRIVATE ${cxx_options})
target_link_libraries(tfdgsu_trainer PUBLIC tfdgsu_bundle tfdgsu_checkpoint tfdgsu_ops tfdgsu_tflm)
