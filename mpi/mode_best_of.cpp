// Best of n: of many samples the one that the model itself finds likeliest, by the mean log-probability of its tokens.
#include <algorithm>
#include <limits>
#include <numeric>

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
  return answer_by_choice(flock, questions, sink, [](const std::vector<Proposal>& proposals) {
    return std::ranges::max_element(proposals, {}, mean_logprob)->index;  // the first of equals
  });
}

const Collaboration kBestOf{"best-of", {}, check_best_of, answer_best_of};

std::unique_ptr<Session> open_best_of(Ledger& ledger, const JobOptions& options) {
  return open_flock(ledger, options, kBestOf);
}

}  // namespace

const Mode kBestOfMode{"best-of", "every rank draws samples, the one likeliest under the model wins", open_best_of};

}  // namespace covey
