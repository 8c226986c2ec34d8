// What a thread does for the next loop while it waits for it: fetches what it will probably read first to its cache.
// Memory, which binds when single tokens are generated, then works also while one thread does what cannot be shared.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace covey {

/// What a loop reads: iteration i the bytes from first + i * step on. A range of iterations is read as `streams` equal
/// parts side by side.
struct LoopReads {
  const std::byte* first = nullptr;  ///< nullptr: nothing is known
  std::int64_t step = 0;
  std::int64_t streams = 1;
};

/// Told by one thread, read by the others at any time. If they read while it is told anew, they fetch in vain: no harm.
class ExpectedReads {
 public:
  void tell(const LoopReads& reads) noexcept {
    step_.store(reads.step, std::memory_order_relaxed);
    streams_.store(reads.streams, std::memory_order_relaxed);
    first_.store(reads.first, std::memory_order_relaxed);
  }
  LoopReads reads() const noexcept {
    return {first_.load(std::memory_order_relaxed), step_.load(std::memory_order_relaxed),
            streams_.load(std::memory_order_relaxed)};
  }

 private:
  std::atomic<const std::byte*> first_{nullptr};
  std::atomic<std::int64_t> step_{0};
  std::atomic<std::int64_t> streams_{1};
};

/// A line after the other of a range of iterations.
class IdleFetch {
 public:
  IdleFetch() = default;
  IdleFetch(const LoopReads& reads, std::int64_t begin, std::int64_t end) {
    if (reads.first == nullptr) return;
    at_ = reads.first + begin * reads.step;
    streams_ = reads.streams;
    part_ = (end - begin) * reads.step / streams_;
    left_ = std::min(part_, kMost / streams_) / kLine * streams_;
  }

  /// False: nothing is left.
  bool next() noexcept {
    if (left_ == 0) return false;
    --left_;
    __builtin_prefetch(at_ + stream_ * part_);
    if (++stream_ == streams_) {
      stream_ = 0;
      at_ += kLine;
    }
    return true;
  }

 private:
  static constexpr std::int64_t kLine = 64;
  static constexpr std::int64_t kMost = 128 << 10;  // bytes: a part of a second-level cache

  const std::byte* at_ = nullptr;  // of the first stream
  std::int64_t part_ = 0;          // bytes from stream to stream
  std::int64_t streams_ = 1;
  std::int64_t stream_ = 0;
  std::int64_t left_ = 0;  // lines
};

}  // namespace covey
