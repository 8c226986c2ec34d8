#include <algorithm>
#include <cstring>

#include "kernels/quant/formats.hpp"
#include "model/convert/tensor_plan.hpp"

namespace covey {
namespace {

constexpr std::uint64_t kPieceElements = 1 << 16;

/// Where the row (or element) that becomes `row` is. The dimensions of a head that turn together lie half a head apart
/// in a checkpoint and side by side in a GGUF file:
///
///   checkpoint  | a0 a1 a2 … | b0 b1 b2 … |      pair i turns (a_i, b_i)
///   GGUF        | a0 b0 a1 b1 a2 b2 …     |
std::uint64_t source_row(const PlannedTensor& tensor, std::uint64_t row) {
  if (tensor.head_rows == 0) return row;
  const std::uint64_t within = row % tensor.head_rows;
  return row - within + within % 2 * (tensor.head_rows / 2) + within / 2;
}

}  // namespace

void write_tensor(const PlannedTensor& tensor, const GgufWriter::Sink& sink) {
  if (tensor.source.tensor == nullptr) {
    sink(std::as_bytes(std::span(tensor.made)));
    return;
  }
  const SafetensorsTensor& source = *tensor.source.tensor;
  const Format& from = *find_format(*source.type);
  const Format& to = *find_format(tensor.type);
  const TensorTypeInfo& to_info = tensor_type_info(tensor.type);
  // Of vectors the elements change places.
  const std::uint64_t cols = tensor.dims.size() == 1 ? 1 : tensor.cols();
  const std::uint64_t rows = tensor.cols() * tensor.rows() / cols;
  const std::uint64_t row_bytes = cols * tensor_type_info(*source.type).block_bytes;
  const std::uint64_t piece_rows = std::min(rows, std::max<std::uint64_t>(1, kPieceElements / cols));
  const bool same = from.type == to.type && tensor.change != Change::add_one;

  std::vector<std::byte> raw(piece_rows * row_bytes), encoded;
  std::vector<float> values;
  for (std::uint64_t first = 0; first < rows; first += piece_rows) {
    const std::uint64_t count = std::min(piece_rows, rows - first);
    for (std::uint64_t i = 0; i < count; ++i) {
      std::memcpy(raw.data() + i * row_bytes, source.data.data() + source_row(tensor, first + i) * row_bytes,
                  row_bytes);
    }
    if (same) {
      sink(std::span(raw).first(count * row_bytes));
      continue;
    }
    values.resize(count * cols);
    from.decode(raw.data(), static_cast<std::int64_t>(values.size()), values.data());
    if (tensor.change == Change::add_one) {
      for (float& value : values) value += 1.0F;
    }
    encoded.resize(values.size() / to_info.block_elements * to_info.block_bytes);
    to.encode(values.data(), static_cast<std::int64_t>(values.size()), encoded.data());
    sink(encoded);
  }
  tensor.source.file->release(source.data);
}

}  // namespace covey
