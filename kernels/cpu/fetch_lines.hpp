// Asks for memory that is read soon.
#pragma once

#include <cstddef>

namespace covey {

/// The cache lines of some bytes. Where nothing is, that does no harm. Inlined by force: no template over an
/// instruction set, it would be shared with code for others.
[[gnu::always_inline]] inline void fetch_lines(const std::byte* at, std::ptrdiff_t bytes) {
  constexpr std::ptrdiff_t kLine = 64;
  for (std::ptrdiff_t line = 0; line < bytes; line += kLine) __builtin_prefetch(at + line);
}

}  // namespace covey
