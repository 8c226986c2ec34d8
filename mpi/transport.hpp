// Bytes between ranks. Implementations: self (alone), loopback (threads of one process), MPI; decorators: EmulatedLink,
// Ledger.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "covey/error.hpp"

namespace covey {

/// Streams of messages between two ranks; messages of one tag arrive in the order they were sent.
enum class Tag : std::uint8_t {
  control,     ///< start-up, shut-down, reports: not part of the work measured
  batch,       ///< what to evaluate next, and who is in the group
  activation,  ///< pipeline: hidden states
  partial,     ///< tensor parallel: partial sums
  text,        ///< collaboration: prompts and proposals
  membership,  ///< answers to roll calls
  weights,     ///< layers that another rank keeps
};
inline constexpr int kTagCount = 7;

/// Streams that a loss does not interrupt: what is said about it goes there.
constexpr bool outlasts_losses(Tag tag) { return tag == Tag::batch || tag == Tag::membership; }

using Clock = std::chrono::steady_clock;
using Deadline = Clock::time_point;

/// recv() then waits until the message comes or some rank fails.
inline constexpr Deadline kNoDeadline = Deadline::max();

/// A peer that is gone, silent beyond the deadline, has failed, or sends what is no message. The message names the
/// rank.
class PeerLost : public Error {
 public:
  PeerLost(int rank, const std::string& message, bool certain = true)
      : Error(message), rank_(rank), certain_(certain) {}
  int rank() const { return rank_; }
  /// False of a rank that is only silent: it may be waiting for the one that is really lost.
  bool certain() const { return certain_; }

 private:
  int rank_;
  bool certain_;
};

/// Used by one thread of each rank at a time. Both sides of a message know its size beforehand (message.hpp frames
/// those that vary).
class Transport {
 public:
  virtual ~Transport() = default;

  virtual int rank() const = 0;
  virtual int size() const = 0;
  /// Ranks on this rank's host, itself included, and this rank's index among them.
  virtual int host_size() const = 0;
  virtual int host_rank() const = 0;
  /// Whether messages take long to arrive, beside what it takes to send and receive them.
  virtual bool is_network() const { return host_size() < size(); }

  /// Returns once `bytes` may be reused; the message may still be under way. Throws PeerLost if `to` is known to be
  /// gone, or too much has been waiting for it for too long.
  virtual void send(int to, std::span<const std::byte> bytes, Tag tag) = 0;
  /// Fills `bytes` with the next message of `tag` from `from`. Throws PeerLost past the deadline or when `from` has
  /// failed, Error if the message has another size.
  virtual void recv(int from, std::span<std::byte> bytes, Tag tag, Deadline deadline) = 0;
  /// Whether recv would find the beginning of a message of `tag` from `from` without waiting for it to be sent. Throws
  /// PeerLost as recv does.
  virtual bool ready(int from, Tag tag) = 0;

  /// Whether recv of a message of `bytes` bytes would return about at once. Throws as recv does.
  virtual bool arrived(int from, std::size_t bytes, Tag tag) {
    static_cast<void>(bytes);
    return ready(from, tag);
  }

  /// Whether sum() works: as the library below likes it, over all ranks.
  virtual bool can_sum() const { return false; }
  /// Collective: replaces `values` by their sum over all ranks. The order of additions is the library's business.
  /// Throws PeerLost once a rank is known to have failed, Error past the deadline: who is late can't be told.
  virtual void sum(std::span<float> values, Deadline deadline);

  /// From here on the failure of one rank ends what this rank does with that rank alone; before, any rank's failure
  /// ends all.
  virtual void outlive_others() = 0;

  /// Tells all peers to give up what the group is doing, because of this loss: until they regroup, their recv and ready
  /// throw PeerLost with it, but for tags that outlast losses. Does nothing if this rank has told, or been told, since
  /// it regrouped. Best effort; never throws.
  virtual void alarm(const PeerLost& loss) noexcept = 0;
  /// From here on messages are those of `generation`, which is later than any before; those of earlier ones that are
  /// still under way will not be received, tags that outlast losses aside. Ranks that are not among `members` are lost.
  virtual void regroup(std::uint32_t generation, std::span<const int> members) = 0;

  /// How users count this transport's `rank`.
  virtual int known_as(int rank) const { return rank; }

  /// Tells all peers that this rank can't go on: their recv throws PeerLost with this rank and `why`, or with the rank
  /// that this one has lost, if that is the cause. Only the first call counts. Best effort; never throws.
  virtual void fail(const std::string& why) noexcept = 0;
};

}  // namespace covey
