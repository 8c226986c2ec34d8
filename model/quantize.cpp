#include "model/quantize.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "covey/error.hpp"
#include "kernels/cpu/thread_pool.hpp"
#include "kernels/quant/formats.hpp"
#include "model/file_type.hpp"
#include "third_party_free_formats/gguf_writer.hpp"

namespace covey {
namespace {

constexpr std::string_view kVersionKey = "general.quantization_version";
constexpr std::uint32_t kQuantizationVersion = 2;  // of the block layouts that GGUF has today

constexpr std::uint64_t kPieceWeights = 1 << 16;
constexpr std::size_t kPiecesPerThread = 4;

/// Turns rows of one type into rows of another, several pieces at a time.
class Converter {
 public:
  Converter(const GgufTensor& tensor, TensorType to)
      : tensor_(tensor),
        from_(*find_format(tensor.type)),
        to_(*find_format(to)),
        piece_rows_(std::min(tensor.rows(), std::max<std::uint64_t>(1, kPieceWeights / tensor.cols()))) {}

  /// Hands rows on in order; returns their error, the same whatever the number of threads.
  WeightError run(ThreadPool& pool, const GgufWriter::Sink& sink) {
    const std::uint64_t pieces = (tensor_.rows() + piece_rows_ - 1) / piece_rows_;
    wave_.resize(std::min<std::uint64_t>(pieces, kPiecesPerThread * static_cast<std::size_t>(pool.size())));
    for (Piece& piece : wave_) {
      piece.before.resize(piece_rows_ * tensor_.cols());
      piece.after.resize(piece.before.size());
      piece.encoded.resize(piece_rows_ * row_bytes(to_.type));
    }
    WeightError error;
    for (std::uint64_t first = 0; first < pieces; first += wave_.size()) {
      const std::uint64_t count = std::min<std::uint64_t>(wave_.size(), pieces - first);
      pool.parallel_for(static_cast<std::int64_t>(count), {1, 1},
                        [&](std::int64_t begin, std::int64_t end, int) noexcept {
                          for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i) {
                            convert(first + i, wave_[i]);
                          }
                        });
      for (std::size_t i = 0; i < count; ++i) {
        error.add(wave_[i].error);
        sink(std::span(wave_[i].encoded).first(rows_of(first + i) * row_bytes(to_.type)));
      }
    }
    return error;
  }

 private:
  struct Piece {
    std::vector<float> before, after;  // (piece_rows, cols)
    std::vector<std::byte> encoded;
    WeightError error;
  };

  std::uint64_t row_bytes(TensorType type) const {
    const TensorTypeInfo& info = tensor_type_info(type);
    return tensor_.cols() / info.block_elements * info.block_bytes;
  }
  std::uint64_t rows_of(std::uint64_t piece) const {
    return std::min(piece_rows_, tensor_.rows() - piece * piece_rows_);
  }

  void convert(std::uint64_t index, Piece& piece) const noexcept {
    const std::uint64_t n = rows_of(index) * tensor_.cols();
    const auto count = static_cast<std::int64_t>(n);
    from_.decode(tensor_.data.data() + index * piece_rows_ * row_bytes(from_.type), count, piece.before.data());
    to_.encode(piece.before.data(), count, piece.encoded.data());
    to_.decode(piece.encoded.data(), count, piece.after.data());
    piece.error = weight_error(piece.before.data(), piece.after.data(), n);
  }

  const GgufTensor& tensor_;
  const Format& from_;
  const Format& to_;
  std::uint64_t piece_rows_;
  std::vector<Piece> wave_;
};

void set_metadata(GgufWriter& writer, const GgufFile& file, const QuantizeRecipe& recipe,
                  const std::vector<QuantizedTensor>& tensors) {
  for (const auto& [key, value] : file.metadata()) {
    if (key != kFileTypeKey && key != kVersionKey) writer.set(key, value);
  }
  if (const auto number = file_type_number(recipe.mixture->name)) writer.set(std::string(kFileTypeKey), *number);
  const bool blocks = std::ranges::any_of(
      tensors, [](const QuantizedTensor& tensor) { return tensor_type_info(tensor.to).block_elements > 1; });
  if (blocks) writer.set(std::string(kVersionKey), kQuantizationVersion);
}

}  // namespace

double WeightError::relative() const {
  if (squares == 0) return 0;
  return std::sqrt(squares / weights);
}

void WeightError::add(const WeightError& other) {
  squares += other.squares;
  weights += other.weights;
  counted += other.counted;
  if (!(largest >= other.largest)) largest = std::isnan(largest) ? largest : other.largest;
}

WeightError weight_error(const float* before, const float* after, std::size_t n) noexcept {
  WeightError error;
  error.counted = n;
  for (std::size_t i = 0; i < n; ++i) {
    const double difference = static_cast<double>(after[i]) - static_cast<double>(before[i]);
    error.squares += difference * difference;
    error.weights += static_cast<double>(before[i]) * static_cast<double>(before[i]);
    error.largest = std::max(error.largest, static_cast<float>(std::fabs(difference)));
  }
  if (!std::isfinite(error.squares)) error.largest = std::numeric_limits<float>::quiet_NaN();
  return error;
}

std::vector<QuantizedTensor> plan_quantized(const GgufFile& file, const QuantizeRecipe& recipe) {
  const std::vector<TensorChoice> choices = choose_types(file, recipe);
  std::vector<QuantizedTensor> plan;
  for (std::size_t i = 0; i < choices.size(); ++i) {
    const GgufTensor& tensor = file.tensors()[i];
    const TensorTypeInfo& to = tensor_type_info(choices[i].type);
    plan.push_back({.name = tensor.name,
                    .from = tensor.type,
                    .to = to.type,
                    .wanted = choices[i].wanted,
                    .bytes_before = tensor.data.size(),
                    .bytes_after = tensor.elements() / to.block_elements * to.block_bytes,
                    .error = {}});
  }
  return plan;
}

std::vector<QuantizedTensor> write_quantized(const GgufFile& file, const std::string& path,
                                             const QuantizeRecipe& recipe, int threads,
                                             const std::function<void(std::uint64_t, std::uint64_t)>& progress) {
  refuse_overwriting(file, path);
  std::vector<QuantizedTensor> tensors = plan_quantized(file, recipe);
  ThreadPool pool(threads);
  GgufWriter writer;
  set_metadata(writer, file, recipe, tensors);
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const GgufTensor& tensor = file.tensors()[i];
    writer.add_tensor(tensor.name, tensors[i].to, tensor.dims, [&, i](const GgufWriter::Sink& sink) {
      if (tensors[i].to == tensor.type) {
        copy_tensor(file, tensor, sink);
      } else {
        tensors[i].error = Converter(tensor, tensors[i].to).run(pool, sink);
        file.release(tensor.data);
      }
    });
  }
  writer.write(path, progress);
  return tensors;
}

}  // namespace covey
