// What rank 0 asks of the ranks of a flock, and what they answer, as bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "model/shard.hpp"
#include "mpi/mode.hpp"

namespace covey {

/// A prompt to draw from: the options' own, or where there are proposals the aggregation of them.
struct FlockQuestion {
  GenerateOptions options;
  std::vector<std::string> proposals;
  std::string synthesis;
  std::uint64_t first_sample = 0;  ///< index of its first sample among all that are drawn with its seed

  bool aggregates() const { return !proposals.empty() || !synthesis.empty(); }
};

/// Bytes that a draft goes on by, at least: a dozen tokens, so that messages are few.
inline constexpr std::size_t kDraftBytes = 48;

/// Samples of some questions, spread over some ranks.
struct FlockTask {
  std::uint64_t job = 0;  ///< ascending
  std::vector<std::int32_t> members;
  std::int32_t samples = 1;  ///< of each question
  bool rotates = false;      ///< each question's first sample is the next member's
  bool streams = false;      ///< what becomes printable of the first question's first sample is sent at once
  bool answers = false;      ///< what is drawn is the answer
  bool drafts = false;       ///< of the first question, what each rank has of its first unfinished sample is sent, too
  std::vector<FlockQuestion> questions;
};

std::vector<std::byte> encode_task(const FlockTask& task);
/// Throws Error unless `bytes` are exactly one FlockTask that makes sense, its questions' options aside.
FlockTask decode_task(std::span<const std::byte> bytes);

/// The samples of `question` that `rank` draws: consecutive ones, the first members draw one more where they don't come
/// out even. Empty for ranks that are no members.
Range samples_of(const FlockTask& task, std::size_t question, std::int32_t rank);

/// A rank's word about a task.
struct FlockMessage {
  enum class Kind : std::uint8_t {
    proposal,  ///< a sample has ended
    text,      ///< of a streamed sample
    failed,    ///< `samples` of the task will not come, `text` says why
    draft,     ///< what `text` adds to an unfinished sample, since the last draft of it
  };
  Kind kind = Kind::proposal;
  std::uint64_t job = 0;
  std::int32_t question = 0;
  std::int32_t index = 0;
  std::int32_t samples = 0;
  Completion completion;
  std::string text;
};

std::vector<std::byte> encode_flock_message(const FlockMessage& message);
/// Throws Error unless `bytes` are exactly one FlockMessage.
FlockMessage decode_flock_message(std::span<const std::byte> bytes);

}  // namespace covey
