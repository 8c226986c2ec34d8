// What is known of a model from its file alone.
#include <algorithm>
#include <cstring>
#include <string>

#include "model/hyper_params.hpp"
#include "model/stage.hpp"

namespace covey {
namespace {

/// FNV-1a over 64-bit words (the tail padded with zeros); not for adversaries, only for accidents.
class Fingerprint {
 public:
  void add(std::span<const std::byte> bytes) {
    for (std::size_t at = 0; at < bytes.size(); at += 8) {
      std::uint64_t word = 0;
      std::memcpy(&word, bytes.data() + at, std::min<std::size_t>(8, bytes.size() - at));
      hash_ = (hash_ ^ word) * 0x100000001B3ULL;
      hash_ ^= hash_ >> 29;  // FNV alone never carries high bits down
    }
  }
  std::uint64_t value() const { return hash_; }

 private:
  std::uint64_t hash_ = 0xCBF29CE484222325ULL;
};

/// The header, and 4 KiB from the start, middle and end of each tensor: models that were trained apart differ in these,
/// and reading whole files of gigabytes at every start would cost seconds.
std::uint64_t fingerprint(const GgufFile& file) {
  constexpr std::size_t kSample = 4096;
  Fingerprint print;
  print.add(file.header());
  for (const auto& tensor : file.tensors()) {
    const auto data = tensor.data;
    const std::size_t size = std::min(kSample, data.size());
    print.add(data.first(size));
    print.add(data.subspan((data.size() - size) / 2, size));
    print.add(data.last(size));
  }
  return print.value();
}

}  // namespace

ModelFacts model_facts(const GgufFile& file) {
  const ArchSpec& spec = read_architecture(file);
  const HyperParams params = read_hyper_params(file, spec);
  ModelFacts facts;
  facts.architecture = spec.name;
  if (const auto* name = file.string("general.name")) facts.name = *name;
  facts.n_vocab = params.n_vocab;
  facts.n_embd = params.n_embd;
  facts.n_layers = params.n_layers;
  facts.n_ctx_train = params.n_ctx_train;
  facts.n_heads = params.n_heads;
  facts.n_kv_heads = params.n_kv_heads;
  facts.n_ff = params.n_ff;
  facts.head_dim = params.head_dim;
  for (const auto& tensor : file.tensors()) facts.parameters += tensor.elements();
  facts.fingerprint = fingerprint(file);
  return facts;
}

}  // namespace covey
