// Products of float matrices with many tokens through BLAS, which here is faster than the panel kernels: those are made
// for weights that are read once.
#pragma once

#include <cstdint>

#include "kernels/cpu/aligned_buffer.hpp"
#include "kernels/cpu/blas.hpp"
#include "kernels/cpu/packed_matrix.hpp"
#include "kernels/cpu/thread_pool.hpp"

namespace covey {

class BlasProduct {
 public:
  /// Fewer tokens are left to the panel kernels.
  static constexpr std::int32_t kLeastTokens = 32;

  BlasProduct() = default;
  /// `sgemm` may be nullptr: then nothing suits. Throws Error for lack of memory.
  BlasProduct(Sgemm sgemm, int threads);

  /// Whether multiply() takes this product. Needs a float format, whose panels hold element (k, row) at
  /// k * kPanelRows + row.
  bool suits(const PackedMatrix& matrix, std::int32_t tokens) const;

  /// As covey::multiply for F32 input, but how results are rounded depends on the number of tokens.
  void multiply(const PackedMatrix& matrix, const ProductInput& in, const float* bias, float* out, const IsaTable& isa,
                ThreadPool& pool) noexcept;

  std::size_t memory_bytes() const { return scratch_.size(); }

 private:
  Sgemm sgemm_ = nullptr;
  AlignedBuffer scratch_;  // for each thread: decoded weights, see blas_product.cpp
};

}  // namespace covey
