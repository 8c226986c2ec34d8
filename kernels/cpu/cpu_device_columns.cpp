// Norms and products on the CPU device that begin before all columns of their input are there.
#include <algorithm>
#include <cassert>
#include <cmath>

#include "kernels/cpu/cpu_device.hpp"

namespace covey {

bool CpuDevice::multiplies_columns(MatrixHandle matrix) const {
  const PackedMatrix& weights = matrices_[index_of(matrix.id)];
  return weights.band_cols < weights.cols;
}

void CpuDevice::add_columns(std::span<const float> values, std::int32_t first, Slot into) {
  const std::int32_t rows = activations_.rows(into);
  const auto width = static_cast<std::int64_t>(values.size()) / std::max(rows, 1);
  assert(first + width <= activations_.width(into));
  activations_.change(into);
  each_row(rows, width / kElementsPerNanosecond,
           [&](std::int64_t t) { isa_.add(values.data() + t * width, width, activations_.row(into, t) + first); });
}

void CpuDevice::weigh_columns(VectorHandle weight, Slot in, const Band& columns, Slot out, Slot sums,
                              std::int32_t column) {
  const std::int32_t rows = activations_.rows(in);
  const std::int64_t width = columns.last - columns.first;
  assert(in != out && activations_.width(out) == activations_.width(in) && columns.last <= activations_.width(in));
  assert(column < activations_.width(sums));
  const bool first = columns.first == 0;
  first ? activations_.overwrite(out, rows) : activations_.change(out, columns.first);
  first ? activations_.overwrite(sums, rows) : activations_.change(sums);
  const float* const weights = vector(weight).data() + columns.first;
  each_row(rows, 2 * width / kElementsPerNanosecond, [&](std::int64_t t) {
    const float* const from = activations_.row(in, t) + columns.first;
    float* const to = activations_.row(out, t) + columns.first;
    activations_.row(sums, t)[column] = isa_.sum_squares(from, width);
    std::copy_n(from, width, to);
    isa_.scale_by(1.0F, weights, width, to);
  });
}

void CpuDevice::matmul_columns(Slot in, MatrixHandle matrix, const Band& columns, Slot out) {
  const PackedMatrix& weights = matrices_[index_of(matrix.id)];
  assert(in != out && weights.cols == activations_.width(in) && columns.last <= weights.cols);
  assert(columns.first % weights.band_cols == 0 && columns.last % weights.band_cols == 0);
  assert(weights.rows == 0 || weights.rows == activations_.width(out));
  const bool first = columns.first == 0, whole = first && columns.last == weights.cols;
  float* const result = first ? overwrite_for(weights, in, out) : activations_.change(out);
  if (weights.rows == 0) return;
  // Another band may follow, or another matrix: only of the first is it known which.
  const PackedMatrix* const next = first ? next_after(index_of(matrix.id)) : nullptr;
  multiply(weights, {0, weights.rows}, {columns.first, columns.last},
           product_input(in, weights.format->activations, columns.last), nullptr, result, isa_, pool_, scratch_,
           whole ? next : nullptr);
}

void CpuDevice::divide_by_norm(Slot sums, std::int32_t width, float epsilon, VectorHandle bias, Slot slot) {
  const std::int64_t here = activations_.width(slot);
  assert(!bias || static_cast<std::int64_t>(vector(bias).size()) == here);
  const float* const added = bias ? vector(bias).data() : nullptr;
  activations_.change(slot);
  each_row(activations_.rows(slot), here / kElementsPerNanosecond, [&](std::int64_t t) {
    float sum = 0;
    for (std::int32_t i = 0; i < activations_.width(sums); ++i) sum += activations_.row(sums, t)[i];
    float* const row = activations_.row(slot, t);
    isa_.scale(1.0F / std::sqrt(sum / static_cast<float>(width) + epsilon), here, row);
    if (added != nullptr) isa_.add(added, here, row);
  });
}

}  // namespace covey
