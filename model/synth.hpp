// Writes llama models with seeded random weights: small ones as correctness cases, real-sized ones for timing. Any
// language can write the same file, as every weight is a pure function of (seed, tensor name, index): synth_rule.hpp.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "third_party_free_formats/tensor_type.hpp"

namespace covey {

struct SynthOptions {
  std::uint32_t n_embd = 256;
  std::uint32_t n_layer = 3;
  std::uint32_t n_ff = 768;
  std::uint32_t n_head = 8;
  std::uint32_t n_kv = 4;
  std::uint32_t n_vocab = 512;  ///< at least 259: three special tokens and one for each byte
  std::uint32_t n_ctx = 512;
  float base = 10000.0F;  ///< of the rotary embedding
  std::uint64_t seed = 1;
  TensorType type = TensorType::f32;  ///< of all matrices: any that has an encoder; norm vectors stay F32
  bool tied = false;                  ///< no output matrix: the embeddings serve
  bool yarn = false;                  ///< YaRN rope scaling, factor 4, of a model for n_ctx / 4
  float linear = 0.0F;                ///< factor of linear rope scaling; 0: none
  bool rope_freqs = false;            ///< a tensor of rope factors that slow low frequencies, as Llama 3.1 has
};

struct SynthPreset {
  std::string_view name;
  SynthOptions options;
};

/// Shapes to start from, smallest first.
std::span<const SynthPreset> synth_presets();

/// Writes the model; memory stays bounded, all processors work. Throws Error naming what is wrong with the options, or
/// the path. `progress` is called with (bytes written, bytes in all), in the calling thread.
void write_random_model(const std::string& path, const SynthOptions& options,
                        const std::function<void(std::uint64_t, std::uint64_t)>& progress = {});

}  // namespace covey
