// Asks for what attention will read after a run, a bit at a time, in the order in which it lies.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "kernels/cpu/isa.hpp"

namespace covey {
namespace {

class AmxAhead {
 public:
  /// `run`'s next blocks, which have `block_lines` cache lines each, an even number.
  AmxAhead(const KvRun& run, std::int32_t block_lines) : run_(&run), block_lines_(block_lines) { next_block(); }

  [[gnu::always_inline]] void fetch(std::int32_t lines) {
    for (; lines > 0; lines -= 2) {
      if (line_ == block_lines_ && !next_block()) return;
      _mm_prefetch(at_, _MM_HINT_T1);
      _mm_prefetch(at_ + 64, _MM_HINT_T1);
      at_ += 128;
      line_ += 2;
    }
  }

 private:
  bool next_block() {
    if (block_ == run_->then_blocks.size()) return false;
    at_ = reinterpret_cast<const char*>(run_->then(block_++));
    line_ = 0;
    return true;
  }

  const KvRun* run_;
  std::int32_t block_lines_;
  const char* at_ = nullptr;
  std::int32_t line_ = 0;
  std::size_t block_ = 0;
};

}  // namespace
}  // namespace covey
