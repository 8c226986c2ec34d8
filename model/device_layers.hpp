// How many layers a Vulkan device takes where its memory is smaller than the model, and how the rest, on the CPU, joins
// in: as a second stage of a pipeline in the same process.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "model/exchange.hpp"
#include "model/stage.hpp"

namespace covey {

/// Layers of `options` that the device takes: vulkan_layers where it is given, else as many as its free memory holds
/// with the head, the cache and room for activations. All of them without a Vulkan device, and where the shard is a
/// part of the model. Throws Error for vulkan_layers with such a shard.
std::int32_t layers_on_device(const GgufFile& file, const StageOptions& options);

/// `options` for the layers on the device, and for those after them.
StageOptions options_for_device(StageOptions options, std::int32_t layers, std::int32_t all);
StageOptions options_for_rest(StageOptions options, std::int32_t layers, std::int32_t all);

/// What the device's stage sees of the rest: hands activations over, lets the rest compute, takes back the rows that
/// logits are wanted of.
class RestOfLayers final : public Exchange {
 public:
  RestOfLayers(Stage& rest, const Batch& batch) : rest_(rest), batch_(batch) {}

  void pass_on(std::span<const float> activations) override;
  void receive(std::span<float> activations) override;

 private:
  class Handover;

  Stage& rest_;
  const Batch& batch_;
  std::vector<float> wanted_;  // (wanted, n_embd)
};

}  // namespace covey
