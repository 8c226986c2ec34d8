#include "model/weights.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <string>

#include "covey/error.hpp"

namespace covey {
namespace {

std::string tensor_name(const TensorRule& rule, std::int32_t layer) {
  if (rule.scope == Scope::model) return std::string(rule.name);
  return "blk." + std::to_string(layer) + "." + std::string(rule.name);
}

/// Largest block of columns, over all layers, of the tensor with this split: slices of its columns must be whole
/// blocks.
std::int32_t column_block(const GgufFile& file, const ArchSpec& spec, const HyperParams& params, Split split) {
  std::uint32_t block = 1;
  for (const auto& rule : spec.tensors) {
    if (rule.split != split) continue;
    for (std::int32_t layer = 0; layer < params.n_layers; ++layer) {
      const GgufTensor* tensor = file.find_tensor(tensor_name(rule, layer));
      if (tensor != nullptr) block = std::lcm(block, tensor_type_info(tensor->type).block_elements);
    }
  }
  return static_cast<std::int32_t>(block);
}

Range scaled(Range granules, std::int32_t unit, std::int32_t total) {
  return {std::min(granules.first * unit, total), std::min(granules.last * unit, total)};
}

/// Heads are cut between groups that share a KV head while there are enough of them, else between query heads.
void cut_heads(const HyperParams& params, const Shard& shard, std::int32_t block, Slice& slice) {
  const std::int32_t group = params.n_heads / params.n_kv_heads;
  const auto whole_blocks = [&](std::int32_t heads) {
    return std::lcm(heads * params.head_dim, block) / params.head_dim;
  };
  std::int32_t unit = whole_blocks(group);
  if (params.n_heads / unit < shard.parts) unit = whole_blocks(1);
  const std::int32_t granules = (params.n_heads + unit - 1) / unit;
  const Range cut = split_granules(granules, shard.parts, shard.shares)[static_cast<std::size_t>(shard.part)];
  slice.queries = scaled(cut, unit, params.n_heads);
  if (slice.queries.size() == 0) return;
  slice.kv = {slice.queries.first / group, (slice.queries.last - 1) / group + 1};
}

class Loader {
 public:
  Loader(const GgufFile& file, const HyperParams& params, const Shard& shard, const Slice& slice, Device& device,
         const std::function<void(double)>& progress)
      : file_(file), params_(params), shard_(shard), slice_(slice), device_(device), progress_(progress) {}

  /// nullptr if the rule is optional and the tensor absent.
  const GgufTensor* find(const TensorRule& rule, std::int32_t layer) const {
    const std::string name = tensor_name(rule, layer);
    const GgufTensor* tensor = file_.find_tensor(name);
    if (tensor == nullptr) {
      if (rule.optional) return nullptr;
      throw Error(file_.path() + ": tensor '" + name + "' is missing");
    }
    const auto rows = static_cast<std::uint64_t>(params_.dim(rule.rows));
    const auto cols = static_cast<std::uint64_t>(params_.dim(rule.cols));
    if (tensor->rows() != rows || tensor->cols() != cols) {
      throw Error(file_.path() + ": tensor '" + name + "' is " + std::to_string(tensor->rows()) + " x " +
                  std::to_string(tensor->cols()) + ", expected " + std::to_string(rows) + " x " + std::to_string(cols));
    }
    return tensor;
  }

  void load(const TensorRule& rule, std::int32_t layer, LayerWeights& into) {
    const GgufTensor* tensor = find(rule, layer);
    if (tensor == nullptr) return;
    const auto role = static_cast<std::size_t>(rule.role);
    if (rule.rows == Dim::one) {
      if (rule.split != Split::first_part || shard_.part == 0) into.vectors[role] = load_vector(*tensor, rule);
      progress_done(tensor->data.size());
    } else {
      into.matrices[role] = load_matrix(*tensor, rule);
    }
  }

  MatrixHandle load_matrix(const GgufTensor& tensor, const TensorRule& rule) {
    MatrixView view = whole(tensor);
    const Range rows = rows_of(rule, static_cast<std::int32_t>(view.rows));
    view.data += static_cast<std::size_t>(rows.first) * view.row_stride;
    view.rows = rows.size();
    const Range cols = cols_of(rule, static_cast<std::int32_t>(view.cols));
    const TensorTypeInfo& type = tensor_type_info(tensor.type);
    view.data += static_cast<std::size_t>(cols.first) / type.block_elements * type.block_bytes;
    view.cols = cols.size();
    // Given back to the system as packing goes on, so that weights do not lie in memory twice.
    return device_.add_matrix(view, [&](std::span<const std::byte> part) {
      file_.release(part);
      progress_done(part.size());
    });
  }

  VectorHandle load_vector(const GgufTensor& tensor, const TensorRule& rule) {
    const std::vector<float> values = floats(tensor);
    const Range range = rows_of(rule, static_cast<std::int32_t>(values.size()));
    return device_.add_vector(
        std::span(values).subspan(static_cast<std::size_t>(range.first), static_cast<std::size_t>(range.size())));
  }

  std::vector<float> floats(const GgufTensor& tensor) const {
    if (tensor.type != TensorType::f32) {
      throw Error(file_.path() + ": tensor '" + tensor.name + "' is " +
                  std::string(tensor_type_info(tensor.type).name) + ", expected F32");
    }
    std::vector<float> values(static_cast<std::size_t>(tensor.elements()));
    std::memcpy(values.data(), tensor.data.data(), tensor.data.size());
    return values;
  }

  static MatrixView whole(const GgufTensor& tensor) {
    const TensorTypeInfo& type = tensor_type_info(tensor.type);
    return {tensor.data.data(), tensor.type, static_cast<std::int64_t>(tensor.rows()),
            static_cast<std::int64_t>(tensor.cols()), tensor.cols() / type.block_elements * type.block_bytes};
  }

  void progress_done(std::size_t bytes) {
    done_ += static_cast<double>(bytes);
    if (progress_) progress_(std::min(1.0, done_ / static_cast<double>(file_.file_bytes())));
  }

 private:
  Range heads(Range range) const { return {range.first * params_.head_dim, range.last * params_.head_dim}; }
  Range rows_of(const TensorRule& rule, std::int32_t all) const {
    switch (rule.split) {
      case Split::query_rows:
        return heads(slice_.queries);
      case Split::kv_rows:
        return heads(slice_.kv);
      case Split::ff_rows:
        return slice_.ff;
      default:
        return {0, all};
    }
  }
  Range cols_of(const TensorRule& rule, std::int32_t all) const {
    switch (rule.split) {
      case Split::query_cols:
        return heads(slice_.queries);
      case Split::ff_cols:
        return slice_.ff;
      default:
        return {0, all};
    }
  }

  const GgufFile& file_;
  const HyperParams& params_;
  const Shard& shard_;
  const Slice& slice_;
  Device& device_;
  const std::function<void(double)>& progress_;
  double done_ = 0;
};

const TensorRule& rule_of(const ArchSpec& spec, Role role) {
  return *std::ranges::find(spec.tensors, role, &TensorRule::role);
}

std::vector<float> load_rope_factors(const Loader& loader, const GgufFile& file, const ArchSpec& spec) {
  const GgufTensor* tensor = loader.find(rule_of(spec, Role::rope_freqs), 0);
  if (tensor == nullptr) return {};
  std::vector<float> factors = loader.floats(*tensor);
  for (const float factor : factors) {
    if (!(factor > 0) || !std::isfinite(factor)) {
      throw Error(file.path() + ": tensor '" + tensor->name + "' holds a factor that is not above 0");
    }
  }
  return factors;
}

}  // namespace

Slice cut_slice(const GgufFile& file, const ArchSpec& spec, const HyperParams& params, const Shard& shard) {
  if (shard.stages < 1 || shard.stage < 0 || shard.stage >= shard.stages || shard.parts < 1 || shard.part < 0 ||
      shard.part >= shard.parts) {
    throw Error("shard: there is no stage " + std::to_string(shard.stage) + " of " + std::to_string(shard.stages) +
                " or no part " + std::to_string(shard.part) + " of " + std::to_string(shard.parts));
  }
  Slice slice;
  slice.layers = {0, params.n_layers};
  if (shard.stages > 1) {
    if (shard.stages > params.n_layers) {
      throw Error("pipeline: " + std::to_string(shard.stages) + " stages for the " + std::to_string(params.n_layers) +
                  " layers of " + file.path() + "; use at most one rank for each layer");
    }
    slice.layers = split_granules(params.n_layers, shard.stages, shard.shares)[static_cast<std::size_t>(shard.stage)];
  }
  slice.queries = {0, params.n_heads};
  slice.kv = {0, params.n_kv_heads};
  slice.ff = {0, params.n_ff};
  if (shard.parts > 1) {
    slice.kv = {};
    cut_heads(params, shard, column_block(file, spec, params, Split::query_cols), slice);
    const std::int32_t unit = column_block(file, spec, params, Split::ff_cols);
    const auto cuts = split_granules((params.n_ff + unit - 1) / unit, shard.parts, shard.shares);
    slice.ff = scaled(cuts[static_cast<std::size_t>(shard.part)], unit, params.n_ff);
  }
  return slice;
}

Weights load_weights(const GgufFile& file, const ArchSpec& spec, const HyperParams& params, const Shard& shard,
                     const Slice& slice, Device& device, const std::function<void(double)>& progress) {
  Loader loader(file, params, shard, slice, device, progress);
  Weights weights;
  weights.layers.resize(static_cast<std::size_t>(slice.layers.size()));
  const TensorRule& embedding = rule_of(spec, Role::token_embd);
  if (shard.first_stage()) weights.embedding = device.add_table(Loader::whole(*loader.find(embedding, 0)));
  weights.rope_factors = load_rope_factors(loader, file, spec);

  for (const auto& rule : spec.tensors) {
    if (rule.scope == Scope::layer) {
      for (std::int32_t layer = slice.layers.first; layer < slice.layers.last; ++layer) {
        loader.load(rule, layer, weights.layers[static_cast<std::size_t>(layer - slice.layers.first)]);
      }
    } else if (shard.has_head() && (rule.role == Role::output || rule.role == Role::output_norm)) {
      loader.load(rule, 0, weights.model);
    }
  }
  auto& output = weights.model.matrices[static_cast<std::size_t>(Role::output)];
  if (shard.has_head() && !output) output = loader.load_matrix(*loader.find(embedding, 0), embedding);
  if (progress) progress(1.0);
  return weights;
}

}  // namespace covey
