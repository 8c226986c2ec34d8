// The options of `covey eval` that say which questions are asked, how, and what is kept of the answers.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "mpi/eval_items.hpp"

namespace covey {

/// How questions with choices are answered.
enum class ChoiceBy : std::uint8_t {
  letter,             ///< the model writes, its letter counts
  letter_likelihood,  ///< the likeliest letter behind the question
  text_likelihood,    ///< the choice whose text is likeliest, by the mean over its tokens
};

struct EvalFlags {
  std::vector<std::string> files;
  std::string examples;  ///< a file, or a folder with a file for each of `files`
  std::int32_t shots = 0;
  std::int64_t limit = 0;  ///< most questions; 0: all
  std::string choice_by = "letter";
  std::string question_template;  ///< file
  std::string records;            ///< file of the records
  bool resume = false;
  std::int32_t together = 8;  ///< questions in one batch
  bool json = false;

  ChoiceBy by() const;
  /// The questions, at most `limit`. Throws Error.
  std::vector<EvalItem> items() const;
  /// The answered examples for the questions of each subject. Throws Error if there are too few.
  std::map<std::string, std::vector<EvalItem>> shots_by_subject() const;
};

/// The flags must live as long as the parser is used.
void add_eval_flags(CLI::App& parser, EvalFlags& flags);

}  // namespace covey
