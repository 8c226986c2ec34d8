// A weight matrix in panels of kPanelRows rows, in the layout that the kernels of its format read, and its product.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/cpu/aligned_buffer.hpp"
#include "kernels/cpu/isa.hpp"
#include "kernels/cpu/thread_pool.hpp"
#include "kernels/device.hpp"
#include "kernels/quant/formats.hpp"

namespace covey {

/// Panels of so many rows.
constexpr std::int64_t panels_of(std::int64_t rows) { return (rows + kPanelRows - 1) / kPanelRows; }

struct PackedMatrix {
  const Format* format = nullptr;
  std::int64_t rows = 0;
  std::int64_t cols = 0;
  std::int64_t band_cols = 0;   // all, unless products come with fewer at a time, which then lie together
  std::size_t panel_bytes = 0;  // of a band
  AlignedBuffer panels;         // (bands, ceil(rows / kPanelRows), panel_bytes)
  MatrixView source;            // if there are no panels: these are to be packed for every use

  bool is_packed() const { return source.data == nullptr; }
  std::int64_t panel_count() const { return panels_of(rows); }
  std::size_t bands() const { return band_cols == 0 ? 1 : static_cast<std::size_t>(cols / band_cols); }
  std::size_t band_bytes() const { return static_cast<std::size_t>(panel_count()) * panel_bytes; }
  /// Of the first band.
  const std::byte* panel(std::int64_t index) const {
    return panels.data() + static_cast<std::size_t>(index) * panel_bytes;
  }
};

/// Room for each thread to pack a panel for immediate use.
class PanelScratch {
 public:
  /// Before use: room for panels of so many bytes. Throws Error for lack of memory.
  void fit(std::size_t panel_bytes, int threads);
  std::byte* of(int thread) { return memory_.data() + static_cast<std::size_t>(thread) * panel_bytes_; }
  std::size_t memory_bytes() const { return memory_.size(); }

 private:
  std::size_t panel_bytes_ = 0;
  AlignedBuffer memory_;  // (threads, panel_bytes)
};

/// Throws Error for a type without kernels, and for a view whose numbers contradict each other.
const Format& checked_format(const MatrixView& weights);

/// `as_f32`: decodes the weights and keeps them as F32. `packed`: see Device::add_matrix. Throws Error as
/// checked_format, or for lack of memory.
PackedMatrix pack_matrix(const MatrixView& weights, bool as_f32, ThreadPool& pool, const Device::Packed& packed);
/// The two steps of that: a matrix without panels, and panels, in `memory`, which has packed_bytes().
PackedMatrix matrix_to_pack(const MatrixView& weights, bool as_f32);
std::size_t packed_bytes(const PackedMatrix& matrix);
void pack_into(PackedMatrix& matrix, AlignedBuffer memory, const MatrixView& weights, ThreadPool& pool,
               const Device::Packed& packed);
/// A matrix that stays where it is, packed panel by panel when it is used. Throws Error as checked_format.
PackedMatrix unpacked_matrix(const MatrixView& weights);

/// A product's input as the matrix' format asks (ActivationKind).
struct ProductInput {
  const std::byte* data = nullptr;  // (tokens, matrix.cols)
  std::size_t stride = 0;           // bytes a token
  std::int32_t tokens = 0;

  /// `count` tokens from `first` on, a multiple of kTokenGroup; whole groups, or to the end.
  ProductInput part(std::int32_t first, std::int32_t count) const {
    return {data + static_cast<std::size_t>(first) * stride, stride, count};
  }
};

/// Rows of a matrix: the first a multiple of kPanelRows, the end too, or the matrix' end.
struct RowRange {
  std::int64_t first = 0;
  std::int64_t count = 0;
};

/// out (tokens, rows.count) = in * rows^T + bias, of some columns: see PanelMatmul. `bias` (rows.count) may be nullptr.
/// The order of operations for one output depends on matrix.cols only.
/// `scratch` has room for the matrix' panels if they are not packed. `next`: what will probably be multiplied next, if
/// that is known; it may have gone when it is not.
void multiply(const PackedMatrix& matrix, const RowRange& rows, const ColumnRange& cols, const ProductInput& in,
              const float* bias, float* out, const IsaTable& isa, ThreadPool& pool, PanelScratch& scratch,
              const PackedMatrix* next = nullptr) noexcept;

/// The same with all columns and without a bias, on this thread alone, of a packed matrix.
void multiply_here(const PackedMatrix& matrix, const RowRange& rows, const ProductInput& in, float* out,
                   const IsaTable& isa) noexcept;

}  // namespace covey
