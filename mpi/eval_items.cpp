#include "mpi/eval_items.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <optional>
#include <utility>

#include "covey/error.hpp"
#include "mpi/answer_rule.hpp"
#include "mpi/csv.hpp"
#include "third_party_free_formats/json_value.hpp"
#include "third_party_free_formats/quoted.hpp"

namespace covey {

namespace {

constexpr std::size_t kMostChoices = 10;

[[noreturn]] void bad_item(const std::string& place, const std::string& what) { throw Error(place + ": " + what); }

std::string place_of_line(const std::string& name, std::int64_t line) { return name + ":" + std::to_string(line); }

std::string without_case(std::string_view text) {
  std::string small(text);
  std::ranges::transform(small, small.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return small;
}

std::string_view trimmed_cell(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// The letter that `answer` stands for; empty if for none.
std::string letter_of(std::string_view answer, const std::vector<std::string>& choices) {
  const std::string_view text = trimmed_cell(answer);
  if (text.size() == 1) {
    const char letter = text[0] >= 'a' ? static_cast<char>(text[0] - 32) : text[0];
    if (letter >= 'A' && letter < 'A' + static_cast<int>(choices.size())) return std::string(1, letter);
  }
  const auto same = std::ranges::find(choices, text);
  return same == choices.end() ? std::string() : choice_letter(static_cast<std::size_t>(same - choices.begin()));
}

void finish_item(EvalItem& item, const std::string& place) {
  if (trimmed_cell(item.question).empty()) bad_item(place, "the question is empty");
  if (item.kind == EvalKind::exact) {
    const bool marked = item.worked.find("####") != std::string::npos;
    item.answer = AnswerRule(marked ? "####" : "text").extract(item.worked);
    if (item.answer.empty()) bad_item(place, "the answer is empty");
    return;
  }
  if (item.choices.size() < 2 || item.choices.size() > kMostChoices) {
    bad_item(place,
             std::to_string(item.choices.size()) + " choices: there must be 2 to " + std::to_string(kMostChoices));
  }
  item.answer = letter_of(item.worked, item.choices);
  if (item.answer.empty()) bad_item(place, "the answer " + in_quotes(item.worked) + " is none of the choices");
  item.worked = item.answer;
}

// -- JSON lines -------------------------------------------------------------------------------------------------------

const std::string& member_text(const JsonValue& object, std::string_view name, const std::string& place) {
  const std::string* text = object.find_string(name);
  if (text == nullptr) bad_item(place, "\"" + std::string(name) + "\" is missing, or no text");
  return *text;
}

std::vector<std::string> member_choices(const JsonValue& value, const std::string& place) {
  const JsonValue::Array* array = value.array();
  if (array == nullptr) bad_item(place, "\"choices\" must be a list of texts");
  std::vector<std::string> choices;
  for (const JsonValue& choice : *array) {
    if (choice.string() == nullptr) bad_item(place, "\"choices\" must be a list of texts");
    choices.push_back(*choice.string());
  }
  return choices;
}

// A text, or a number: of choices the index, else the answer itself.
std::string member_answer(const JsonValue& object, const std::vector<std::string>& choices, const std::string& place) {
  const JsonValue* answer = object.find("answer");
  if (answer == nullptr) bad_item(place, "\"answer\" is missing");
  if (const std::string* text = answer->string()) return *text;
  const auto whole = answer->integer();
  if (whole && choices.empty()) return std::to_string(*whole);
  if (whole && *whole >= 0 && *whole < static_cast<std::int64_t>(choices.size())) {
    return choice_letter(static_cast<std::size_t>(*whole));
  }
  bad_item(place, choices.empty() ? "\"answer\" must be a text or a whole number"
                                  : "\"answer\" must be a letter, an index from 0, or the text of a choice");
}

EvalItem json_item(std::string_view line, const std::string& place) {
  const JsonValue object = parse_json_text(line, place);
  if (object.object() == nullptr) bad_item(place, "a line must be an object with \"question\" and \"answer\"");
  EvalItem item;
  item.question = member_text(object, "question", place);
  if (const JsonValue* choices = object.find("choices")) item.choices = member_choices(*choices, place);
  item.kind = item.choices.empty() ? EvalKind::exact : EvalKind::choice;
  if (const JsonValue* kind = object.find("kind")) {
    const std::string* text = kind->string();
    if (text == nullptr || (*text != "exact" && *text != "choice")) {
      bad_item(place, "\"kind\" must be \"exact\" or \"choice\"");
    }
    item.kind = *text == "exact" ? EvalKind::exact : EvalKind::choice;
  }
  const std::vector<std::string> none;
  item.worked = member_answer(object, item.kind == EvalKind::choice ? item.choices : none, place);
  if (const std::string* id = object.find_string("id")) item.id = *id;
  finish_item(item, place);
  return item;
}

std::vector<EvalItem> json_items(std::string_view text, const std::string& name) {
  std::vector<EvalItem> items;
  std::int64_t number = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    const std::string place = place_of_line(name, number);
    items.push_back(json_item(line, place));
    if (items.back().id.empty()) items.back().id = place;
  }
  return items;
}

// -- CSV --------------------------------------------------------------------------------------------------------------

struct CsvColumns {
  std::size_t question = 0, answer = 5;
  std::vector<std::size_t> choices = {1, 2, 3, 4};
  std::size_t needed() const { return std::max({question, answer, choices.back()}) + 1; }
};

// From a heading; nullopt if the first row is none.
std::optional<CsvColumns> columns_of(const CsvRow& row) {
  const auto column = [&](std::string_view name) -> std::optional<std::size_t> {
    for (std::size_t i = 0; i < row.cells.size(); ++i) {
      if (without_case(trimmed_cell(row.cells[i])) == name) return i;
    }
    return std::nullopt;
  };
  const auto question = column("question");
  const auto answer = column("answer");
  if (!question || !answer) return std::nullopt;
  CsvColumns columns{*question, *answer, {}};
  for (std::size_t i = 0; i < kMostChoices; ++i) {
    const auto choice = column(without_case(choice_letter(i)));
    if (!choice) break;
    columns.choices.push_back(*choice);
  }
  if (columns.choices.size() < 2) return std::nullopt;
  return columns;
}

std::vector<EvalItem> csv_items(std::string_view text, const std::string& name) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  const std::vector<CsvRow> rows = parse_csv(text, name);
  std::vector<EvalItem> items;
  if (rows.empty()) return items;
  const std::optional<CsvColumns> heading = columns_of(rows.front());
  const CsvColumns columns = heading.value_or(CsvColumns());
  for (std::size_t i = heading ? 1 : 0; i < rows.size(); ++i) {
    const CsvRow& row = rows[i];
    const std::string place = place_of_line(name, row.line);
    if (row.cells.size() < columns.needed() || (!heading && row.cells.size() != columns.needed())) {
      bad_item(place, std::to_string(row.cells.size()) +
                          " columns: expected question, four choices and letter, or a "
                          "first line that names Question, A, B, … and Answer");
    }
    EvalItem item;
    item.id = place;
    item.kind = EvalKind::choice;
    item.question = row.cells[columns.question];
    for (const std::size_t column : columns.choices) item.choices.push_back(row.cells[column]);
    item.worked = row.cells[columns.answer];
    finish_item(item, place);
    items.push_back(std::move(item));
  }
  return items;
}

}  // namespace

std::string choice_letter(std::size_t index) { return std::string(1, static_cast<char>('A' + index)); }

std::vector<EvalItem> parse_eval_items(std::string_view text, const std::string& name) {
  const std::filesystem::path path(name);
  std::vector<EvalItem> items;
  if (path.extension() == ".jsonl") {
    items = json_items(text, name);
  } else if (path.extension() == ".csv") {
    items = csv_items(text, name);
  } else {
    throw Error(name + ": questions come as JSON lines (.jsonl) or CSV (.csv): which it is, the ending has to say");
  }
  if (items.empty()) throw Error(name + ": there are no questions in it");
  for (EvalItem& item : items) item.subject = path.stem().string();
  return items;
}

}  // namespace covey
