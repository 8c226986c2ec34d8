#include "kernels/cpu/packed_matrix.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "covey/error.hpp"

namespace covey {
namespace {

// Panels that meet a tile of tokens before the next tile: half of a small second-level cache.
constexpr std::size_t kTileBytes = std::size_t{256} << 10;

// Packed between two reports of it: what lies twice in memory meanwhile.
constexpr std::size_t kReportedBytes = std::size_t{8} << 20;

// Multiplications a nanosecond, for the size of chunks only.
constexpr std::int64_t kMultiplicationsPerNanosecond = 64;

// Groups of panels for each thread, from which on they are claimed by groups.
constexpr std::int64_t kPanelsForEach = 4;

// Up to so many tokens memory binds.
constexpr std::int32_t kFewTokens = 16;

// So that a panel's bytes can be counted; more does not exist.
constexpr std::int64_t kMostRowsOrColumns = std::int64_t{1} << 48;

/// What all panels of a product have in common.
struct Product {
  const PackedMatrix& matrix;
  RowRange rows;
  ColumnRange cols;
  const ProductInput& in;
  const float* bias;
  float* out;
  const IsaTable& isa;

  // Panels are counted from the first of the rows on.

  const std::byte* panel_at(std::int64_t panel) const noexcept { return matrix.panel(rows.first / kPanelRows + panel); }

  /// The product of some columns of `tokens` tokens from `token` on with `count` panels, `apart` panels from one to the
  /// next. The first is number `panel` and lies at `bytes`.
  void multiply(const ColumnRange& some, std::int64_t panel, const std::byte* bytes, std::int32_t count,
                std::int64_t apart, std::int32_t token, std::int32_t tokens) const noexcept {
    const auto out_stride = static_cast<std::size_t>(rows.count);
    const std::int64_t row = panel * kPanelRows;
    const Panels panels{.first = bytes,
                        .band_cols = std::max<std::int64_t>(matrix.band_cols, 1),
                        .band_step = matrix.band_bytes(),
                        .step = static_cast<std::size_t>(apart) * matrix.panel_bytes,
                        .then = static_cast<std::ptrdiff_t>(matrix.panel_bytes) * (apart == 1 ? count : 1),
                        .out_step = static_cast<std::size_t>(apart) * kPanelRows,
                        .count = count,
                        .rows = static_cast<std::int32_t>(std::min<std::int64_t>(kPanelRows, rows.count - row))};
    const std::byte* const rows_in = in.data + static_cast<std::size_t>(token) * in.stride;
    float* const rows_out = out + static_cast<std::size_t>(token) * out_stride + row;
    isa.matmul[matrix.format->index](panels, some, rows_in, in.stride, tokens, rows_out, out_stride);
    if (bias == nullptr || some.last < cols.last) return;
    for (std::int32_t t = 0; t < tokens; ++t) {
      for (std::int32_t p = 0; p < count; ++p) {
        const std::size_t at = static_cast<std::size_t>(p) * panels.out_step;
        isa.add(bias + row + at, panels.rows, rows_out + static_cast<std::size_t>(t) * out_stride + at);
      }
    }
  }

  /// Panels [first, last). For few tokens band after band, as they lie.
  void multiply_packed(std::int64_t first, std::int64_t last) const noexcept {
    if (in.tokens > kFewTokens || matrix.band_cols == matrix.cols) return multiply_columns(cols, first, last);
    for (std::int64_t c = cols.first; c < cols.last; c += matrix.band_cols) {
      multiply_columns({c, std::min(c + matrix.band_cols, cols.last)}, first, last);
    }
  }

  /// Every tile of tokens meets all panels before the next tile. For few tokens they are cut in kMostPanels runs, which
  /// are read side by side; for many, neighbours go together, whose outputs are neighbours.
  void multiply_columns(const ColumnRange& some, std::int64_t first, std::int64_t last) const noexcept {
    const std::int64_t whole = std::min(last, rows.count / kPanelRows) - first;
    const std::int64_t run = whole / kMostPanels;
    const bool few = in.tokens <= kFewTokens;
    for (std::int32_t token = 0; token < in.tokens; token += isa.tile_tokens) {
      const std::int32_t tokens = std::min(isa.tile_tokens, in.tokens - token);
      for (std::int64_t i = 0; i < run; ++i) {
        const std::int64_t panel = first + (few ? i : kMostPanels * i);
        multiply(some, panel, panel_at(panel), kMostPanels, few ? run : 1, token, tokens);
      }
      for (std::int64_t panel = first + kMostPanels * run; panel < last; ++panel) {
        multiply(some, panel, panel_at(panel), 1, 0, token, tokens);
      }
    }
  }

  /// The same, packing each panel once, for all tokens.
  void multiply_unpacked(std::int64_t first, std::int64_t last, std::byte* scratch) const noexcept {
    for (std::int64_t panel = first; panel < last; ++panel) {
      matrix.format->pack(matrix.source, rows.first + panel * kPanelRows, scratch);
      multiply(cols, panel, scratch, 1, 0, 0, in.tokens);
    }
  }
};

/// Packs panels, or decodes them to F32 first.
struct Packing {
  const Format& from;
  const MatrixView& weights;
  PackedMatrix& into;
  std::vector<float>& scratch;  // (threads, kPanelRows, cols) if they are decoded

  void pack(std::int64_t panel, int thread) const noexcept {
    std::byte* out = into.panels.data() + static_cast<std::size_t>(panel) * into.panel_bytes;
    const std::int64_t row = panel * kPanelRows;
    if (into.format == &from) {
      const TensorTypeInfo& type = tensor_type_info(weights.type);
      MatrixView band = weights;
      band.cols = into.band_cols;
      for (std::int64_t c = 0; c < weights.cols; c += band.cols, out += into.band_bytes()) {
        band.data = weights.data + static_cast<std::size_t>(c / type.block_elements) * type.block_bytes;
        from.pack(band, row, out);
      }
      return;
    }
    float* const decoded = scratch.data() + static_cast<std::int64_t>(thread) * kPanelRows * weights.cols;
    const std::int64_t rows = std::min<std::int64_t>(kPanelRows, weights.rows - row);
    for (std::int64_t r = 0; r < rows; ++r) {
      from.decode(weights.data + static_cast<std::size_t>(row + r) * weights.row_stride, weights.cols,
                  decoded + r * weights.cols);
    }
    const MatrixView view{reinterpret_cast<const std::byte*>(decoded), TensorType::f32, rows, weights.cols,
                          static_cast<std::size_t>(weights.cols) * sizeof(float)};
    into.format->pack(view, 0, out);
  }
};

/// How threads share the panels of a product: `step` at a time.
struct PanelLoop {
  std::int64_t count;
  std::int64_t step;
  Chunks chunks;
};

PanelLoop loop_over(const PackedMatrix& matrix, std::int64_t rows, std::int64_t cols, std::int32_t tokens,
                    const IsaTable& isa, int threads) {
  const std::int64_t cost = std::max<std::int64_t>(cols, 1) * kPanelRows * tokens;
  Chunks chunks = ThreadPool::chunks(cost / kMultiplicationsPerNanosecond);
  if (tokens > isa.tile_tokens) {
    // These panels are read once for every tile of tokens, from the cache if there are few of them.
    const std::size_t bytes = std::max<std::size_t>(matrix.bands() * matrix.panel_bytes, 1);
    const auto cached = static_cast<std::int64_t>(kTileBytes / bytes);
    chunks.most = std::max<std::int64_t>(cached / kMostPanels * kMostPanels, kMostPanels);
  }
  // Where there are many, they are claimed by kMostPanels, which leaves none to be read alone.
  const std::int64_t panels = panels_of(rows);
  const std::int64_t step = panels >= kPanelsForEach * kMostPanels * threads ? kMostPanels : 1;
  chunks.least = (chunks.least + step - 1) / step;
  chunks.most = std::max<std::int64_t>(chunks.most / step, 1);
  return {(panels + step - 1) / step, step, chunks};
}

std::size_t row_bytes(const TensorTypeInfo& type, std::int64_t cols) {
  const std::size_t factors[] = {static_cast<std::size_t>(cols / type.block_elements), type.block_bytes};
  return checked_product(factors, "a row of weights");
}

/// Floats are summed up in accumulators that do not outlast a product.
bool in_bands(const MatrixView& weights, const Format& format) {
  const std::int64_t band = weights.column_band;
  return band > 0 && weights.cols % band == 0 && band % tensor_type_info(weights.type).block_elements == 0 &&
         format.activations != ActivationKind::f32;
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

PackedMatrix matrix_to_pack(const MatrixView& weights, bool as_f32) {
  const Format& source = checked_format(weights);
  PackedMatrix matrix;
  matrix.format = as_f32 ? find_format(TensorType::f32) : &source;
  matrix.rows = weights.rows;
  matrix.cols = weights.cols;
  matrix.band_cols = in_bands(weights, *matrix.format) ? weights.column_band : weights.cols;
  if (weights.cols > 0) matrix.panel_bytes = matrix.format->panel_bytes(matrix.band_cols);
  return matrix;
}

std::size_t packed_bytes(const PackedMatrix& matrix) {
  const std::size_t factors[] = {static_cast<std::size_t>(matrix.panel_count()), matrix.bands(), matrix.panel_bytes};
  return checked_product(factors, "a packed matrix");
}

PackedMatrix pack_matrix(const MatrixView& weights, bool as_f32, ThreadPool& pool, const Device::Packed& packed) {
  PackedMatrix matrix = matrix_to_pack(weights, as_f32);
  pack_into(matrix, AlignedBuffer(packed_bytes(matrix), "a packed matrix"), weights, pool, packed);
  return matrix;
}

void pack_into(PackedMatrix& matrix, AlignedBuffer memory, const MatrixView& weights, ThreadPool& pool,
               const Device::Packed& packed) {
  matrix.panels = std::move(memory);
  if (weights.cols == 0) return;
  const Format& source = checked_format(weights);
  const std::int64_t scratch_floats = matrix.format != &source ? kPanelRows * weights.cols : 0;
  std::vector<float> scratch(static_cast<std::size_t>(scratch_floats * pool.size()));
  const Packing packing{source, weights, matrix, scratch};
  const auto reported = static_cast<std::int64_t>(kReportedBytes / (matrix.bands() * matrix.panel_bytes));
  const std::int64_t step = std::max<std::int64_t>(1, reported);
  for (std::int64_t first = 0; first < matrix.panel_count(); first += step) {
    const std::int64_t count = std::min(step, matrix.panel_count() - first);
    pool.parallel_for(count, ThreadPool::chunks(kPanelRows * weights.cols),
                      [&](std::int64_t begin, std::int64_t end, int thread) noexcept {
                        for (std::int64_t panel = begin; panel < end; ++panel) packing.pack(first + panel, thread);
                      });
    if (!packed) continue;
    const std::int64_t row = first * kPanelRows;
    const std::int64_t rows = std::min(count * kPanelRows, weights.rows - row);
    packed({weights.data + static_cast<std::size_t>(row) * weights.row_stride,
            static_cast<std::size_t>(rows - 1) * weights.row_stride +
                row_bytes(tensor_type_info(weights.type), weights.cols)});
  }
}

PackedMatrix unpacked_matrix(const MatrixView& weights) {
  PackedMatrix matrix;
  matrix.format = &checked_format(weights);
  matrix.rows = weights.rows;
  matrix.cols = weights.cols;
  matrix.band_cols = weights.cols;
  matrix.panel_bytes = matrix.format->panel_bytes(weights.cols);
  matrix.source = weights;
  return matrix;
}

void PanelScratch::fit(std::size_t panel_bytes, int threads) {
  if (panel_bytes <= panel_bytes_) return;
  const std::size_t factors[] = {panel_bytes, static_cast<std::size_t>(threads)};
  memory_ = AlignedBuffer(checked_product(factors, "unpacked weights"), "unpacked weights");
  panel_bytes_ = panel_bytes;
}

void multiply(const PackedMatrix& matrix, const RowRange& rows, const ColumnRange& cols, const ProductInput& in,
              const float* bias, float* out, const IsaTable& isa, ThreadPool& pool, PanelScratch& scratch,
              const PackedMatrix* next) noexcept {
  if (rows.count == 0 || in.tokens == 0) return;
  if (next != nullptr && next->is_packed() && in.tokens <= kFewTokens) {
    const PanelLoop loop = loop_over(*next, next->rows, next->cols, in.tokens, isa, pool.size());
    pool.expect(loop.count, loop.chunks,
                {next->panels.data(), loop.step * static_cast<std::int64_t>(next->panel_bytes), loop.step});
  } else {
    pool.expect(0, {}, {});
  }
  const PanelLoop loop = loop_over(matrix, rows.count, cols.last - cols.first, in.tokens, isa, pool.size());
  const Product product{matrix, rows, cols, in, bias, out, isa};
  pool.parallel_for(loop.count, loop.chunks, [&](std::int64_t begin, std::int64_t end, int thread) noexcept {
    const std::int64_t first = begin * loop.step;
    const std::int64_t last = std::min(end * loop.step, panels_of(rows.count));
    if (matrix.is_packed()) {
      product.multiply_packed(first, last);
    } else {
      product.multiply_unpacked(first, last, scratch.of(thread));
    }
  });
}

void multiply_here(const PackedMatrix& matrix, const RowRange& rows, const ProductInput& in, float* out,
                   const IsaTable& isa) noexcept {
  const Product product{matrix, rows, {0, matrix.cols}, in, nullptr, out, isa};
  product.multiply_packed(0, panels_of(rows.count));
}

}  // namespace covey
