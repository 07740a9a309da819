// Everything a training script needs. Only a list.
#pragma once

#include <ember/autograd.h>
#include <ember/dtype.h>
#include <ember/error.h>
#include <ember/scalar.h>
#include <ember/shape.h>
#include <ember/tensor.h>
