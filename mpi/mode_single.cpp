// One sample of one rank: what modes with many samples have to be better than.
#include <utility>

#include "mpi/collaboration.hpp"
#include "mpi/mode_list.hpp"

namespace covey {

namespace {

void check_single(const GenerateOptions&) {}

std::vector<Answer> answer_single(Flock& flock, std::span<const GenerateOptions> questions, const TextSink& sink) {
  Draw how;
  how.streams = true;
  Flock::Result drawn = draw(flock, how, as_they_are(questions), sink);
  std::vector<Answer> answers(questions.size());
  for (std::size_t i = 0; i < answers.size(); ++i) {
    answers[i].completion = std::move(static_cast<Completion&>(drawn.proposals[i].front()));
  }
  return answers;
}

const Collaboration kSingle{"single", {}, check_single, answer_single};

std::unique_ptr<Session> open_single(Ledger& ledger, const JobOptions& options) {
  return open_flock(ledger, options, kSingle);
}

}  // namespace

const Mode kSingleMode{"single", "one sample of one rank; many questions are spread over the ranks", open_single};

}  // namespace covey
