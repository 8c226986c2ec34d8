// What one rank's share of a model exchanges with the others while it computes. The default is a model alone.
#pragma once

#include <cstdint>
#include <span>

namespace covey {

/// What a sum is for: whether it may be rounded on its way, and what can be done about that.
enum class SumUse : std::uint8_t {
  residual,  ///< joins the residual stream as it is: what rounding took, a later sum of the pass can bring
  normed,    ///< is normed first: what rounding took is lost
  exact,     ///< few and delicate: must not be rounded
};

/// Every function is called by all ranks that share the model, in the same order. Implementations throw Error when a
/// peer is lost.
class Exchange {
 public:
  virtual ~Exchange() = default;

  /// A forward pass begins.
  virtual void begin() {}
  /// Tensor parallel: replaces `partial` (tokens * n_embd, unless `use` is exact) by the sum over all parts.
  virtual void sum(std::span<float> partial, SumUse use) {
    static_cast<void>(partial);
    static_cast<void>(use);
  }
  /// Tensor parallel: of how many tokens a sum can travel while others are computed, with the bits that one sum of all
  /// tokens has; 0: of none.
  virtual std::int32_t tokens_on_the_way() const { return 0; }
  /// Whether several sums of so many values can, together of no more tokens than that, and are worth their messages.
  virtual bool several_on_the_way(std::size_t values) const {
    static_cast<void>(values);
    return false;
  }
  /// The same as sum(), of a piece of what the pass sums up, in every step cut and ordered alike; `first`: how many
  /// values come before it. `partial` holds the sum once finish_sum() has returned as often as sums had been started
  /// with this one. One is under way at a time, or several.
  virtual void start_sum(std::span<float> partial, SumUse use, std::size_t first) {
    static_cast<void>(partial);
    static_cast<void>(use);
    static_cast<void>(first);
  }
  virtual void finish_sum() {}
  /// Whether finish_sum() would return at once, as far as can be told.
  virtual bool sum_is_here() { return true; }
  /// Tensor parallel: `all` becomes what every part has, in order of parts, on the first part; it is empty elsewhere.
  virtual void gather(std::span<const float> mine, std::span<float> all) {
    static_cast<void>(mine);
    static_cast<void>(all);
  }
  /// Pipeline: fills `activations` with what the stage before passed on.
  virtual void receive(std::span<float> activations) { static_cast<void>(activations); }
  /// Pipeline: gives `activations` to the stage after (the last stage gives to the first, which holds the head).
  virtual void pass_on(std::span<const float> activations) { static_cast<void>(activations); }
};

}  // namespace covey
