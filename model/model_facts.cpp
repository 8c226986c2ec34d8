// What is known of a model from its file alone.
#include <string>

#include "model/fingerprint.hpp"
#include "model/hyper_params.hpp"
#include "model/stage.hpp"

namespace covey {
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
  facts.fingerprint = fingerprint_of(file);
  return facts;
}

}  // namespace covey
