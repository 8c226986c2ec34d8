#include "model/convert/tensor_plan.hpp"

#include <algorithm>
#include <set>

#include "covey/error.hpp"
#include "third_party_free_formats/gguf_layout.hpp"
#include "third_party_free_formats/quoted.hpp"

namespace covey {
namespace {

constexpr std::size_t kMostNamed = 5;  // in a message

std::string shape_text(const std::vector<std::uint64_t>& shape) {
  std::string text;
  for (const std::uint64_t dim : shape) text += (text.empty() ? "" : " x ") + std::to_string(dim);
  return text.empty() ? "a single number" : text;
}

class TensorPlanner {
 public:
  TensorPlanner(const Checkpoint& checkpoint, const ModelConfig& config, const ArchSpec& arch, ModelNumbers& numbers,
                std::optional<TensorType> type)
      : checkpoint_(checkpoint), config_(config), arch_(arch), numbers_(numbers), type_(type) {}

  std::vector<PlannedTensor> run() {
    name_tensors();
    find_vocabulary();
    for (const ConvertRule& rule : config_.spec().tensors) {
      if (!rule.layer) add(rule, std::string(rule.from), std::string(rule.to));
    }
    for (MadeTensor& made : numbers_.tensors) {
      PlannedTensor tensor;
      tensor.name = made.name;
      tensor.dims = {made.values.size()};
      tensor.made = std::move(made.values);
      plan_.push_back(std::move(tensor));
    }
    for (std::int32_t layer = 0; layer < numbers_.dims.n_layers; ++layer) {
      const std::string number = std::to_string(layer);
      for (const ConvertRule& rule : config_.spec().tensors) {
        if (!rule.layer) continue;
        add(rule, "model.layers." + number + "." + std::string(rule.from),
            "blk." + number + "." + std::string(rule.to));
      }
    }
    refuse_unknown();
    return std::move(plan_);
  }

 private:
  /// Names without what some files put before them; tensors of other models beside the language model are left out.
  void name_tensors() {
    const ConvertSpec& spec = config_.spec();
    for (const auto& [name, tensor] : checkpoint_.tensors()) {
      const auto begins = [&name = name](std::string_view start) { return name.starts_with(start); };
      if (is_computed_tensor(name) || std::ranges::any_of(spec.left_out, begins)) continue;
      std::string plain = name;
      const auto prefix = std::ranges::find_if(spec.prefixes, begins, &NamePrefix::from);
      if (prefix != spec.prefixes.end()) plain.replace(0, prefix->from.size(), prefix->to);
      tensors_.try_emplace(plain, tensor);
    }
  }

  const TensorRule& target(const ConvertRule& rule) const {
    const auto found = std::ranges::find(arch_.tensors, rule.to, &TensorRule::name);
    if (found == arch_.tensors.end()) throw Error("no tensor " + in_quotes(rule.to) + " in " + std::string(arch_.name));
    return *found;
  }

  void find_vocabulary() {
    const auto embedding = tensors_.find("model.embed_tokens.weight");
    if (embedding == tensors_.end()) fail_missing("model.embed_tokens.weight");
    const SafetensorsTensor& tensor = *embedding->second.tensor;
    if (tensor.shape.size() != 2 || tensor.shape[0] < 1 || tensor.shape[0] > 1 << 24) {
      fail(embedding->second, "is no embedding of 1 to 2^24 tokens");
    }
    numbers_.dims.n_vocab = static_cast<std::int32_t>(tensor.shape[0]);
    tied_ = config_.flag("tie_word_embeddings", config_.spec().tied);
  }

  void add(const ConvertRule& rule, const std::string& from, const std::string& to) {
    const TensorRule& expected = target(rule);
    const bool output = expected.role == Role::output;
    const auto found = tensors_.find(from);
    if (found == tensors_.end()) {
      if (rule.must || expected.need != Need::optional || (output && !tied_)) fail_missing(from);
      return;
    }
    used_.insert(from);
    if (output && tied_) return;  // it is the embedding's, whatever the file holds
    PlannedTensor tensor;
    tensor.name = to;
    tensor.source = found->second;
    tensor.change = rule.change;
    check_shape(tensor, expected);
    choose_type(tensor);
    if (rule.change == Change::interleave_queries || rule.change == Change::interleave_keys) {
      tensor.head_rows = static_cast<std::uint64_t>(numbers_.dims.head_dim);
    }
    plan_.push_back(std::move(tensor));
  }

  void check_shape(PlannedTensor& tensor, const TensorRule& rule) const {
    const HyperParams& dims = numbers_.dims;
    const bool fused = rule.within.all != Dim::none;
    std::vector<std::uint64_t> shape;
    if (!rule.vector) shape.push_back(static_cast<std::uint64_t>(dims.dim(fused ? rule.within.all : rule.rows)));
    shape.push_back(static_cast<std::uint64_t>(dims.dim(rule.cols)));
    if (tensor.source.tensor->shape != shape) {
      fail(tensor.source, "is " + shape_text(tensor.source.tensor->shape) + ", expected " + shape_text(shape) + " by " +
                              config_.path());
    }
    tensor.dims.assign(shape.rbegin(), shape.rend());
  }

  void choose_type(PlannedTensor& tensor) const {
    const SafetensorsTensor& source = *tensor.source.tensor;
    if (!source.type) {
      fail(tensor.source, "is " + source.dtype + ", which can't be converted; F32, F16 and BF16 can");
    }
    if (tensor.dims.size() == 1) return;  // F32
    tensor.type = type_.value_or(*source.type);
    if (tensor.cols() % tensor_type_info(tensor.type).block_elements != 0) tensor.type = TensorType::f16;
  }

  void refuse_unknown() const {
    std::string names;
    std::size_t count = 0;
    for (const auto& [name, tensor] : tensors_) {
      if (used_.contains(name)) continue;
      if (++count <= kMostNamed) names += (count == 1 ? "" : ", ") + in_quotes(tensor.tensor->name);
    }
    if (count == 0) return;
    throw Error(checkpoint_.folder() + ": " + std::to_string(count) + " tensors are not known in a " +
                std::string(config_.spec().model) + " of " + std::to_string(numbers_.dims.n_layers) +
                " layers: " + names + (count > kMostNamed ? ", …" : "") + "; what they do would be lost");
  }

  [[noreturn]] void fail_missing(const std::string& name) const {
    throw Error(checkpoint_.folder() + ": tensor " + in_quotes(name) + " is missing");
  }
  [[noreturn]] static void fail(const CheckpointTensor& tensor, const std::string& what) {
    throw Error(tensor.file->path() + ": tensor " + in_quotes(tensor.tensor->name) + " " + what);
  }

  const Checkpoint& checkpoint_;
  const ModelConfig& config_;
  const ArchSpec& arch_;
  ModelNumbers& numbers_;
  std::optional<TensorType> type_;
  bool tied_ = false;
  std::map<std::string, CheckpointTensor> tensors_;
  std::set<std::string> used_;
  std::vector<PlannedTensor> plan_;
};

}  // namespace

std::uint64_t PlannedTensor::bytes() const { return gguf_tensor_bytes("tensor " + in_quotes(name), type, dims); }

std::vector<PlannedTensor> plan_tensors(const Checkpoint& checkpoint, const ModelConfig& config, const ArchSpec& arch,
                                        ModelNumbers& numbers, std::optional<TensorType> type) {
  return TensorPlanner(checkpoint, config, arch, numbers, type).run();
}

}  // namespace covey
