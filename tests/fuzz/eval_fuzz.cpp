// Files of questions: whatever the bytes, a loader either throws Error or gives questions that make sense.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "covey/error.hpp"
#include "mpi/answer_rule.hpp"
#include "mpi/eval_items.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  try {
    for (const char* rule : {"auto", "letter", "json:a.b", "regex:(a|b)*c"}) covey::AnswerRule(rule).extract(text);
    const auto items = covey::parse_eval_items(text, data[0] % 2 == 0 ? "t.jsonl" : "t.csv");
    for (const covey::EvalItem& item : items) {
      const bool choice = item.kind == covey::EvalKind::choice;
      if (item.answer.empty() || item.question.empty()) std::abort();
      if (choice && static_cast<std::size_t>(item.answer[0] - 'A') >= item.choices.size()) std::abort();
    }
  } catch (const covey::Error&) {
  }
  return 0;
}
