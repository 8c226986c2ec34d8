#include "kernels/cpu/blas_product.hpp"

#include <algorithm>
#include <cstring>

namespace covey {
namespace {

// A tile of weights, decoded to F32: (kTileDepth, kTilePanels * kPanelRows), 128 KB, so that it stays in the cache
// while BLAS arranges it to its taste. The size never depends on the number of threads, so results don't either.
constexpr std::int64_t kTilePanels = 8;
constexpr std::int64_t kTileDepth = 256;
constexpr std::int64_t kTileFloats = kTileDepth * kTilePanels * kPanelRows;
constexpr std::int64_t kPanelFloats = kTileDepth * kPanelRows;
constexpr std::size_t kScratchBytes = static_cast<std::size_t>(kTileFloats + kPanelFloats) * sizeof(float);

struct Tile {
  std::int64_t panel, panels;  // which rows of the matrix
  std::int64_t col, cols;      // which columns
};

// Panels hold (cols, kPanelRows) each; the tile holds (cols, panels * kPanelRows).
void decode_tile(const PackedMatrix& matrix, const Tile& tile, float* decoded, float* out) noexcept {
  const std::size_t element_bytes = matrix.panel_bytes / static_cast<std::size_t>(matrix.cols * kPanelRows);
  const std::size_t begin = static_cast<std::size_t>(tile.col * kPanelRows) * element_bytes;
  for (std::int64_t p = 0; p < tile.panels; ++p) {
    matrix.format->decode(matrix.panel(tile.panel + p) + begin, tile.cols * kPanelRows, decoded);
    for (std::int64_t k = 0; k < tile.cols; ++k) {
      std::memcpy(out + (k * tile.panels + p) * kPanelRows, decoded + k * kPanelRows, kPanelRows * sizeof(float));
    }
  }
}

}  // namespace

BlasProduct::BlasProduct(Sgemm sgemm, int threads) : sgemm_(sgemm) {
  if (sgemm_ != nullptr) scratch_ = AlignedBuffer(kScratchBytes * static_cast<std::size_t>(threads), "BLAS");
}

bool BlasProduct::suits(const PackedMatrix& matrix, std::int32_t tokens) const {
  return sgemm_ != nullptr && matrix.format->activations == ActivationKind::f32 && tokens >= kLeastTokens &&
         matrix.rows > 0 && matrix.cols > 0;
}

void BlasProduct::multiply(const PackedMatrix& matrix, const ProductInput& in, const float* bias, float* out,
                           const IsaTable& isa, ThreadPool& pool) noexcept {
  const auto* const a = reinterpret_cast<const float*>(in.data);
  const auto a_stride = static_cast<std::int64_t>(in.stride / sizeof(float));
  const std::int64_t tiles = (matrix.panel_count() + kTilePanels - 1) / kTilePanels;
  pool.parallel_for(tiles, {1, 1}, [&](std::int64_t begin, std::int64_t end, int thread) noexcept {
    auto* const scratch = reinterpret_cast<float*>(scratch_.data() + kScratchBytes * static_cast<std::size_t>(thread));
    for (std::int64_t index = begin; index < end; ++index) {
      Tile tile{index * kTilePanels, 0, 0, 0};
      tile.panels = std::min(kTilePanels, matrix.panel_count() - tile.panel);
      const std::int64_t row = tile.panel * kPanelRows;
      const std::int64_t rows = std::min(tile.panels * kPanelRows, matrix.rows - row);
      for (; tile.col < matrix.cols; tile.col += kTileDepth) {
        tile.cols = std::min(kTileDepth, matrix.cols - tile.col);
        decode_tile(matrix, tile, scratch + kTileFloats, scratch);
        sgemm_(in.tokens, rows, tile.cols, a + tile.col, a_stride, scratch, tile.panels * kPanelRows, tile.col > 0,
               out + row, matrix.rows);
      }
      if (bias == nullptr) continue;
      for (std::int64_t t = 0; t < in.tokens; ++t) isa.add(bias + row, rows, out + t * matrix.rows + row);
    }
  });
}

}  // namespace covey
