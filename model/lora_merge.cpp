#include "model/lora_merge.hpp"

#include <algorithm>
#include <cassert>
#include <charconv>
#include <cmath>
#include <string_view>

#include "covey/error.hpp"
#include "kernels/quant/formats.hpp"
#include "model/fingerprint.hpp"
#include "third_party_free_formats/quoted.hpp"

namespace covey {
namespace {

/// Columns whose sums are in registers while the rank is gone through.
constexpr std::int64_t kSumColumns = 32;
/// Rows that meet the same part of A while a cache holds it.
constexpr std::int64_t kRowsTogether = 8;

std::int64_t bytes_of_weights(TensorType type, std::int64_t count) {
  const TensorTypeInfo& info = tensor_type_info(type);
  return count / info.block_elements * info.block_bytes;
}

/// The name after "blk.N."; empty unless N is one of the layers.
std::string_view name_in_layer(std::string_view name, std::int32_t layers) {
  constexpr std::string_view kBlock = "blk.";
  if (!name.starts_with(kBlock)) return {};
  std::int32_t layer = -1;
  const char* const end = name.data() + name.size();
  const auto [stop, failure] = std::from_chars(name.data() + kBlock.size(), end, layer);
  if (failure != std::errc() || stop == end || *stop != '.' || layer < 0 || layer >= layers) return {};
  return name.substr(static_cast<std::size_t>(stop + 1 - name.data()));
}

/// Whether the model multiplies with the tensor of this name.
bool is_multiplied(const ArchSpec& spec, const HyperParams& params, std::string_view name) {
  const std::string_view in_layer = name_in_layer(name, params.n_layers);
  return std::ranges::any_of(spec.tensors, [&](const TensorRule& rule) {
    const bool table = rule.role == Role::token_embd || rule.role == Role::position_embd;
    const bool absent = rule.need == (params.n_experts > 0 ? Need::dense : Need::sparse);
    return !rule.vector && !table && !absent && rule.name == (rule.scope == Scope::model ? name : in_layer);
  });
}

std::uint64_t dim_or_one(const GgufTensor& tensor, std::size_t i) {
  return i < tensor.dims.size() ? tensor.dims[i] : 1;
}

std::string shape_of(const GgufTensor& tensor) {
  std::string text;
  for (const std::uint64_t dim : tensor.dims) text += (text.empty() ? "" : " x ") + std::to_string(dim);
  return text;
}

const GgufTensor& find_target(const GgufFile& adapter, const GgufFile& model, const ArchSpec& spec,
                              const HyperParams& params, const std::string& name) {
  const GgufTensor* tensor = model.find_tensor(name);
  if (tensor == nullptr) {
    throw Error(adapter.path() + ": is for tensor " + in_quotes(name) + ", which " + model.path() +
                " does not have: was it trained for another model?");
  }
  if (!is_multiplied(spec, params, name)) {
    throw Error(adapter.path() + ": is for tensor " + in_quotes(name) +
                "; only matrices that activations are multiplied with can be adapted, not embeddings and vectors: "
                "merge it into the model before it is converted");
  }
  return *tensor;
}

void check_shapes(const GgufFile& adapter, const LoraPair& pair, const GgufTensor& tensor) {
  if (pair.a->dims[0] != tensor.dims[0] || pair.b->dims[1] != dim_or_one(tensor, 1) ||
      dim_or_one(*pair.a, 2) != dim_or_one(tensor, 2) || tensor.dims.size() > 3) {
    throw Error(adapter.path() + ": tensors of " + shape_of(*pair.a) + " and " + shape_of(*pair.b) +
                " don't make a change of " + in_quotes(tensor.name) + ", which is " + shape_of(tensor));
  }
}

std::vector<float> decoded_rows(const GgufTensor& tensor, std::int64_t first_row, std::int64_t rows) {
  const auto cols = static_cast<std::int64_t>(tensor.cols());
  std::vector<float> values(static_cast<std::size_t>(rows * cols));
  find_format(tensor.type)
      ->decode(tensor.data.data() + first_row * bytes_of_weights(tensor.type, cols), rows * cols, values.data());
  return values;
}

/// What one adapter adds to rows of one matrix.
struct Factors {
  std::vector<float> a;  // (columns / kSumColumns, rank, kSumColumns): what is read together lies together
  std::vector<float> b;  // (rows of the part, rank), times the factor
  std::int64_t rank = 0;
};

Factors factors_of(const LoraPair& pair, float factor, std::int64_t expert, const MatrixPart& part) {
  Factors factors;
  factors.rank = static_cast<std::int64_t>(pair.rank());
  factors.b = decoded_rows(*pair.b, part.first_row, part.rows);
  for (float& b : factors.b) b *= factor;
  const std::vector<float> a = decoded_rows(*pair.a, expert * factors.rank, factors.rank);
  const auto a_cols = static_cast<std::int64_t>(pair.a->cols());
  const std::int64_t chunks = (part.cols + kSumColumns - 1) / kSumColumns;
  factors.a.resize(static_cast<std::size_t>(chunks * factors.rank * kSumColumns));  // the end of the last stays 0
  for (std::int64_t k = 0; k < factors.rank; ++k) {
    for (std::int64_t c = 0; c < part.cols; ++c) {
      const std::int64_t at = (c / kSumColumns * factors.rank + k) * kSumColumns + c % kSumColumns;
      factors.a[static_cast<std::size_t>(at)] = a[static_cast<std::size_t>(k * a_cols + part.first_col + c)];
    }
  }
  return factors;
}

/// into[r][c] += sum over k of b[first + r][k] * a[k][c], for `into` (rows, cols).
void add_product(const Factors& factors, std::int64_t first, std::int64_t rows, std::int64_t cols,
                 float* into) noexcept {
  const float* a = factors.a.data();
  for (std::int64_t c = 0; c < cols; c += kSumColumns, a += factors.rank * kSumColumns) {
    const std::int64_t width = std::min(kSumColumns, cols - c);
    for (std::int64_t r = 0; r < rows; ++r) {
      const float* const b = factors.b.data() + (first + r) * factors.rank;
      float sums[kSumColumns] = {};
      for (std::int64_t k = 0; k < factors.rank; ++k) {
        for (std::int64_t i = 0; i < kSumColumns; ++i) sums[i] += b[k] * a[k * kSumColumns + i];
      }
      for (std::int64_t i = 0; i < width; ++i) into[r * cols + c + i] += sums[i];
    }
  }
}

}  // namespace

LoraMerge::LoraMerge(const GgufFile& model, const ArchSpec& spec, const HyperParams& params,
                     std::span<const LoraAdapter> adapters, const CpuOptions& cpu)
    : exact_(cpu.exact) {
  Fingerprint print;
  files_.reserve(adapters.size());
  for (const LoraAdapter& adapter : adapters) {
    const GgufFile& file = files_.emplace_back(GgufFile::open(adapter.path));
    const LoraContents contents = read_lora(file);
    if (!std::isfinite(adapter.scale)) throw Error(file.path() + ": the scale of the adapter must be a finite number");
    if (contents.architecture != spec.name) {
      throw Error(file.path() + ": is an adapter of architecture " + in_quotes(contents.architecture) + ", " +
                  model.path() + " is " + in_quotes(spec.name));
    }
    for (const auto& [name, pair] : contents.pairs) {
      check_shapes(file, pair, find_target(file, model, spec, params, name));
      const float factor = adapter.scale * contents.alpha / static_cast<float>(pair.rank());
      if (adapter.scale != 0) changes_[name].push_back({pair, factor});
    }
    const std::uint64_t file_print = fingerprint_of(file);
    print.add(std::as_bytes(std::span(&file_print, 1)));
    print.add(std::as_bytes(std::span(&adapter.scale, 1)));
  }
  if (!adapters.empty()) fingerprint_ = print.value();
  if (!changes_.empty()) pool_.emplace(cpu.threads);
}

TensorType LoraMerge::merged_type(TensorType type) const {
  if (exact_) return TensorType::f32;
  return tensor_type_info(type).block_elements == 1 ? type : TensorType::q8_0;
}

MergedMatrix LoraMerge::merge(const GgufTensor& tensor, const MatrixPart& part) {
  const auto tensor_cols = static_cast<std::int64_t>(tensor.cols());
  const auto rows_each = static_cast<std::int64_t>(tensor.dims[1]);
  const std::int64_t expert = part.first_row / rows_each;
  assert(part.first_row + part.rows <= (expert + 1) * rows_each && part.first_col + part.cols <= tensor_cols);
  std::vector<Factors> all;
  for (const Change& change : changes_.find(tensor.name)->second) {
    all.push_back(factors_of(change.pair, change.factor, expert, part));
  }

  const Format& from = *find_format(tensor.type);
  const Format& to = *find_format(merged_type(tensor.type));
  const std::int64_t from_stride = bytes_of_weights(tensor.type, tensor_cols);
  const std::byte* const source =
      tensor.data.data() + part.first_row * from_stride + bytes_of_weights(tensor.type, part.first_col);
  const std::int64_t to_stride = bytes_of_weights(to.type, part.cols);
  MergedMatrix merged;
  merged.bytes.resize(static_cast<std::size_t>(part.rows * to_stride));
  std::vector<std::vector<float>> scratch(static_cast<std::size_t>(pool_->size()),
                                          std::vector<float>(static_cast<std::size_t>(kRowsTogether * part.cols)));
  pool_->parallel_for(part.rows, {1, kRowsTogether}, [&](std::int64_t begin, std::int64_t end, int thread) noexcept {
    float* const rows = scratch[static_cast<std::size_t>(thread)].data();  // (end - begin, cols)
    for (std::int64_t r = begin; r < end; ++r) {
      from.decode(source + r * from_stride, part.cols, rows + (r - begin) * part.cols);
    }
    for (const Factors& factors : all) add_product(factors, begin, end - begin, part.cols, rows);
    for (std::int64_t r = begin; r < end; ++r) {
      to.encode(rows + (r - begin) * part.cols, part.cols, merged.bytes.data() + r * to_stride);
    }
  });
  merged.view = {merged.bytes.data(), to.type, part.rows, part.cols, static_cast<std::size_t>(to_stride)};
  return merged;
}

}  // namespace covey
