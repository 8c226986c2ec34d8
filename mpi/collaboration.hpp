// What modes of collaboration are made of: drawing proposals, and writing answers from them.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "mpi/flock_session.hpp"

namespace covey {

/// How the samples of a round are drawn.
struct Draw {
  std::int32_t samples = 1;
  std::int32_t quorum = 0;
  std::int32_t layer = 0;
  bool free = false;     ///< without the grammar, which is for what the user reads
  bool rotates = true;   ///< see FlockTask
  bool streams = false;  ///< sample 0 is the answer, and shown while it is drawn
  /// With the aggregation of them in mind: what is known of its prompt is evaluated while others are still drawing.
  /// Only for a single question, aggregated on rank 0.
  bool read_ahead = false;
};

/// Questions that are answered as they are.
std::vector<FlockQuestion> as_they_are(std::span<const GenerateOptions> questions);

/// Draws for all questions.
Flock::Result draw(Flock& flock, const Draw& how, std::vector<FlockQuestion> questions, const TextSink& sink);

/// The proposals of a question that are used, in the order in which an aggregation shows them: that of their indices;
/// with a quorum that of their coming, so that the first can be read before it is known which are the others.
std::vector<std::string> shown(const Flock::Result& drawn, std::size_t question, std::int32_t quorum);

/// Has the aggregator write the answers to `questions`; if it is lost, rank 0. False if StopAnswer ended it.
bool write_answers(Flock& flock, std::vector<FlockQuestion> questions, const TextSink& sink,
                   std::vector<Answer>& answers);

/// Draws as many samples as the questions say, and makes one of each question's the answer: that with the index that
/// `pick` gives, which may note on the proposals what it saw.
std::vector<Answer> answer_by_choice(Flock& flock, std::span<const GenerateOptions> questions, const TextSink& sink,
                                     const std::function<std::int32_t(std::vector<Proposal>&)>& pick);

/// Answers with the proposals that were drawn, and nothing else yet.
std::vector<Answer> with_proposals(Flock::Result&& drawn);
/// The same, ended early.
std::vector<Answer> stopped(std::vector<Answer> answers);

/// Throws Error unless there are samples to draw, and the samples can differ.
void check_samples(std::string_view mode, const GenerateOptions& options);
void check_quorum(const GenerateOptions& options);

}  // namespace covey
