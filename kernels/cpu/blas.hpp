// The one door to OpenBLAS, for large products of float weights.
#pragma once

#include <cstdint>

namespace covey {

/// out (m, n) = a (m, k) * b (k, n), or out += where `accumulate`. Row-major; a row of each starts every `…_stride`
/// floats. Runs on the calling thread, and gives the same bits whichever thread that is.
using Sgemm = void (*)(std::int64_t m, std::int64_t n, std::int64_t k, const float* a, std::int64_t a_stride,
                       const float* b, std::int64_t b_stride, bool accumulate, float* out,
                       std::int64_t out_stride) noexcept;

/// OpenBLAS' product, or nullptr where it was not built in. Sets OpenBLAS to one thread, in the whole process: its
/// threads would compete with the pool's for the cores.
Sgemm open_blas_sgemm();

}  // namespace covey
