// Best of n: of many samples the one that the model itself finds likeliest, by the mean log-probability of its tokens.
#include <algorithm>
#include <limits>
#include <numeric>
#include <utility>

#include "mpi/collaboration.hpp"
#include "mpi/mode_list.hpp"

namespace covey {

namespace {

void check_best_of(const GenerateOptions& options) {
  check_samples("best-of", options);
  check_quorum(options);
}

double mean_logprob(const Proposal& proposal) {
  if (proposal.use != Use::used || proposal.logprobs.empty()) return -std::numeric_limits<double>::infinity();
  const double sum = std::accumulate(proposal.logprobs.begin(), proposal.logprobs.end(), 0.0);
  return sum / static_cast<double>(proposal.logprobs.size());
}

std::vector<Answer> answer_best_of(Flock& flock, std::span<const GenerateOptions> questions, const TextSink& sink) {
  Draw how;
  how.samples = questions.front().proposals;
  how.quorum = questions.front().quorum;
  Flock::Result drawn = draw(flock, how, as_they_are(questions), sink);
  const bool was_stopped = drawn.stopped;
  std::vector<Answer> answers = with_proposals(std::move(drawn));
  if (was_stopped) return stopped(std::move(answers));
  for (Answer& answer : answers) {
    const auto best = std::ranges::max_element(answer.proposals, {}, mean_logprob);  // the first of equals
    choose(flock.bench().ledger(), answer, best->index);
  }
  if (sink) sink(answers.front().completion.text);
  return answers;
}

const Collaboration kBestOf{"best-of", {}, check_best_of, answer_best_of};

std::unique_ptr<Session> open_best_of(Ledger& ledger, const JobOptions& options) {
  return open_flock(ledger, options, kBestOf);
}

}  // namespace

const Mode kBestOfMode{"best-of", "every rank draws samples, the one likeliest under the model wins", open_best_of};

}  // namespace covey
