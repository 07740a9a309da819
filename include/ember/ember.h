// Everything a training script needs. Only a list.
#pragma once

#include <ember/autograd.h>
#include <ember/dtype.h>
#include <ember/error.h>
#include <ember/function.h>
#include <ember/gradcheck.h>
#include <ember/nn/module.h>
#include <ember/nn/sequential.h>
#include <ember/ops/elementwise.h>
#include <ember/ops/index.h>
#include <ember/ops/linalg.h>
#include <ember/ops/reduce.h>
#include <ember/ops/shape.h>
#include <ember/scalar.h>
#include <ember/shape.h>
#include <ember/tensor.h>
