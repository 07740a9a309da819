// ONNX files: part of Ember::onnx.
#pragma once

#include <ember/onnx/export.h>
