#include "kernels/cpu/packed_matrix.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include "covey/error.hpp"

namespace covey {
namespace {

// Half of a small second-level cache: this much of the activations, and as much of the weights, stay in it together.
constexpr std::size_t kTileBytes = std::size_t{256} << 10;
constexpr std::int32_t kTileTokens = 16;  // tiles are multiples of it, so that kernels see few tails

// Multiplications a nanosecond, for the size of chunks only.
constexpr std::int64_t kMultiplicationsPerNanosecond = 64;

// So that a panel's bytes can be counted; more does not exist.
constexpr std::int64_t kMostRowsOrColumns = std::int64_t{1} << 48;

std::int32_t tokens_per_tile(std::size_t row_bytes) {
  const std::size_t fitting = kTileBytes / std::max<std::size_t>(row_bytes, 1);
  const auto whole = static_cast<std::int32_t>(std::min<std::size_t>(fitting, 1 << 20)) / kTileTokens * kTileTokens;
  return std::max(whole, kTileTokens);
}

// The product with panels [first, last): every tile of tokens meets all of them before the next tile.
void multiply_panels(const PackedMatrix& matrix, const ProductInput& in, const float* bias, float* out,
                     const IsaTable& isa, std::int64_t first, std::int64_t last) noexcept {
  const PanelMatmul product = isa.matmul[matrix.format->index];
  const auto out_stride = static_cast<std::size_t>(matrix.rows);
  const std::int32_t tile = tokens_per_tile(in.stride);
  for (std::int32_t token = 0; token < in.tokens; token += tile) {
    const std::int32_t tokens = std::min(tile, in.tokens - token);
    const std::byte* const rows_in = in.data + static_cast<std::size_t>(token) * in.stride;
    for (std::int64_t panel = first; panel < last; ++panel) {
      const std::int64_t row = panel * kPanelRows;
      const auto rows = static_cast<std::int32_t>(std::min<std::int64_t>(kPanelRows, matrix.rows - row));
      float* const tile_out = out + static_cast<std::size_t>(token) * out_stride + row;
      product(matrix.panel(panel), matrix.cols, rows_in, in.stride, tokens, tile_out, out_stride, rows);
      if (bias == nullptr) continue;
      for (std::int32_t t = 0; t < tokens; ++t) isa.add(bias + row, rows, tile_out + t * out_stride);
    }
  }
}

std::size_t row_bytes(const TensorTypeInfo& type, std::int64_t cols) {
  const std::size_t factors[] = {static_cast<std::size_t>(cols / type.block_elements), type.block_bytes};
  return checked_product(factors, "a row of weights");
}

}  // namespace

const Format& checked_format(const MatrixView& weights) {
  const Format* format = find_format(weights.type);
  const TensorTypeInfo& type = tensor_type_info(weights.type);
  if (format == nullptr) {
    throw Error("this version has no kernels for weights of type " + std::string(type.name));
  }
  const auto possible = [](std::int64_t size) { return size >= 0 && size <= kMostRowsOrColumns; };
  const bool whole = possible(weights.rows) && possible(weights.cols) && weights.cols % type.block_elements == 0;
  const bool empty = weights.rows == 0 || weights.cols == 0;
  if (!whole || (!empty && weights.data == nullptr) ||
      (weights.rows > 1 && weights.row_stride < row_bytes(type, weights.cols))) {
    throw Error("a matrix of " + std::to_string(weights.rows) + " rows of " + std::to_string(weights.cols) + " " +
                std::string(type.name) + " weights, a row every " + std::to_string(weights.row_stride) +
                " bytes, cannot be");
  }
  return *format;
}

PackedMatrix pack_matrix(const MatrixView& weights, bool as_f32, ThreadPool& pool) {
  const Format& source = checked_format(weights);
  PackedMatrix matrix;
  matrix.format = as_f32 ? find_format(TensorType::f32) : &source;
  matrix.rows = weights.rows;
  matrix.cols = weights.cols;
  if (weights.cols == 0) return matrix;

  matrix.panel_bytes = matrix.format->panel_bytes(weights.cols);
  const std::size_t factors[] = {static_cast<std::size_t>(matrix.panel_count()), matrix.panel_bytes};
  matrix.panels = AlignedBuffer(checked_product(factors, "a packed matrix"), "a packed matrix");

  const bool decode = matrix.format != &source;
  const std::size_t scratch_floats =
      decode ? static_cast<std::size_t>(kPanelRows) * static_cast<std::size_t>(weights.cols) : 0;
  std::vector<float> scratch(scratch_floats * static_cast<std::size_t>(pool.size()));  // (threads, kPanelRows, cols)
  pool.parallel_for(matrix.panel_count(), pool.grain(matrix.panel_count(), kPanelRows * weights.cols),
                    [&](std::int64_t begin, std::int64_t end, int thread) noexcept {
                      float* const decoded = scratch.data() + static_cast<std::size_t>(thread) * scratch_floats;
                      for (std::int64_t panel = begin; panel < end; ++panel) {
                        std::byte* const out =
                            matrix.panels.data() + static_cast<std::size_t>(panel) * matrix.panel_bytes;
                        const std::int64_t row = panel * kPanelRows;
                        if (!decode) {
                          source.pack(weights, row, out);
                          continue;
                        }
                        const std::int64_t rows = std::min<std::int64_t>(kPanelRows, weights.rows - row);
                        for (std::int64_t r = 0; r < rows; ++r) {
                          source.decode(weights.data + static_cast<std::size_t>(row + r) * weights.row_stride,
                                        weights.cols, decoded + r * weights.cols);
                        }
                        const MatrixView view{reinterpret_cast<const std::byte*>(decoded), TensorType::f32, rows,
                                              weights.cols, static_cast<std::size_t>(weights.cols) * sizeof(float)};
                        matrix.format->pack(view, 0, out);
                      }
                    });
  return matrix;
}

void multiply(const PackedMatrix& matrix, const ProductInput& in, const float* bias, float* out, const IsaTable& isa,
              ThreadPool& pool) noexcept {
  if (matrix.rows == 0 || in.tokens == 0) return;
  const std::int64_t cost = std::max<std::int64_t>(matrix.cols, 1) * kPanelRows * in.tokens;
  std::int64_t grain = pool.grain(matrix.panel_count(), cost / kMultiplicationsPerNanosecond);
  if (in.tokens > tokens_per_tile(in.stride)) {
    // These panels are read once for every tile of tokens, from the cache if there are few of them.
    const auto cached = static_cast<std::int64_t>(kTileBytes / std::max<std::size_t>(matrix.panel_bytes, 1));
    grain = std::clamp<std::int64_t>(cached, 1, grain);
  }
  pool.parallel_for(matrix.panel_count(), grain, [&](std::int64_t begin, std::int64_t end, int) noexcept {
    multiply_panels(matrix, in, bias, out, isa, begin, end);
  });
}

}  // namespace covey
