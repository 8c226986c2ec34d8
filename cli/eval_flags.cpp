#include "cli/eval_flags.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <utility>

#include "cli/numbers.hpp"
#include "cli/text_files.hpp"
#include "covey/error.hpp"

namespace covey {

namespace {

namespace fs = std::filesystem;

const std::map<std::string, ChoiceBy>& choice_ways() {
  static const std::map<std::string, ChoiceBy> ways = {{"letter", ChoiceBy::letter},
                                                       {"letter-likelihood", ChoiceBy::letter_likelihood},
                                                       {"text-likelihood", ChoiceBy::text_likelihood}};
  return ways;
}

// MMLU calls one subject's files astronomy_test.csv and astronomy_dev.csv, CMMLU test/astronomy.csv, dev/astronomy.csv.
fs::path example_file(const fs::path& folder, const fs::path& questions) {
  std::string stem = questions.stem().string();
  const fs::path same = folder / questions.filename();
  if (fs::exists(same) || !stem.ends_with("_test")) return same;
  stem.replace(stem.size() - 4, 4, "dev");
  return folder / (stem + questions.extension().string());
}

std::vector<EvalItem> first_shots(const std::string& path, std::int32_t count) {
  std::vector<EvalItem> items = parse_eval_items(read_file(path), path);
  if (items.size() < static_cast<std::size_t>(count)) {
    throw Error(fmt::format("--shots: {} examples are wanted, {} has {}", count, path, items.size()));
  }
  items.resize(static_cast<std::size_t>(count));
  return items;
}

}  // namespace

ChoiceBy EvalFlags::by() const { return choice_ways().at(choice_by); }

std::vector<EvalItem> EvalFlags::items() const {
  std::vector<EvalItem> all;
  for (const std::string& file : files) {
    for (EvalItem& item : parse_eval_items(read_file(file), file)) all.push_back(std::move(item));
  }
  if (limit > 0 && all.size() > static_cast<std::size_t>(limit)) all.resize(static_cast<std::size_t>(limit));
  return all;
}

std::map<std::string, std::vector<EvalItem>> EvalFlags::shots_by_subject() const {
  std::map<std::string, std::vector<EvalItem>> of_subject;
  if (shots == 0) return of_subject;
  for (const std::string& file : files) {
    const std::string path = fs::is_directory(examples) ? example_file(examples, file).string() : examples;
    of_subject[fs::path(file).stem().string()] = first_shots(path, shots);
  }
  return of_subject;
}

void add_eval_flags(CLI::App& parser, EvalFlags& flags) {
  const char* group = "Questions";
  parser
      .add_option("files", flags.files,
                  "Questions with answers: JSON lines (.jsonl), or CSV as of MMLU and CMMLU (.csv)")
      ->required()
      ->option_text("FILE ...")
      ->group(group);
  CLI::Option* const examples =
      parser
          .add_option("--examples", flags.examples,
                      "Answered examples: a file, or a folder with one like each file of questions (the dev split)")
          ->option_text("PATH")
          ->group(group);
  parser.add_option("--shots", flags.shots, "Show that many examples before each question (default 0)")
      ->check(whole_in_range(0, 1000))
      ->needs(examples)
      ->option_text("N")
      ->group(group);
  parser.add_option("--limit", flags.limit, "Ask the first N questions only (default: all)")
      ->check(whole_at_least(1))
      ->option_text("N")
      ->group(group);
  parser
      .add_option("--choice-by", flags.choice_by,
                  "Questions with choices: letter (the one that the answer ends with), letter-likelihood, "
                  "text-likelihood (default letter)")
      ->check(one_of({"letter", "letter-likelihood", "text-likelihood"}))
      ->option_text("WAY")
      ->group(group);
  parser
      .add_option("--question-template", flags.question_template,
                  "Jinja template that makes a prompt of a question (default: built in)")
      ->option_text("FILE")
      ->group(group);
  parser.add_option("--together", flags.together, "Questions answered in one batch (default 8)")
      ->check(whole_in_range(1, 4096))
      ->option_text("N")
      ->group(group);
  CLI::Option* const records =
      parser.add_option("--records", flags.records, "One line of JSON for each answer, written as they come")
          ->option_text("FILE")
          ->group("Output");
  parser.add_flag("--resume", flags.resume, "Go on where the records end")->needs(records)->group("Output");
  parser.add_flag("--json", flags.json, "One JSON object instead of the table")->group("Output");
}

}  // namespace covey
