// What published models of the transformers library become in GGUF, as data: adding one is an entry in
// convert_spec.cpp. Which shapes tensors have, and which of them a model needs, the architecture's ArchSpec says.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace covey {

/// What happens to a tensor's weights on the way.
enum class Change : std::uint8_t {
  none,
  interleave_queries,  ///< rows of each query head: those that turn together become neighbours
  interleave_keys,     ///< the same, of KV heads
  add_one,             ///< the norm multiplies by 1 + weight
};

/// "model.layers.N.<from>" becomes "blk.N.<to>"; without `layer`, `from` becomes `to`.
struct ConvertRule {
  std::string_view from, to;
  bool layer = true;
  Change change = Change::none;
  bool must = false;  ///< beside those that the ArchSpec needs
};

/// A number that config.json may leave out.
struct ConfigDefault {
  std::string_view key;
  double value;
};

/// Whether layers see a window, where config.json gives its size.
enum class ConfigWindow : std::uint8_t {
  none,    ///< the key means nothing here
  unused,  ///< it must be switched off by use_sliding_window
  always,  ///< layers have it as the ArchSpec says
};

/// In some files the language model's tensors have another beginning.
struct NamePrefix {
  std::string_view from, to;
};

struct ConvertSpec {
  std::string_view model;         ///< config.json's "architectures"
  std::string_view architecture;  ///< the ArchSpec's name
  std::span<const ConvertRule> tensors;
  std::string_view activation = "silu";
  std::span<const ConfigDefault> defaults = {};
  bool tied = false;  ///< where config.json says nothing
  ConfigWindow window = ConfigWindow::none;
  std::string_view section = {};                    ///< of config.json that describes the language model
  std::span<const NamePrefix> prefixes = {};        ///< one of them begins every name of the language model
  std::span<const std::string_view> left_out = {};  ///< beginnings of names of other models' tensors
};

std::span<const ConvertSpec> convert_specs();
/// nullptr if there is none for this model.
const ConvertSpec* find_convert_spec(std::string_view model);
/// Comma-separated.
std::string known_models();

/// Tensors that some files hold and no model needs: they can be computed.
bool is_computed_tensor(std::string_view name);

}  // namespace covey
