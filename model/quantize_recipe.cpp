#include "model/quantize_recipe.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "covey/error.hpp"
#include "kernels/quant/formats.hpp"
#include "model/lora.hpp"

namespace covey {
namespace {

bool in_all(std::uint32_t /*layer*/, std::uint32_t /*layers*/) { return true; }
bool in_first_two(std::uint32_t layer, std::uint32_t /*layers*/) { return layer < 2; }
bool in_first_four(std::uint32_t layer, std::uint32_t /*layers*/) { return layer < 4; }
bool in_first_sixteenth(std::uint32_t layer, std::uint32_t layers) { return layer < layers / 16; }
bool in_first_eighth(std::uint32_t layer, std::uint32_t layers) { return layer < layers / 8; }
// Layers near the ends matter more; of those between, every third.
bool in_half(std::uint32_t layer, std::uint32_t layers) {
  return layer < layers / 8 || layer >= 7 * layers / 8 || (layer - layers / 8) % 3 == 2;
}

constexpr std::string_view kValues = "attn_v.weight";
constexpr std::string_view kDown = "ffn_down.weight";
constexpr std::string_view kProjection = "attn_output.weight";

constexpr MixtureRule kQ3KM[] = {{kValues, in_first_two, TensorType::q5_k},
                                 {kValues, in_all, TensorType::q4_k},
                                 {kDown, in_first_sixteenth, TensorType::q5_k},
                                 {kDown, in_all, TensorType::q4_k},
                                 {kProjection, in_all, TensorType::q4_k}};
constexpr MixtureRule kQ4KS[] = {{kValues, in_first_four, TensorType::q5_k},
                                 {kDown, in_first_eighth, TensorType::q5_k}};
constexpr MixtureRule kHalfQ6K[] = {{kValues, in_half, TensorType::q6_k}, {kDown, in_half, TensorType::q6_k}};

constexpr Mixture kMixtures[] = {{"Q3_K_M", TensorType::q3_k, kQ3KM},
                                 {"Q4_K_S", TensorType::q4_k, kQ4KS},
                                 {"Q4_K_M", TensorType::q4_k, kHalfQ6K},
                                 {"Q5_K_S", TensorType::q5_k, {}},
                                 {"Q5_K_M", TensorType::q5_k, kHalfQ6K}};

bool can_be_written(const Mixture& mixture) {
  return find_format(mixture.base) != nullptr &&
         std::ranges::all_of(mixture.rules, [](const MixtureRule& rule) { return find_format(rule.type) != nullptr; });
}

bool same_letters(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return std::ranges::equal(a, b, {}, lower, lower);
}

bool more_bits(const TensorTypeInfo& a, const TensorTypeInfo& b) {
  return std::uint64_t{a.block_bytes} * b.block_elements > std::uint64_t{b.block_bytes} * a.block_elements;
}

bool fits(const TensorTypeInfo& type, const GgufTensor& tensor) { return tensor.cols() % type.block_elements == 0; }

// Of the types with more bits, the one with the fewest; the first of equals.
const TensorTypeInfo& fitting(const TensorTypeInfo& wanted, const GgufTensor& tensor) {
  const TensorTypeInfo* best = nullptr;
  for (const Format& format : formats()) {
    const TensorTypeInfo& type = tensor_type_info(format.type);
    if (fits(type, tensor) && more_bits(type, wanted) && (best == nullptr || more_bits(*best, type))) best = &type;
  }
  return best != nullptr ? *best : tensor_type_info(TensorType::f32);
}

struct LayerTensor {
  std::uint32_t layer = 0;
  std::string_view name;  // all of it for a tensor that belongs to no layer
};

LayerTensor layer_tensor(std::string_view name) {
  constexpr std::string_view kBlock = "blk.";
  if (!name.starts_with(kBlock)) return {0, name};
  std::uint32_t layer = 0;
  const char* const end = name.data() + name.size();
  const auto [stop, failure] = std::from_chars(name.data() + kBlock.size(), end, layer);
  if (failure != std::errc() || stop == end || *stop != '.') return {0, name};
  return {layer, name.substr(static_cast<std::size_t>(stop + 1 - name.data()))};
}

class Chooser {
 public:
  Chooser(const GgufFile& file, const QuantizeRecipe& recipe)
      : recipe_(recipe), tied_(file.find_tensor("output.weight") == nullptr) {
    for (const GgufTensor& tensor : file.tensors()) layers_ = std::max(layers_, layer_tensor(tensor.name).layer + 1);
  }

  bool keeps(const GgufTensor& tensor) const {
    const auto named = [&](std::string_view part) { return tensor.name.find(part) != std::string::npos; };
    // A router is small, and what it decides is not a matter of degree.
    return tensor.dims.size() < 2 || named("ffn_gate_inp.") || std::ranges::any_of(recipe_.keep, named);
  }

  TensorType wanted(const GgufTensor& tensor) const {
    const LayerTensor place = layer_tensor(tensor.name);
    const bool embedding = place.name == "token_embd.weight";
    if (embedding && recipe_.embedding) return *recipe_.embedding;
    if (place.name == "output.weight" || (embedding && tied_)) return recipe_.output.value_or(output_type());
    for (const MixtureRule& rule : recipe_.mixture->rules) {
      if (rule.tensor == place.name && rule.applies(place.layer, layers_)) return rule.type;
    }
    return recipe_.mixture->base;
  }

 private:
  // Its errors are not made good by later layers.
  TensorType output_type() const {
    const TensorTypeInfo& least = tensor_type_info(TensorType::q6_k);
    const TensorTypeInfo& base = tensor_type_info(recipe_.mixture->base);
    return more_bits(least, base) && find_format(least.type) != nullptr ? least.type : base.type;
  }

  const QuantizeRecipe& recipe_;
  bool tied_;
  std::uint32_t layers_ = 0;
};

}  // namespace

std::span<const Mixture> mixtures() {
  static const std::vector<Mixture> all = [] {
    std::vector<Mixture> list;
    for (const Format& format : formats()) list.push_back({tensor_type_info(format.type).name, format.type, {}});
    std::ranges::copy_if(kMixtures, std::back_inserter(list), can_be_written);
    return list;
  }();
  return all;
}

const Mixture* find_mixture(std::string_view name) {
  for (const Mixture& mixture : mixtures()) {
    if (same_letters(mixture.name, name)) return &mixture;
  }
  return nullptr;
}

std::vector<TensorChoice> choose_types(const GgufFile& file, const QuantizeRecipe& recipe) {
  if (is_adapter(file)) {
    throw Error(file.path() + ": is an adapter, which stays as it is: quantize the model that it is for");
  }
  const Chooser chooser(file, recipe);
  std::vector<TensorChoice> choices;
  for (const GgufTensor& tensor : file.tensors()) {
    if (chooser.keeps(tensor)) {
      choices.push_back({tensor.type, std::nullopt});
      continue;
    }
    const TensorTypeInfo& wanted = tensor_type_info(chooser.wanted(tensor));
    if (fits(wanted, tensor)) {
      choices.push_back({wanted.type, std::nullopt});
    } else {
      choices.push_back({fitting(wanted, tensor).type, wanted.type});
    }
    if (choices.back().type != tensor.type && find_format(tensor.type) == nullptr) {
      throw Error(file.path() + ": tensor '" + tensor.name + "' is " + std::string(tensor_type_info(tensor.type).name) +
                  ", which this version can't decode");
    }
  }
  return choices;
}

}  // namespace covey
