#include "kernels/cpu/blas.hpp"

#ifdef COVEY_WITH_OPENBLAS
#include <cblas.h>
#endif

namespace covey {

#ifdef COVEY_WITH_OPENBLAS

namespace {

void sgemm(std::int64_t m, std::int64_t n, std::int64_t k, const float* a, std::int64_t a_stride, const float* b,
           std::int64_t b_stride, bool accumulate, float* out, std::int64_t out_stride) noexcept {
  const auto size = [](std::int64_t value) { return static_cast<blasint>(value); };
  cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, size(m), size(n), size(k), 1.0F, a, size(a_stride), b,
              size(b_stride), accumulate ? 1.0F : 0.0F, out, size(out_stride));
}

}  // namespace

Sgemm open_blas_sgemm() {
  openblas_set_num_threads(1);
  return sgemm;
}

#else

Sgemm open_blas_sgemm() { return nullptr; }

#endif

}  // namespace covey
