// The tags of MPI that messages travel under. Messages of earlier groups must not be taken for those of this one: each
// generation has tags of its own.
#pragma once

#include "mpi/transport.hpp"

namespace covey {

inline constexpr std::uint32_t kGenerations = 1 << 20;  // tags are ints
inline constexpr int kTagsOfGeneration = 16;
inline constexpr int kTouchTag = kTagCount;
inline constexpr int kFailTag = kTagCount + 1;  // of all generations
static_assert(kFailTag < kTagsOfGeneration);

inline int wire_tag(Tag tag, std::uint32_t generation) {
  return static_cast<int>(tag) +
         (outlasts_losses(tag) ? 0 : static_cast<int>(generation % kGenerations) * kTagsOfGeneration);
}

}  // namespace covey
