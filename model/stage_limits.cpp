#include "model/stage_limits.hpp"

#include <algorithm>
#include <string>

#include "covey/error.hpp"

namespace covey {
namespace {

constexpr std::int32_t kBlockTokens = 32;
constexpr std::int32_t kDefaultContext = 4096;

}  // namespace

RunnerLimits stage_limits(const ArchSpec& spec, const HyperParams& params, const StageOptions& options) {
  const auto refuse_below_one = [](const char* what, std::int32_t value) {
    if (value < 1)
      throw Error(std::string(what) + ": " + std::to_string(value) + " is not a positive number of tokens");
  };
  RunnerLimits limits;
  limits.n_vocab = params.n_vocab;
  limits.n_ctx = options.n_ctx != 0 ? options.n_ctx : std::min(params.n_ctx_train, kDefaultContext);
  refuse_below_one("context", limits.n_ctx);
  if (!spec.rotary && limits.n_ctx > params.n_ctx_train) {
    throw Error("context: " + std::to_string(limits.n_ctx) + " tokens; the model has learned positions for " +
                std::to_string(params.n_ctx_train) + ", and there are no others");
  }
  limits.max_tokens = options.max_tokens;
  refuse_below_one("batch", limits.max_tokens);
  limits.block_tokens = kBlockTokens;
  const std::int32_t kv_tokens = options.kv_tokens != 0 ? options.kv_tokens : limits.n_ctx;
  refuse_below_one("KV cache", kv_tokens);
  limits.blocks = kv_tokens / kBlockTokens + (kv_tokens % kBlockTokens != 0 ? 1 : 0);
  limits.window = params.window < limits.n_ctx ? params.window : 0;
  return limits;
}

KvType stored_kv_type(const GgufFile& file, KvChoice choice) {
  switch (choice) {
    case KvChoice::f32:
      return KvType::f32;
    case KvChoice::f16:
      return KvType::f16;
    case KvChoice::q8_0:
      return KvType::q8_0;
    case KvChoice::automatic:
      break;
  }
  const auto is_f32 = [](const GgufTensor& tensor) { return tensor.type == TensorType::f32; };
  return std::ranges::all_of(file.tensors(), is_f32) ? KvType::f32 : KvType::f16;
}

}  // namespace covey
