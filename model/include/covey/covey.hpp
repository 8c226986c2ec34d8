// Covey as a library: load a small language model, generate text with it.
//
//     #include <covey/covey.hpp>
//
//     covey::Model model("model.gguf");
//     covey::Generation story = model.generate("Once upon a time", {.max_tokens = 64});
//     std::cout << story.text << '\n';
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "covey/error.hpp"
#include "covey/sampling.hpp"

namespace covey {

/// Format of cached keys and values. automatic: F32 for models of F32 weights, F16 for all others.
enum class KvChoice : std::uint8_t { automatic, f32, f16, q8_0 };

/// How a generation came to its end. end_token: by a token that ends texts, or because the grammar allows nothing more.
enum class Finish : std::uint8_t { running, end_token, stop_string, max_tokens, context_full, cancelled };

/// "end_token", "stop_string", …
const char* finish_name(Finish finish);

/// A LoRA adapter in GGUF, merged into the weights while they are loaded: W + scale * alpha / rank * B A. Quantized
/// matrices that it changes become Q8_0, which takes memory and time but keeps the change.
struct LoraAdapter {
  std::string path;
  float scale = 1.0F;  ///< finite; 0: the model as it is
};

struct ModelOptions {
  int threads = 0;                ///< 0: all cores this process may run on
  std::string isa;                ///< instruction set; empty: $COVEY_ISA, else the best that runs here
  std::int32_t context = 0;       ///< longest text in tokens; 0: what the model was trained for, at most 4096
  std::int32_t batch = 256;       ///< most tokens evaluated in one pass
  std::int32_t cache_tokens = 0;  ///< room of the KV cache over all texts; 0: as `context`
  KvChoice kv = KvChoice::automatic;
  std::vector<LoraAdapter> lora;         ///< added up, in this order
  bool exact = false;                    ///< compute in F32 on decoded weights: slow, large, for comparisons
  std::string device = "cpu";            ///< or a GPU by Vulkan: "vulkan", "vulkan:N"
  std::int32_t gpu_layers = 0;           ///< layers on the GPU; 0: as many as its memory holds
  std::function<void(double)> progress;  ///< called while loading with the fraction done
};

struct GenerationOptions {
  SamplingParams sampling;
  std::int32_t max_tokens = -1;   ///< -1: up to the context
  std::vector<std::string> stop;  ///< the text ends before the first of these
  std::optional<bool> bos;        ///< begin with BOS; unset: as the vocabulary asks
  bool special = false;           ///< control tokens written in the prompt become those tokens
  bool ignore_eos = false;        ///< go on after tokens that end the text; a grammar ends where it can't go on
};

struct Generation {
  std::string text;  ///< valid UTF-8, without the prompt
  std::vector<std::int32_t> tokens;
  std::vector<float> logprobs;  ///< natural logarithms, under the model itself, one for each token
  Finish finish = Finish::running;
  std::int32_t prompt_tokens = 0;
  std::int32_t reused_tokens = 0;  ///< prompt tokens that were in the cache already
};

/// A model in this process. Use it from one thread at a time.
class Model {
 public:
  /// Receives text as it appears, whole characters only; returns false to stop.
  using Sink = std::function<bool(std::string_view text)>;

  /// Throws Error naming `path` and what is wrong.
  explicit Model(const std::string& path, const ModelOptions& options = {});
  ~Model();
  Model(Model&&) noexcept;
  Model& operator=(Model&&) noexcept;

  /// Continues `prompt`. Throws Error if it does not fit the context or an option is out of range.
  Generation generate(std::string_view prompt, const GenerationOptions& options = {}, const Sink& sink = {});

  /// `count` independent continuations, computed together; the prompt is evaluated once. The i-th is the same whatever
  /// `count` is.
  std::vector<Generation> sample(std::string_view prompt, int count, const GenerationOptions& options = {});

  /// The logits that follow each of `tokens`, row by row: (tokens, vocabulary()).
  std::vector<float> logits(const std::vector<std::int32_t>& tokens);

  std::vector<std::int32_t> tokenize(std::string_view text, std::optional<bool> bos = {}, bool special = false) const;
  std::string detokenize(const std::vector<std::int32_t>& tokens) const;

  std::int32_t vocabulary() const;  ///< number of tokens
  std::int32_t context() const;     ///< longest text in tokens
  std::string description() const;  ///< "llama, 1.1 B parameters, on cpu avx2, 2 threads"

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace covey
