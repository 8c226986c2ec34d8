// What one rank's share of a model exchanges with the others while it computes. The default is a model alone.
#pragma once

#include <span>

namespace covey {

/// Every function is called by all ranks that share the model, in the same order. Implementations throw Error when a
/// peer is lost.
class Exchange {
 public:
  virtual ~Exchange() = default;

  /// Tensor parallel: replaces `partial` (tokens * n_embd) by the sum over all parts, added in order of the parts.
  virtual void sum(std::span<float> partial) { static_cast<void>(partial); }
  /// Pipeline: fills `activations` with what the stage before passed on.
  virtual void receive(std::span<float> activations) { static_cast<void>(activations); }
  /// Pipeline: gives `activations` to the stage after (the last stage gives to the first, which holds the head).
  virtual void pass_on(std::span<const float> activations) { static_cast<void>(activations); }
};

}  // namespace covey
