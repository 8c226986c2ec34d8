#include "model/lora.hpp"

#include <cmath>
#include <string_view>

#include "covey/error.hpp"
#include "kernels/quant/formats.hpp"
#include "third_party_free_formats/quoted.hpp"

namespace covey {
namespace {

constexpr std::string_view kSuffixA = ".lora_a";
constexpr std::string_view kSuffixB = ".lora_b";

[[noreturn]] void refuse_adapter(const GgufFile& file, const std::string& why) {
  throw Error(file.path() + ": " + why);
}

void check_kind(const GgufFile& file) {
  if (!is_adapter(file)) refuse_adapter(file, "is not an adapter: metadata 'general.type' does not say so");
  const std::string* type = file.string("adapter.type");
  if (type == nullptr || *type != "lora") {
    refuse_adapter(file,
                   "is an adapter of type " + in_quotes(type == nullptr ? "" : *type) + "; only 'lora' is supported");
  }
  if (file.find("adapter.alora.invocation_tokens") != nullptr) {
    refuse_adapter(file, "is an adapter that certain tokens turn on, which can't be merged into the weights");
  }
}

float read_alpha(const GgufFile& file) {
  const std::optional<double> alpha = file.number("adapter.lora.alpha");
  if (!alpha) refuse_adapter(file, "metadata 'adapter.lora.alpha' is missing");
  const auto value = static_cast<float>(*alpha);
  if (!std::isfinite(value) || value == 0) refuse_adapter(file, "metadata 'adapter.lora.alpha' is 0 or not finite");
  return value;
}

std::uint64_t experts_of(const GgufTensor& tensor) { return tensor.dims.size() < 3 ? 1 : tensor.dims[2]; }

void check_pair(const GgufFile& file, const std::string& target, const LoraPair& pair) {
  if (pair.a == nullptr || pair.b == nullptr) {
    refuse_adapter(file, "tensor " + in_quotes(target + std::string(pair.a == nullptr ? kSuffixA : kSuffixB)) +
                             " is missing beside the other of its pair");
  }
  for (const GgufTensor* tensor : {pair.a, pair.b}) {
    if (tensor->dims.size() < 2 || tensor->dims.size() > 3) {
      refuse_adapter(file, "tensor " + in_quotes(tensor->name) + " is not a matrix, nor one for each expert");
    }
    if (find_format(tensor->type) == nullptr) {
      refuse_adapter(file, "tensor " + in_quotes(tensor->name) + " is of type " +
                               std::string(tensor_type_info(tensor->type).name) + ", which can't be decoded");
    }
  }
  if (pair.a->dims[1] != pair.b->dims[0] || experts_of(*pair.a) != experts_of(*pair.b)) {
    refuse_adapter(file, "tensor " + in_quotes(pair.a->name) + " has rank " + std::to_string(pair.a->dims[1]) + ", " +
                             in_quotes(pair.b->name) + " rank " + std::to_string(pair.b->dims[0]) +
                             ", or they are for different numbers of experts");
  }
}

}  // namespace

bool is_adapter(const GgufFile& file) {
  const GgufValue* value = file.find("general.type");
  const auto* type = value == nullptr ? nullptr : std::get_if<std::string>(value);
  return type != nullptr && *type == "adapter";
}

LoraContents read_lora(const GgufFile& file) {
  check_kind(file);
  LoraContents contents;
  const std::string* architecture = file.string("general.architecture");
  if (architecture == nullptr) refuse_adapter(file, "metadata 'general.architecture' is missing");
  contents.architecture = *architecture;
  contents.alpha = read_alpha(file);
  for (const GgufTensor& tensor : file.tensors()) {
    const bool is_a = tensor.name.ends_with(kSuffixA);
    if (!is_a && !tensor.name.ends_with(kSuffixB)) {
      refuse_adapter(file, "tensor " + in_quotes(tensor.name) + " is neither " + std::string(kSuffixA) + " nor " +
                               std::string(kSuffixB) + " of a tensor: only these can be merged");
    }
    LoraPair& pair = contents.pairs[tensor.name.substr(0, tensor.name.size() - kSuffixA.size())];
    (is_a ? pair.a : pair.b) = &tensor;
  }
  if (contents.pairs.empty()) refuse_adapter(file, "is an adapter without tensors");
  for (const auto& [target, pair] : contents.pairs) check_pair(file, target, pair);
  return contents;
}

}  // namespace covey
