#include "model/weights.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <string>
#include <utility>

#include "covey/error.hpp"
#include "model/bands.hpp"

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

std::string shape(std::uint64_t rows, std::uint64_t cols) {
  return std::to_string(rows) + " x " + std::to_string(cols);
}

/// The tensor of a rule; nullptr if it is absent and need not be there. Throws Error if it must, or for its shape.
const GgufTensor* find(const GgufFile& file, const HyperParams& params, const TensorRule& rule, std::int32_t layer) {
  const bool sparse = params.n_experts > 0;
  if ((rule.need == Need::dense && sparse) || (rule.need == Need::sparse && !sparse)) return nullptr;
  const std::string name = tensor_name(rule, layer);
  const GgufTensor* tensor = file.find_tensor(name);
  if (tensor == nullptr) {
    if (rule.need == Need::optional || rule.need == Need::either) return nullptr;
    throw Error(file.path() + ": tensor '" + name + "' is missing");
  }
  const bool fused = rule.within.all != Dim::none;
  auto rows = static_cast<std::uint64_t>(params.dim(fused && rule.rows != Dim::one ? rule.within.all : rule.rows));
  if (rule.scope == Scope::expert) rows *= static_cast<std::uint64_t>(params.n_experts);
  const auto cols =
      static_cast<std::uint64_t>(params.dim(fused && rule.rows == Dim::one ? rule.within.all : rule.cols));
  if (tensor->rows() != rows || tensor->cols() != cols) {
    throw Error(file.path() + ": tensor '" + name + "' is " + shape(tensor->rows(), tensor->cols()) + ", expected " +
                shape(rows, cols));
  }
  return tensor;
}

std::vector<float> floats(const GgufFile& file, const GgufTensor& tensor) {
  if (tensor.type != TensorType::f32) {
    throw Error(file.path() + ": tensor '" + tensor.name + "' is " + std::string(tensor_type_info(tensor.type).name) +
                ", expected F32");
  }
  std::vector<float> values(static_cast<std::size_t>(tensor.elements()));
  std::memcpy(values.data(), tensor.data.data(), tensor.data.size());
  return values;
}

class Loader {
 public:
  /// `column_band`: see MatrixView; of matrices that read the residual stream.
  Loader(const GgufFile& file, const HyperParams& params, const Shard& shard, const Slice& slice,
         std::int64_t column_band, Device& device, LoraMerge& adapters, const std::function<void(double)>& progress)
      : file_(file),
        params_(params),
        shard_(shard),
        slice_(slice),
        column_band_(column_band),
        device_(device),
        adapters_(adapters),
        progress_(progress) {}

  void load(const TensorRule& rule, std::int32_t layer, LayerWeights& into) {
    const GgufTensor* tensor = find(file_, params_, rule, layer);
    if (tensor == nullptr) return;
    const auto role = static_cast<std::size_t>(rule.role);
    if (rule.vector) {
      if (rule.split != Split::first_part || shard_.part == 0) into.vectors[role] = load_vector(*tensor, rule);
      progress_done(tensor->data.size());
    } else if (rule.scope == Scope::expert) {
      for (std::int32_t e = 0; e < params_.n_experts; ++e) {
        of_experts(rule.role, into.expert_matrices).push_back(load_matrix(*tensor, rule, e));
      }
    } else {
      into.matrices[role] = load_matrix(*tensor, rule);
    }
  }

  /// Matrices that are loaded from now on are declared, and listed in `absent`; nullptr: held.
  void declare_in(std::vector<AbsentMatrix>* absent) { absent_ = absent; }

  /// What rules that stand in for each other must have given between them.
  void check(const TensorRule& rule, std::int32_t layer, const LayerWeights& loaded) const {
    if (rule.need == Need::either && !loaded.matrix(rule.role)) {
      throw Error(file_.path() + ": tensor '" + tensor_name(rule, layer) + "' is missing");
    }
  }

  MatrixHandle load_matrix(const GgufTensor& tensor, const TensorRule& rule, std::int32_t expert = 0) {
    MatrixView view = whole(tensor);
    const std::int32_t all = params_.dim(rule.rows);
    const Range rows = rows_of(rule, all);
    const auto first = std::int64_t{expert} * all + params_.dim(rule.within.before) + rows.first;
    const Range cols = cols_of(rule, static_cast<std::int32_t>(view.cols));
    if (adapters_.changes(tensor) && rows.size() > 0 && cols.size() > 0) {
      return load_merged(tensor, rule, {first, rows.size(), cols.first, cols.size()});
    }
    view.data += static_cast<std::size_t>(first) * view.row_stride;
    view.rows = rows.size();
    const TensorTypeInfo& type = tensor_type_info(tensor.type);
    view.data += static_cast<std::size_t>(cols.first) / type.block_elements * type.block_bytes;
    view.cols = cols.size();
    view.column_band = column_band(rule);
    if (absent_ != nullptr) {
      absent_->push_back({device_.declare_matrix(view), view});
      return absent_->back().matrix;
    }
    // Given back to the system as packing goes on, so that weights do not lie in memory twice.
    return device_.add_matrix(view, [&](std::span<const std::byte> part) {
      file_.release(part);
      progress_done(part.size());
    });
  }

  MatrixHandle load_merged(const GgufTensor& tensor, const TensorRule& rule, const MatrixPart& part) {
    MergedMatrix merged = adapters_.merge(tensor, part);
    const auto stride = static_cast<std::int64_t>(whole(tensor).row_stride);
    const auto bytes = static_cast<std::size_t>(part.rows * stride);
    file_.release(tensor.data.subspan(static_cast<std::size_t>(part.first_row * stride), bytes));
    bool packed = false;
    merged.view.column_band = column_band(rule);
    const MatrixHandle matrix = device_.add_matrix(merged.view, [&](std::span<const std::byte>) { packed = true; });
    if (!packed) merged_.push_back(std::move(merged));
    progress_done(bytes / tensor.cols() * static_cast<std::size_t>(part.cols));
    return matrix;
  }

  /// What must live as long as the device.
  std::vector<MergedMatrix> take_merged() { return std::move(merged_); }

  VectorHandle load_vector(const GgufTensor& tensor, const TensorRule& rule) {
    const std::vector<float> values = floats(file_, tensor);
    const std::int32_t all = params_.dim(rule.rows) * params_.dim(rule.cols);
    const Range range = rows_of(rule, all);
    return device_.add_vector(
        std::span(values).subspan(static_cast<std::size_t>(params_.dim(rule.within.before) + range.first),
                                  static_cast<std::size_t>(range.size())));
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
  static std::vector<MatrixHandle>& of_experts(Role role, ExpertsSpec& experts) {
    return role == Role::ffn_gate ? experts.gate : role == Role::ffn_up ? experts.up : experts.down;
  }
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
        return is_of_vocabulary(rule.role) ? slice_.head : Range{0, all};
    }
  }
  std::int64_t column_band(const TensorRule& rule) const {
    const bool rows = rule.split == Split::query_rows || rule.split == Split::kv_rows || rule.split == Split::ff_rows;
    return rows && rule.scope == Scope::layer ? column_band_ : 0;
  }
  // The embedding is loaded as a matrix where it is the head.
  static bool is_of_vocabulary(Role role) {
    return role == Role::output || role == Role::output_bias || role == Role::token_embd;
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
  std::int64_t column_band_;
  Device& device_;
  LoraMerge& adapters_;
  const std::function<void(double)>& progress_;
  std::vector<MergedMatrix> merged_;
  std::vector<AbsentMatrix>* absent_ = nullptr;
  double done_ = 0;
};

bool belongs_to_head(Role role) {
  return role == Role::output || role == Role::output_bias || role == Role::output_norm ||
         role == Role::output_norm_bias;
}

/// In how the parts share the head: bands of its rows, as equal as the shares. Not where a part would have fewer than a
/// shortlist may ask for, nor between stages, where one part gets the rows that are wanted.
std::vector<Range> shares_of_head(const HyperParams& params, const Shard& shard) {
  if (shard.stages > 1) return {};
  const std::int32_t bands = (params.n_vocab + kBandRows - 1) / kBandRows;
  std::vector<Range> shares = split_granules(bands, shard.parts, shard.shares);
  for (Range& share : shares) share = scaled(share, kBandRows, params.n_vocab);
  const auto too_small = [](const Range& share) { return share.size() < kMostShortlisted; };
  if (std::ranges::any_of(shares, too_small)) shares.clear();
  return shares;
}

const TensorRule* find_rule(const ArchSpec& spec, Role role) {
  const auto found = std::ranges::find(spec.tensors, role, &TensorRule::role);
  return found == spec.tensors.end() ? nullptr : &*found;
}

/// Columns that a part's layers can begin with; 0 if none. Not where a sum over the parts is normed, or scaled, before
/// it joins the residual stream: what comes first would be of another kind.
std::int64_t entry_band(const ArchSpec& spec, const HyperParams& params, const Shard& shard) {
  const std::int32_t width = band_width(params.n_embd);
  const bool norms_sums = find_rule(spec, Role::attn_post_norm) || find_rule(spec, Role::ffn_post_norm);
  const bool squares_are_free = spec.head_norm != HeadNorm::all;
  const bool can = spec.norm == NormKind::rms && !norms_sums && squares_are_free && params.residual_scale == 1.0F;
  return shard.parts > 1 && width < params.n_embd && can ? width : 0;
}

}  // namespace

std::vector<float> load_rope_factors(const GgufFile& file, const ArchSpec& spec, const HyperParams& params,
                                     std::int32_t n_ctx) {
  const Role by_context = n_ctx > params.rope.original_context ? Role::rope_factors_long : Role::rope_factors_short;
  const GgufTensor* tensor = nullptr;
  for (const Role role : {Role::rope_freqs, by_context}) {
    const TensorRule* rule = find_rule(spec, role);
    if (rule != nullptr && tensor == nullptr) tensor = find(file, params, *rule, 0);
  }
  if (tensor == nullptr) return {};
  std::vector<float> factors = floats(file, *tensor);
  for (const float factor : factors) {
    if (!(factor > 0) || !std::isfinite(factor)) {
      throw Error(file.path() + ": tensor '" + tensor->name + "' holds a factor that is not above 0");
    }
  }
  return factors;
}

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
    const std::vector<Range> shares = shares_of_head(params, shard);
    if (!shares.empty()) slice.share = shares[static_cast<std::size_t>(shard.part)];
  }
  slice.head = shard.has_head() ? Range{0, params.n_vocab} : slice.share;
  return slice;
}

Weights load_weights(const GgufFile& file, const ArchSpec& spec, const HyperParams& params, const Shard& shard,
                     const Slice& slice, Device& device, LoraMerge& adapters, bool stream,
                     const std::function<void(double)>& progress) {
  Loader loader(file, params, shard, slice, entry_band(spec, params, shard), device, adapters, progress);
  Weights weights;
  weights.layers.resize(static_cast<std::size_t>(slice.layers.size()));
  if (stream) weights.absent.resize(weights.layers.size());
  const TensorRule& embedding = *find_rule(spec, Role::token_embd);
  if (shard.first_stage()) {
    weights.embedding = device.add_table(Loader::whole(*find(file, params, embedding, 0)));
    const TensorRule* positions = find_rule(spec, Role::position_embd);
    if (positions != nullptr) weights.positions = device.add_table(Loader::whole(*find(file, params, *positions, 0)));
  }

  const auto layer_of = [&](std::int32_t layer) -> LayerWeights& {
    return weights.layers[static_cast<std::size_t>(layer - slice.layers.first)];
  };
  for (const auto& rule : spec.tensors) {
    if (rule.scope != Scope::model) {
      for (std::int32_t layer = slice.layers.first; layer < slice.layers.last; ++layer) {
        if (stream) loader.declare_in(&weights.absent[static_cast<std::size_t>(layer - slice.layers.first)]);
        loader.load(rule, layer, layer_of(layer));
      }
      loader.declare_in(nullptr);
    } else if (slice.head.size() > 0 && belongs_to_head(rule.role)) {
      loader.load(rule, 0, weights.model);
    }
  }
  for (std::int32_t layer = slice.layers.first; layer < slice.layers.last; ++layer) {
    for (const auto& rule : spec.tensors) loader.check(rule, layer, layer_of(layer));
    if (params.n_experts == 0) continue;
    ExpertsSpec& experts = layer_of(layer).expert_matrices;
    experts.activation = spec.activation;
    experts.used = params.n_experts_used;
    experts.normalise = params.normalise_experts;
    layer_of(layer).experts = device.add_experts(experts);
  }
  auto& output = weights.model.matrices[static_cast<std::size_t>(Role::output)];
  if (slice.head.size() > 0 && !output) output = loader.load_matrix(*find(file, params, embedding, 0), embedding);
  weights.merged = loader.take_merged();
  if (progress) progress(1.0);
  return weights;
}

}  // namespace covey
