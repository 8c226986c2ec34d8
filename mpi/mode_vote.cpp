// Self-consistency (Wang et al. 2022, arXiv:2203.11171): of many samples, the answer that most of them come to.
#include "mpi/answer_rule.hpp"
#include "mpi/collaboration.hpp"
#include "mpi/mode_list.hpp"

namespace covey {

namespace {

void check_vote(const GenerateOptions& options) {
  check_samples("vote", options);
  check_quorum(options);
  static_cast<void>(AnswerRule(options.extract));
}

// Of answers that are equally frequent, the one whose first sample comes first. Without any answer: the first sample.
std::int32_t most_frequent(const std::vector<Proposal>& proposals) {
  std::vector<std::string> answers;
  for (const Proposal& proposal : proposals) answers.push_back(proposal.extracted);
  const std::string winner = most_frequent_answer(answers);
  for (const Proposal& proposal : proposals) {
    if (!winner.empty() && proposal.extracted == winner) return proposal.index;
  }
  for (const Proposal& proposal : proposals) {
    if (proposal.use == Use::used) return proposal.index;
  }
  return 0;
}

std::vector<Answer> answer_vote(Flock& flock, std::span<const GenerateOptions> questions, const TextSink& sink) {
  const AnswerRule rule(questions.front().extract);
  return answer_by_choice(flock, questions, sink, [&](std::vector<Proposal>& proposals) {
    for (Proposal& proposal : proposals) {
      if (proposal.use == Use::used) proposal.extracted = rule.extract(proposal.text);
    }
    return most_frequent(proposals);
  });
}

const Collaboration kVote{"vote", {}, check_vote, answer_vote};

std::unique_ptr<Session> open_vote(Ledger& ledger, const JobOptions& options) {
  return open_flock(ledger, options, kVote);
}

}  // namespace

const Mode kVoteMode{"vote", "every rank draws samples, the answer that most come to wins", open_vote};

}  // namespace covey
