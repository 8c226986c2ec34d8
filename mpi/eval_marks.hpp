// Marking answers, and what the marks say of all answers.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mpi/answer_rule.hpp"
#include "mpi/eval_items.hpp"
#include "mpi/mode.hpp"

namespace covey {

struct EvalMark {
  std::string got;  ///< the answer that counted; empty: none was found
  bool correct = false;
  // Of what the answer was made from, in modes with proposals.
  std::int32_t proposals = 0, correct_proposals = 0;
  bool vote_correct = false;  ///< the most frequent answer of the proposals, as mode vote finds it
};

/// Marks an answer by `rule`.
EvalMark mark_answer(const EvalItem& item, const Answer& answer, const AnswerRule& rule);

/// A share of successes, and the interval that holds the true one with 95 % confidence.
/// Source: Wilson 1927, "Probable inference, the law of succession, and statistical inference".
struct Share {
  std::int64_t successes = 0, count = 0;
  double value() const { return count == 0 ? 0 : static_cast<double>(successes) / static_cast<double>(count); }
  double low() const;
  double high() const;
};

}  // namespace covey
