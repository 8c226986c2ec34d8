// Matrices that come and go while others are used, in memory that they hand on to each other.
#pragma once

#include <atomic>
#include <cstddef>
#include <set>
#include <vector>

#include "kernels/cpu/packed_matrix.hpp"

namespace covey {

class DeclaredMatrices {
 public:
  /// Index of a matrix among the device's.
  void add(std::size_t index) { indices_.insert(index); }
  bool contains(std::size_t index) const { return indices_.contains(index); }

  /// Packs on the calling thread alone: the device's own threads compute meanwhile. Throws Error for lack of memory.
  void fill(PackedMatrix& matrix, const MatrixView& weights, const Device::Packed& packed);
  void empty(PackedMatrix& matrix);

  /// Of those that are filled, and what waits for the next. From any thread.
  std::size_t memory_bytes() const { return bytes_; }

 private:
  std::set<std::size_t> indices_;
  std::vector<AlignedBuffer> spare_;
  ThreadPool alone_{1};
  std::atomic<std::size_t> bytes_ = 0;
};

}  // namespace covey
