#include "kernels/cpu/declared_matrices.hpp"

#include <algorithm>
#include <utility>

namespace covey {

void DeclaredMatrices::fill(PackedMatrix& matrix, const MatrixView& weights, const Device::Packed& packed) {
  const std::size_t bytes = packed_bytes(matrix);
  const auto found = std::ranges::find(spare_, bytes, &AlignedBuffer::size);
  AlignedBuffer memory;
  if (found != spare_.end()) {
    memory = std::move(*found);
    spare_.erase(found);
  } else {
    // Of another size than what waits, as some layers of mixed types are: that would never be used up.
    for (const AlignedBuffer& other : spare_) bytes_ -= other.size();
    spare_.clear();
    memory = AlignedBuffer(bytes, "a packed matrix");
    bytes_ += bytes;
  }
  pack_into(matrix, std::move(memory), weights, alone_, packed);
}

void DeclaredMatrices::empty(PackedMatrix& matrix) { spare_.push_back(std::exchange(matrix.panels, AlignedBuffer())); }

}  // namespace covey
