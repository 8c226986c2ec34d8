#include "kernels/cpu/rope_table.hpp"

#include <cmath>
#include <utility>

#include "covey/error.hpp"

namespace covey {

RopeTable::RopeTable(RopeSpec spec) : spec_(std::move(spec)) {
  bool finite = std::isfinite(spec_.magnitude);
  for (const float frequency : spec_.inverse_frequency) finite = finite && std::isfinite(frequency);
  if (!finite) throw Error("the rotary embedding has a frequency or magnitude that is not a finite number");
}

void RopeTable::reserve(std::int32_t tokens) {
  const std::size_t size = static_cast<std::size_t>(tokens) * spec_.inverse_frequency.size();
  cosine_.reserve(size);
  sine_.reserve(size);
}

void RopeTable::prepare(std::uint64_t pass, std::span<const std::int32_t> position) {
  if (pass == pass_) return;
  pass_ = pass;
  cosine_.clear();
  sine_.clear();
  const auto magnitude = static_cast<double>(spec_.magnitude);
  for (const std::int32_t p : position) {
    for (const float frequency : spec_.inverse_frequency) {
      // Far into a long context, F32 would lose the angle's last digits.
      const double angle = static_cast<double>(p) * static_cast<double>(frequency);
      cosine_.push_back(static_cast<float>(std::cos(angle) * magnitude));
      sine_.push_back(static_cast<float>(std::sin(angle) * magnitude));
    }
  }
}

}  // namespace covey
