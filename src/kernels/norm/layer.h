// Layer norm, RMS norm and group norm of a whole batch, on all threads.
#pragma once

#include "kernels/norm/norm.h"

namespace ember::kernels {

/// y, mean and invstd of each of `rows` rows of n numbers. weight, bias, and without `center` mean, may be null.
template <class T>
void layer_norm(int64_t rows, int64_t n, const T* x, const T* weight, const T* bias, double eps, bool center, T* y, T* mean, T* invstd);

/// dx, dweight and dbias, each where it is not null.
template <class T>
void layer_norm_backward(int64_t rows, int64_t n, const T* x, const T* dy, const T* weight, const T* mean, const T* invstd, bool center, T* dx,
                         T* dweight, T* dbias);

/// A row-major (N, C, ...) batch as images x groups x channels of a group x numbers of a channel.
struct GroupLayout {
  int64_t images, groups, channels, length;
  int64_t size() const { return channels * length; }
  int64_t numel() const { return images * groups * size(); }
  Planes channel() const { return {1, length, length}; }
};

/// mean and invstd of each group, in double where they are summed; y = (x - mean) * invstd * weight + bias with numbers per channel.
template <class T>
void group_norm(const GroupLayout& at, const T* x, const T* weight, const T* bias, double eps, T* y, T* mean, T* invstd);

/// dx, dweight and dbias, each where it is not null.
template <class T>
void group_norm_backward(const GroupLayout& at, const T* x, const T* dy, const T* weight, const T* mean, const T* invstd, T* dx, T* dweight,
                         T* dbias);

}  // namespace ember::kernels
