// What batch norm computes once a channel, between its passes over the numbers.
#include "kernels/families.isa.h"
#include "kernels/lanes/lanes.h"
#include "kernels/norm/norm.h"

namespace ember::kernels::EMBER_ISA {
namespace {

template <class T>
void invstd_of_squares(int64_t channels, const T* squares, int64_t n, double eps, T* invstd, T* var) {
  const T count = T(n), less = T(n - 1);
  for (int64_t c = 0; c < channels; ++c) {
    const double spread = double(T(squares[c] / count)) + eps;
    invstd[c] = spread == 0 ? T(0) : T(1 / square_root(spread));
    var[c] = squares[c] / less;
  }
}

template <class T>
void gradients_of_sums(int64_t channels, const double* dy, const double* dot, const T* invstd, const T* scale, int64_t n, bool training,
                       T* __restrict dweight, T* __restrict dbias, T* __restrict slope, T* __restrict offset) {
  const double count = double(n);
  for (int64_t c = 0; c < channels; ++c) {
    const double inv = double(invstd[c]), s = double(scale[c]);
    dweight[c] = T(dot[c] * inv);
    dbias[c] = T(dy[c]);
    slope[c] = training ? T(-s * dot[c] * inv * inv / count) : T(0);
    offset[c] = training ? T(-s * dy[c] / count) : T(0);
  }
}

template <class T>
void invstd_of_variance(int64_t channels, const T* var, double eps, T* invstd) {
  for (int64_t c = 0; c < channels; ++c) invstd[c] = T(1) / square_root(T(var[c] + T(eps)));
}

template <class T>
void affine_of(int64_t channels, const T* mean, const T* invstd, const T* weight, const T* bias, T* scale, T* shift) {
  for (int64_t c = 0; c < channels; ++c) {
    scale[c] = weight ? invstd[c] * weight[c] : invstd[c];
    shift[c] = (bias ? bias[c] : T(0)) - mean[c] * scale[c];
  }
}

template <class T>
constexpr ChannelNumbers<T> loops() {
  return {invstd_of_squares<T>, invstd_of_variance<T>, gradients_of_sums<T>, affine_of<T>};
}

}  // namespace

constinit const Both<ChannelNumbers> Families::channel_numbers{loops<float>(), loops<double>()};

}  // namespace ember::kernels::EMBER_ISA
