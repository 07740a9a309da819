#!/usr/bin/env bash
# OpenBLAS is loaded by what needs it and nothing else; a build of it that multiplies wrongly is warned of and not used; EMBER_GEMM and `ember info` say who multiplies.
set -uo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0
if ! printf 'int main() {}' | "${CXX:-c++}" -x c++ - -o /dev/null -lopenblas 2>/dev/null; then
  echo "skipped: OpenBLAS is not installed"
  echo "0 passed, 0 failed, 1 skipped"
  exit 0
fi
check() {  # check WHAT EXPECTED GOT
  if [ "$2" = "$3" ]; then
    passed=$((passed + 1)) && echo "ok      $1"
  else
    failed=$((failed + 1)) && echo "FAILED  $1: expected '$2', got '$3'"
  fi
}
cat >"$work/main.cpp" <<'PROGRAM'
#include <ember/ember.h>
#include <cstdio>
#include <cstring>
using namespace ember;
static const char* loaded() {
  char line[4096];
  bool found = false;
  if (std::FILE* maps = std::fopen("/proc/self/maps", "r")) {
    while (std::fgets(line, sizeof line, maps)) found = found || std::strstr(line, "openblas");
    std::fclose(maps);
  }
  return found ? "loaded" : "not loaded";
}
int main(int, char** arguments) {
  const Tensor x = ones({300, 300}), y = ones({300, 300}, kFloat64);
  if (arguments[1]) {
    const double sum = matmul(x, x).sum().item<double>() + matmul(y, y).sum().item<double>();
    std::printf("%.0f\n", sum);
    return 0;
  }
  nn::Sequential net{nn::Linear(20, 64), nn::BatchNorm1d(64), nn::ReLU(), nn::Linear(64, 3)};
  optim::SGD sgd(net.parameters(), {.lr = 0.1});
  cross_entropy(net(randn({32, 20})), zeros({32}, kInt64)).backward();
  sgd.step();
  std::printf("%s", loaded());
  linalg::inv(eye(3));
  std::printf(", %s\n", loaded());
}
PROGRAM
"${CXX:-c++}" -std=c++20 -I"$root/include" "$work/main.cpp" "$root/build/release/lib/libember.a" -Wl,--as-needed -lfmt -lz -lpng -ljpeg -lpthread -o "$work/main" || exit 1
check "a training step loads no OpenBLAS, linear algebra does" "not loaded, loaded" "$(env -u EMBER_GEMM -u EMBER_ISA "$work/main")"
check "the program is linked to none" 0 "$(ldd "$work/main" | grep -c blas)"
for provider in own openblas; do check "EMBER_GEMM=$provider multiplies" 54000000 "$(EMBER_GEMM=$provider "$work/main" products 2>&1)"; done
check "EMBER_GEMM=both is warned of" 1 "$(EMBER_GEMM=both "$work/main" products 2>&1 >/dev/null | grep -c "^Warning: EMBER_GEMM: expected own or openblas, got 'both'")"
check "ember info: own" "products: own" "$(EMBER_GEMM=own "$root/build/release/bin/ember" info | grep products)"
check "ember info: OpenBLAS" 1 "$(EMBER_GEMM=openblas "$root/build/release/bin/ember" info | grep -c 'products: openblas (OpenBLAS')"
[ "$(uname -m)" = x86_64 ] && check "ember info, v2" 1 "$(EMBER_ISA=v2 "$root/build/release/bin/ember" info | grep -c 'products: own, from .* multiply-adds on openblas')"
# An OpenBLAS that does not know the processor's model would run its oldest kernels: Ember names those of its own instruction set.
for pair in v2:Nehalem v3:Haswell v4:SkylakeX; do
  isa=${pair%:*} core=${pair#*:}
  EMBER_ISA=$isa "$root/build/release/bin/ember" info >/dev/null 2>&1 || continue
  check "OpenBLAS's kernels for $isa" 1 "$(EMBER_ISA=$isa EMBER_GEMM=openblas "$root/build/release/bin/ember" info | grep -c "products: openblas (.* $core ")"
done
[ "$(uname -m)" = x86_64 ] && check "OPENBLAS_CORETYPE decides" 1 "$(OPENBLAS_CORETYPE=Nehalem EMBER_GEMM=openblas "$root/build/release/bin/ember" info | grep -c 'products: openblas (.* Nehalem ')"

# A library whose products are wrong by one in one place, as that of a kernel for another processor may be.
cat >"$work/fake.c" <<'PROGRAM'
void sgemm_(const char* ta, const char* tb, const int* m, const int* n, const int* k, const float* alpha, const float* a, const int* lda, const float* b, const int* ldb,
            const float* beta, float* c, const int* ldc) {
  for (int j = 0; j < *n; ++j)
    for (int i = 0; i < *m; ++i) {
      float sum = *beta == 0 ? 0 : *beta * c[i + j * *ldc];
      for (int p = 0; p < *k; ++p) sum += *alpha * (*ta == 'N' ? a[i + p * *lda] : a[p + i * *lda]) * (*tb == 'N' ? b[p + j * *ldb] : b[j + p * *ldb]);
      c[i + j * *ldc] = sum + (i == 5 && j == 6);
    }
}
PROGRAM
"${CC:-cc}" -O2 -shared -fPIC "$work/fake.c" -Wl,-soname,libopenblas.so.0 -o "$work/libopenblas.so.0" || exit 1
run=$(LD_LIBRARY_PATH="$work" EMBER_GEMM=openblas "$work/main" products 2>"$work/log")
check "wrong products are not used" 54000000 "$run"
check "and warned of" 1 "$(grep -c 'multiplies wrongly on this processor' "$work/log")"
(LD_LIBRARY_PATH="$work" "$work/main" >/dev/null 2>"$work/log") 2>/dev/null
check "a routine that is not there is named" 1 "$(grep -c 'linear algebra needs OpenBLAS: libopenblas.so.0 has no sgetrf_' "$work/log")"
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]
