// Does the model of choice.cpp pick the fastest algorithm? Convolutions drawn from a seed, each by every algorithm that can do it: a table of what
// each takes over what the chosen one takes, from minima of interleaved repetitions of this thread's time.
// usage: choice_cost SEED COUNT [WITHIN SHARE]      fails where less than SHARE of the choices are within WITHIN of the fastest
#include <ember/ember.h>
#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "kernels/conv/choice.h"
#include "kernels/conv/crop.h"
#include "kernels/kernels.h"

namespace {

using namespace ember;
using namespace ember::kernels;

constexpr ConvPath kWeighed[] = {ConvPath::Direct, ConvPath::Columns, ConvPath::Streams, ConvPath::Spans,
                                 ConvPath::Planes, ConvPath::Dots,    ConvPath::Images,  ConvPath::Winograd2};
constexpr const char* kDirections[] = {"forward", "input gradient", "weight gradient"};

/// As the survey draws them (layers.py), without linear layers and those that go by shape; small enough that hundreds take a minute.
ConvShape draw(std::mt19937& random) {
  const auto pick = [&](const std::vector<int64_t>& from) { return from[random() % from.size()]; };
  for (;;) {
    const int64_t n = pick({1, 2, 8, 16, 32, 64, 128}), c = pick({1, 3, 8, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512}),
                  o = pick({1, 8, 10, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512}), size = pick({1, 2, 4, 7, 8, 12, 14, 16, 24, 28, 32, 56, 64}),
                  kernel = pick({2, 3, 3, 3, 4, 5, 7}), stride = pick({1, 1, 1, 2, 2, 3}), padding = pick({0, kernel / 2, kernel / 2}),
                  dilation = pick({1, 1, 1, 1, 1, 1, 1, 1, 2}), groups = pick({1, 1, 1, 1, 1, 1, 1, 1, 2, 4, 8});
    const int64_t places = size + 2 * padding - dilation * (kernel - 1) - 1;
    if (places < 0 || c % groups || o % groups || groups == c) continue;
    ConvShape s{
        n,     size, size, c, places / stride + 1, places / stride + 1, o, kernel, kernel, {stride, stride}, {padding, padding}, {dilation, dilation},
        groups};
    s.planes = random() % 2 == 0;
    if (s.multiply_adds() > 3e5 && s.multiply_adds() < 6e7) return s;
  }
}

double now() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return double(t.tv_sec) * 1e6 + double(t.tv_nsec) * 1e-3;
}

struct Problem {
  ConvShape s;
  Tensor x, w, y, dx, dw;

  explicit Problem(const ConvShape& shape)
      : s(shape), x(randn({s.n, s.c, s.h, s.w})), w(randn({s.o, s.c_group(), s.kh, s.kw})), y(randn({s.n * s.oh * s.ow, s.o})),
        dx(randn({s.n * s.h * s.w, s.c})), dw(randn({s.o, s.c_group(), s.kh, s.kw})) {
    if (!s.planes) x = x.contiguous(MemoryFormat::ChannelsLast);
  }
  /// With what it takes to turn planes that the path does not read.
  void run(ConvDirection direction) const {
    ConvShape shape = s;
    if (direction == ConvDirection::BackwardInput) {
      shape.planes = false;
      return conv_backward_input<float>(shape, y.data<float>(), w.data<float>(), nullptr, dx.data<float>());
    }
    const bool forward = direction == ConvDirection::Forward;
    shape.planes = s.planes && (forward ? conv_reads_planes<float>(shape) : conv_weight_reads_planes<float>(shape));
    const Tensor image = s.planes && !shape.planes ? x.contiguous(MemoryFormat::ChannelsLast) : x;
    if (forward) conv_forward<float>(shape, image.data<float>(), w.data<float>(), {}, y.data<float>());
    else conv_backward_weight<float>(shape, image.data<float>(), y.data<float>(), dw.data<float>());
  }
};

std::string text(const ConvShape& s) {
  return fmt::format("{:3} x {:3} -> {:3} {:2}x{:<2} {}x{} s{} p{} d{} g{} {}", s.n, s.c, s.o, s.h, s.w, s.kh, s.kw, s.stride[0], s.padding[0],
                     s.dilation[0], s.groups, s.planes ? "planes" : "pixels");
}

/// Microseconds of each path that can do it; s is p.s without the taps that only meet padding.
std::map<ConvPath, double> measure(const Problem& p, const ConvShape& s, ConvDirection direction) {
  std::map<ConvPath, double> times;
  const double least = conv_cost(conv_path(s, direction, 4), s, direction, 4);
  for (const ConvPath path : kWeighed)
    if (conv_cost(path, s, direction, 4) < 8 * least) times[path] = 1e30;  // what costs eight times as much is not the fastest
  for (double spent = 0, rounds = 0; rounds < 3 || (spent < 4000 && rounds < 20); ++rounds)
    for (auto& [path, low] : times) {
      const ForcedPath forced(path);
      const double start = now();
      p.run(direction);
      const double took = now() - start;
      low = std::min(low, took), spent += took;
    }
  return times;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return fmt::print("usage: choice_cost SEED COUNT [WITHIN SHARE]\n"), 2;
  const double within = argc > 4 ? std::stod(argv[3]) : 0.15, share = argc > 4 ? std::stod(argv[4]) : 0;
  std::mt19937 random{unsigned(std::stoul(argv[1]))};
  ember::set_num_threads(1);
  NoGradGuard no_grad;
  int good = 0, all = 0;
  for (int i = 0; i < std::stoi(argv[2]); ++i) {
    const Problem p(draw(random));
    for (const ConvDirection direction : {ConvDirection::Forward, ConvDirection::BackwardInput, ConvDirection::BackwardWeight}) {
      ConvShape s = Crop(p.s).shape();
      s.planes = p.s.planes && direction != ConvDirection::BackwardInput;
      const ConvPath chosen = conv_path(s, direction, 4);
      if (conv_cost(chosen, s, direction, 4) > 1e30) continue;  // of single pixels once the taps in the padding are cut off: goes by shape
      const auto times = measure(p, s, direction);
      const double taken = times.at(chosen);
      double fastest = taken;
      std::string others;
      for (const auto& [path, time] : times) {
        fastest = std::min(fastest, time);
        others += fmt::format("  {} {:.2f} ({:.2f})", name(path), time / taken,
                              conv_cost(path, s, direction, 4) / conv_cost(chosen, s, direction, 4));
      }
      ++all;
      good += taken <= (1 + within) * fastest;
      fmt::print("{} {} {:15} {:12} {:8.0f} us {}\n", taken <= (1 + within) * fastest ? "  " : "! ", text(p.s), kDirections[int(direction)],
                 name(chosen), taken, others);
    }
  }
  fmt::print("{}: {} of {} choices within {:.0f} % of the fastest algorithm\n", instruction_set(), good, all, 100 * within);
  return good < share * all;
}
