#include "covey/covey.hpp"

#include <cstdio>
#include <utility>

#include "model/engine.hpp"
#include "model/evaluate.hpp"
#include "model/stage.hpp"
#include "model/tokenizer.hpp"
#include "third_party_free_formats/gguf.hpp"

namespace covey {
namespace {

StageOptions stage_options(const ModelOptions& options) {
  StageOptions stage;
  stage.cpu.threads = options.threads;
  stage.cpu.isa = options.isa;
  stage.cpu.exact = options.exact;
  stage.vulkan = device_named(options.device);
  stage.vulkan_layers = options.gpu_layers;
  stage.kv = options.kv;
  stage.n_ctx = options.context;
  stage.max_tokens = options.batch;
  stage.kv_tokens = options.cache_tokens;
  stage.lora = options.lora;
  stage.progress = options.progress;
  return stage;
}

Generation generation(const Completion& completion) {
  return {completion.text,   completion.tokens,        completion.logprobs,
          completion.finish, completion.prompt_tokens, completion.reused_tokens};
}

}  // namespace

struct Model::Impl {
  Impl(const std::string& path, const ModelOptions& options)
      : file(GgufFile::open(path)),
        facts(model_facts(file)),
        tokenizer(Tokenizer::from_gguf(file)),
        stage(file, stage_options(options)),
        runner(stage),
        engine(runner, *tokenizer) {}

  std::vector<SampleId> submit(std::string_view prompt, const GenerationOptions& options, int count) {
    Request request;
    request.prompt = tokenizer->encode(prompt, {options.bos, options.special});
    request.sampling = options.sampling;
    request.max_tokens = options.max_tokens;
    request.stop = options.stop;
    request.ignore_eos = options.ignore_eos;
    request.samples = count;
    return engine.submit(request);
  }

  Generation take(SampleId id) {
    Generation result = generation(engine.completion(id));
    engine.forget(id);
    return result;
  }

  GgufFile file;
  ModelFacts facts;
  std::unique_ptr<Tokenizer> tokenizer;
  Stage stage;
  LocalRunner runner;
  Engine engine;
};

Model::Model(const std::string& path, const ModelOptions& options) : impl_(std::make_unique<Impl>(path, options)) {}
Model::~Model() = default;
Model::Model(Model&&) noexcept = default;
Model& Model::operator=(Model&&) noexcept = default;

Generation Model::generate(std::string_view prompt, const GenerationOptions& options, const Sink& sink) {
  const SampleId id = impl_->submit(prompt, options, 1).front();
  bool wanted = true;
  const auto pass_on = [&](const Event& event) {
    if (wanted && sink && !event.text.empty()) wanted = sink(event.text);
  };
  while (wanted && impl_->engine.step(pass_on)) {
  }
  impl_->engine.cancel(id);
  return impl_->take(id);
}

std::vector<Generation> Model::sample(std::string_view prompt, int count, const GenerationOptions& options) {
  const auto ids = impl_->submit(prompt, options, count);
  impl_->engine.run();
  std::vector<Generation> results;
  results.reserve(ids.size());
  for (const SampleId id : ids) results.push_back(impl_->take(id));
  return results;
}

std::vector<float> Model::logits(const std::vector<std::int32_t>& tokens) { return all_logits(impl_->runner, tokens); }

std::vector<std::int32_t> Model::tokenize(std::string_view text, std::optional<bool> bos, bool special) const {
  return impl_->tokenizer->encode(text, {bos, special});
}

std::string Model::detokenize(const std::vector<std::int32_t>& tokens) const {
  for (const auto token : tokens) {
    if (token < 0 || token >= impl_->tokenizer->size()) {
      throw Error("token " + std::to_string(token) + " is not in the vocabulary of " +
                  std::to_string(impl_->tokenizer->size()));
    }
  }
  return impl_->tokenizer->decode(tokens, false);
}

std::int32_t Model::vocabulary() const { return impl_->stage.limits().n_vocab; }
std::int32_t Model::context() const { return impl_->stage.limits().n_ctx; }

std::string Model::description() const {
  char size[32];
  const auto parameters = static_cast<double>(impl_->facts.parameters);
  if (parameters < 1e9) {
    std::snprintf(size, sizeof size, "%.1f M", parameters / 1e6);
  } else {
    std::snprintf(size, sizeof size, "%.1f B", parameters / 1e9);
  }
  return impl_->facts.architecture + ", " + size + " parameters, on " + impl_->stage.device_description();
}

}  // namespace covey
