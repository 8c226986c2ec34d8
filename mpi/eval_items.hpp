// Questions with known answers, as files hold them: JSON lines and CSV.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace covey {

/// exact: an answer that is compared; choice: one of several, by its letter.
enum class EvalKind : std::uint8_t { exact, choice };

struct EvalItem {
  std::string id;       ///< "test.jsonl:7", or what the file calls it
  std::string subject;  ///< the file's name without folders and ending
  EvalKind kind = EvalKind::exact;
  std::string question;
  std::vector<std::string> choices;  ///< of choice: 2 to 10
  std::string answer;                ///< of exact: as normal_answer() writes it; of choice: the letter, "A" to "J"
  std::string worked;                ///< the answer as the file gives it, to be shown as an example
};

/// From JSON lines: objects with "question" and "answer", and for questions with choices a list "choices" (the answer
/// is then a letter, an index from 0, or the text of a choice); "kind" ("exact", "choice") and "id" may be there. An
/// answer with "####" counts from there on (GSM8K). From CSV: rows of question, four choices and letter (MMLU), or any
/// columns under a heading that names Question, A, B, … and Answer (CMMLU). `name` stands for the text in errors and
/// tells JSON lines (.jsonl) from CSV (.csv). Throws Error naming the line.
std::vector<EvalItem> parse_eval_items(std::string_view text, const std::string& name);

/// "A" for 0.
std::string choice_letter(std::size_t index);

}  // namespace covey
