#include <fmt/format.h>

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/command.hpp"
#include "cli/interrupt.hpp"
#include "cli/name_checks.hpp"
#include "cli/numbers.hpp"
#include "cli/output.hpp"
#include "cli/progress_bar.hpp"
#include "cli/suggestion.hpp"
#include "cli/units.hpp"
#include "kernels/quant/formats.hpp"
#include "model/synth.hpp"

namespace covey {

namespace {

/// What was given replaces what the preset says.
struct SynthFlags {
  std::string path;
  std::string preset;
  std::optional<std::uint32_t> n_embd, n_layer, n_ff, n_head, n_kv, n_vocab, n_ctx;
  std::optional<float> base;
  std::optional<std::uint64_t> seed;
  std::optional<std::string> type;
  bool tied = false;
  bool yarn = false;
  bool rope_freqs = false;
  std::optional<float> linear;
  bool quiet = false;
};

std::vector<std::string> preset_names() {
  std::vector<std::string> names;
  for (const SynthPreset& preset : synth_presets()) names.emplace_back(preset.name);
  return names;
}

template <class T>
void replace(const std::optional<T>& given, T& value) {
  if (given) value = *given;
}

SynthOptions options_of(const SynthFlags& flags) {
  SynthOptions options;
  for (const SynthPreset& preset : synth_presets()) {
    if (preset.name == flags.preset) options = preset.options;
  }
  replace(flags.n_embd, options.n_embd);
  replace(flags.n_layer, options.n_layer);
  replace(flags.n_ff, options.n_ff);
  replace(flags.n_head, options.n_head);
  replace(flags.n_kv, options.n_kv);
  replace(flags.n_vocab, options.n_vocab);
  replace(flags.n_ctx, options.n_ctx);
  replace(flags.base, options.base);
  replace(flags.seed, options.seed);
  replace(flags.linear, options.linear);
  if (flags.type) options.type = find_tensor_type(*flags.type)->type;
  options.tied = options.tied || flags.tied;
  options.yarn = options.yarn || flags.yarn;
  options.rope_freqs = options.rope_freqs || flags.rope_freqs;
  return options;
}

int synth(const SynthFlags& flags) {
  const SynthOptions options = options_of(flags);
  std::uint64_t bytes = 0;
  {
    ProgressBar bar("writing", !flags.quiet);
    write_random_model(flags.path, options, [&](std::uint64_t written, std::uint64_t all) {
      check_interrupt();
      bytes = all;
      bar.update(all == 0 ? 1.0 : static_cast<double>(written) / static_cast<double>(all));
    });
  }
  if (!flags.quiet) print_error_stream(fmt::format("{}: {} written\n", flags.path, format_bytes(bytes)));
  return kExitOk;
}

void add_shape_flags(CLI::App& parser, SynthFlags& flags) {
  const char* group = "Shape";
  const auto number = [&](const char* name, std::optional<std::uint32_t>& value, const char* meaning) {
    parser.add_option(name, value, meaning)
        ->check(whole_in_range(1, std::numeric_limits<std::int32_t>::max()))
        ->option_text("N")
        ->group(group);
  };
  number("--n-embd", flags.n_embd, "Width of the embedding");
  number("--n-layer", flags.n_layer, "Layers");
  number("--n-ff", flags.n_ff, "Width of the feed-forward network");
  number("--n-head", flags.n_head, "Query heads");
  number("--n-kv", flags.n_kv, "Key and value heads");
  number("--n-vocab", flags.n_vocab, "Tokens of the vocabulary, at least 259");
  number("--n-ctx", flags.n_ctx, "Context in tokens");
  parser.add_flag("--tied", flags.tied, "No output matrix: the embeddings serve")->group(group);
  parser.add_option("--rope-base", flags.base, "Base of the rotary embedding")
      ->check(at_least(1))
      ->option_text("X")
      ->group(group);
  parser.add_flag("--yarn", flags.yarn, "YaRN rope scaling by 4")->group(group);
  parser.add_option("--linear", flags.linear, "Linear rope scaling by X")
      ->check(at_least(1))
      ->option_text("X")
      ->group(group);
  parser.add_flag("--rope-freqs", flags.rope_freqs, "A tensor of rope factors, as Llama 3.1 has")->group(group);
}

}  // namespace

CommandRun add_synth(CLI::App& parser) {
  auto flags = std::make_shared<SynthFlags>();
  parser.add_option("FILE", flags->path, "Where to write the model, a GGUF file")
      ->required()
      ->option_text("(required)");
  parser.add_option("--preset", flags->preset, "Shape to start from: " + joined(preset_names()))
      ->check(one_of(preset_names()))
      ->option_text("NAME");
  parser.add_option("--type", flags->type, "Type of the matrices: " + joined(tensor_type_names()))
      ->check(a_tensor_type())
      ->option_text("TYPE");
  parser.add_option("--seed", flags->seed, "Equal seeds give equal models (default 1)")
      ->check(whole_at_least(0))
      ->option_text("N");
  add_shape_flags(parser, *flags);
  parser.add_flag("-q,--quiet", flags->quiet, "Nothing on standard error");
  return [flags] { return synth(*flags); };
}

}  // namespace covey
