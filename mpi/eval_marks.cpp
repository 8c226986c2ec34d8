#include "mpi/eval_marks.hpp"

#include <algorithm>
#include <cmath>

namespace covey {

namespace {

constexpr double kQuantile = 1.959963984540054;  // of the normal distribution, 97.5 %

// The end of Wilson's interval on one side: -1 the lower, +1 the upper.
double wilson_end(const Share& share, double side) {
  if (share.count == 0) return side < 0 ? 0 : 1;
  const auto n = static_cast<double>(share.count);
  const double p = share.value();
  const double z2 = kQuantile * kQuantile;
  const double middle = p + z2 / (2 * n);
  const double half = kQuantile * std::sqrt(p * (1 - p) / n + z2 / (4 * n * n));
  return std::clamp((middle + side * half) / (1 + z2 / n), 0.0, 1.0);
}

std::string wanted_answer(const EvalItem& item) { return normal_answer(item.answer); }

}  // namespace

double Share::low() const { return wilson_end(*this, -1); }
double Share::high() const { return wilson_end(*this, 1); }

EvalMark mark_answer(const EvalItem& item, const Answer& answer, const AnswerRule& rule) {
  const std::string wanted = wanted_answer(item);
  EvalMark mark;
  mark.got = rule.extract(answer.completion.text);
  mark.correct = mark.got == wanted;
  if (item.kind == EvalKind::choice && mark.correct) mark.got = item.answer;  // as it is written
  std::vector<std::string> proposed;
  for (const Proposal& proposal : answer.proposals) {
    if (proposal.use != Use::used || proposal.layer != 0) continue;
    proposed.push_back(rule.extract(proposal.text));
    ++mark.proposals;
    if (proposed.back() == wanted) ++mark.correct_proposals;
  }
  mark.vote_correct = most_frequent_answer(proposed) == wanted;
  return mark;
}

}  // namespace covey
