// Rotary embedding: what config.json's "rope_scaling" (or the newer "rope_parameters") says, as keys and tensors.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>

#include "model/convert/model_numbers.hpp"
#include "third_party_free_formats/quoted.hpp"

namespace covey {
namespace {

class RopeConverter {
 public:
  RopeConverter(const ModelConfig& config, const ArchSpec& arch, ModelNumbers& numbers)
      : config_(config), arch_(arch), numbers_(numbers), dims_(numbers.dims) {
    own_ = config.find("rope_parameters");
    if (own_ != nullptr && own_->find("full_attention") != nullptr) {
      window_ = own_->find("sliding_attention");
      own_ = own_->find("full_attention");
    }
    if (own_ == nullptr) own_ = config.find("rope_scaling");
    if (own_ == nullptr) own_ = &kNothing;
  }

  void run() {
    base_ = number("rope_theta").value_or(10000.0);
    if (!(base_ >= 1 && base_ <= 1e12)) config_.fail("\"rope_theta\" is out of range");
    set("rope.freq_base", base_);
    set_turning();
    set_window_base();
    const std::string& type = type_of(*own_);
    if (type == "linear") {
      set("rope.scaling.type", type);
      set("rope.scaling.factor", factor());
    } else if (type == "yarn") {
      set_yarn();
    } else if (type == "llama3") {
      set_llama3();
    } else if (type == "longrope" || type == "su") {
      set_longrope();
    } else if (type != "default") {
      config_.fail("rotary embedding of type " + in_quotes(type) +
                   " is not supported; default, linear, yarn, llama3 and longrope are");
    }
  }

 private:
  void set(std::string_view key, GgufValue value) {
    numbers_.metadata.emplace_back(std::string(arch_.name) + "." + std::string(key), std::move(value));
  }
  void set(std::string_view key, double value) { set(key, GgufValue(static_cast<float>(value))); }

  /// Stands among the settings of rotary embedding, or beside them.
  std::optional<double> number(std::string_view key) const {
    const auto value = config_.optional_number(*own_, key);
    return value ? value : config_.optional_number(key);
  }
  double needed(std::string_view key) const {
    const auto value = number(key);
    if (!value || !(*value > 0)) config_.fail("rotary embedding has no \"" + std::string(key) + "\" above 0");
    return *value;
  }
  double factor() const { return needed("factor"); }
  std::string type_of(const JsonValue& settings) const {
    const std::string* type = settings.find_string("rope_type");
    if (type == nullptr) type = settings.find_string("type");
    return type == nullptr ? "default" : *type;
  }
  std::int64_t original_context() const {
    const double context = number("original_max_position_embeddings").value_or(dims_.n_ctx_train);
    if (!(context >= 1 && context <= 1 << 30)) config_.fail("\"original_max_position_embeddings\" is out of range");
    return static_cast<std::int64_t>(context);
  }
  void refuse(std::string_view key) const {
    if (own_->find(key) != nullptr) config_.fail("rotary embedding with \"" + std::string(key) + "\" is not supported");
  }

  void set_turning() {
    const double part = number("partial_rotary_factor").value_or(1.0);
    if (!(part > 0 && part <= 1)) config_.fail("\"partial_rotary_factor\" is out of range");
    dims_.rope.dims = static_cast<std::int32_t>(part * dims_.head_dim);
    const bool interleaved = std::ranges::any_of(
        config_.spec().tensors, [](const ConvertRule& rule) { return rule.change == Change::interleave_queries; });
    if (interleaved && dims_.rope.dims != dims_.head_dim) {
      config_.fail("\"partial_rotary_factor\" is not supported for this model");
    }
    if (dims_.rope.dims < 2 || dims_.rope.dims % 2 != 0)
      config_.fail("heads have an odd number of dimensions that turn");
    set("rope.dimension_count", GgufValue(static_cast<std::uint32_t>(dims_.rope.dims)));
  }

  void set_window_base() {
    if (arch_.window_rope_base == 0) return;
    std::optional<double> base = config_.optional_number("rope_local_base_freq");
    if (window_ != nullptr) {
      if (type_of(*window_) != "default") config_.fail("layers with a window stretch their rotary embedding");
      const auto own = config_.optional_number(*window_, "rope_theta");
      if (own) base = own;
    }
    if (base) set("rope.freq_base_swa", *base);
  }

  void set_yarn() {
    for (const char* const key : {"mscale", "mscale_all_dim", "truncate"}) refuse(key);
    set("rope.scaling.type", GgufValue(std::string("yarn")));
    set("rope.scaling.factor", factor());
    set("rope.scaling.original_context_length", GgufValue(static_cast<std::uint32_t>(original_context())));
    // The file's factor is in place of YaRN's own, the key's is besides.
    if (const auto whole = number("attention_factor")) {
      set("rope.scaling.yarn_attn_factor", *whole / (1.0 + 0.1 * std::log(factor())));
    }
    if (const auto beta = number("beta_fast")) set("rope.scaling.yarn_beta_fast", *beta);
    if (const auto beta = number("beta_slow")) set("rope.scaling.yarn_beta_slow", *beta);
  }

  /// Slow pairs are stretched, fast ones are not, those between partly. All of it is in a tensor of divisors.
  void set_llama3() {
    const double stretch = factor(), low = needed("low_freq_factor"), high = needed("high_freq_factor");
    if (!(high > low)) config_.fail("\"high_freq_factor\" is not above \"low_freq_factor\"");
    const auto context = static_cast<double>(original_context());
    MadeTensor divisors{.name = "rope_freqs.weight", .values = {}};
    for (std::int32_t pair = 0; pair < dims_.rope.dims / 2; ++pair) {
      const double frequency = std::pow(base_, -2.0 * pair / dims_.rope.dims);
      const double turns = context * frequency / (2.0 * std::numbers::pi);
      const double kept = std::clamp((turns - low) / (high - low), 0.0, 1.0);
      divisors.values.push_back(static_cast<float>(1.0 / ((1.0 - kept) / stretch + kept)));
    }
    numbers_.tensors.push_back(std::move(divisors));
  }

  void set_longrope() {
    for (const char* const key : {"short_mscale", "long_mscale"}) refuse(key);
    add_factors("rope_factors_long.weight", "long_factor");
    add_factors("rope_factors_short.weight", "short_factor");
    const auto original = static_cast<double>(original_context());
    const double stretch = dims_.n_ctx_train / original;
    const double magnitude = stretch > 1 ? std::sqrt(1.0 + std::log(stretch) / std::log(original)) : 1.0;
    set("rope.scaling.type", GgufValue(std::string("longrope")));
    set("rope.scaling.original_context_length", GgufValue(static_cast<std::uint32_t>(original_context())));
    set("rope.scaling.attn_factor", number("attention_factor").value_or(magnitude));
  }

  void add_factors(const char* tensor, std::string_view key) {
    const JsonValue* const list = own_->find(key);
    if (list == nullptr || list->array() == nullptr ||
        list->array()->size() != static_cast<std::size_t>(dims_.rope.dims / 2)) {
      config_.fail("\"" + std::string(key) + "\" is no list of " + std::to_string(dims_.rope.dims / 2) + " numbers");
    }
    MadeTensor factors{.name = tensor, .values = {}};
    for (const JsonValue& item : *list->array()) {
      const double value = item.number().value_or(0);
      if (!(value > 0) || !std::isfinite(static_cast<float>(value))) {
        config_.fail("\"" + std::string(key) + "\" holds what is no number above 0");
      }
      factors.values.push_back(static_cast<float>(value));
    }
    numbers_.tensors.push_back(std::move(factors));
  }

  static const JsonValue kNothing;

  const ModelConfig& config_;
  const ArchSpec& arch_;
  ModelNumbers& numbers_;
  HyperParams& dims_;
  const JsonValue* own_ = nullptr;     // of all layers, or of those without a window
  const JsonValue* window_ = nullptr;  // of layers with a window, where they are told apart
  double base_ = 0;
};

const JsonValue RopeConverter::kNothing;

}  // namespace

void convert_rope(const ModelConfig& config, const ArchSpec& arch, ModelNumbers& numbers) {
  RopeConverter(config, arch, numbers).run();
}

}  // namespace covey
