// The interpreter beside Python's jinja2: expressions and statements one by one, and chat templates in the style of
// those that model families use, over conversations of many kinds.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "tests/model/jinja_case.hpp"

namespace covey::jinja {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

const fs::path kFolder = fs::path(COVEY_TEST_DATA) / "chat";

std::string text_of(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

struct Case {
  std::string name, source;
  Json variables;
  std::optional<std::string> expected;  // nothing: an error
};

std::optional<std::string> optional_text(const Json& json) {
  return json.is_null() ? std::nullopt : std::optional(json.get<std::string>());
}

std::vector<Case> single_cases() {
  const Json file = Json::parse(text_of(kFolder / "expressions.json"));
  std::vector<Case> cases;
  for (const Json& one : file["cases"]) cases.push_back({one[0], one[0], file["variables"], optional_text(one[1])});
  return cases;
}

std::vector<Case> chat_cases() {
  const Json conversations = Json::parse(text_of(kFolder / "conversations.json"));
  const Json expected = Json::parse(text_of(kFolder / "expected.json"));
  std::vector<Case> cases;
  for (const auto& [name, texts] : expected.items()) {
    const std::string source = text_of(kFolder / (name + ".jinja"));
    for (const auto& [conversation, text] : texts.items()) {
      Json variables = {{"bos_token", "<s>"}, {"eos_token", "</s>"}, {"tools", nullptr}, {"documents", nullptr}};
      variables.update(conversations.at(conversation));
      cases.push_back({name + ", " + conversation, source, variables, optional_text(text)});
    }
  }
  return cases;
}

void expect_as_in_reference(const std::vector<Case>& cases) {
  for (const Case& one : cases) {
    std::optional<std::string> text;
    std::string error = "no error";
    try {
      text = rendered(one.source, one.variables.dump());
    } catch (const TemplateError& failed) {
      error = failed.what();
    }
    EXPECT_EQ(text, one.expected) << one.name << ": " << error;
  }
}

TEST(JinjaReference, ExpressionsAndStatements) {
  const std::vector<Case> cases = single_cases();
  EXPECT_GE(cases.size(), 600U);
  expect_as_in_reference(cases);
}

TEST(JinjaReference, ChatTemplates) {
  const std::vector<Case> cases = chat_cases();
  EXPECT_GE(cases.size(), 20U * 12U);
  expect_as_in_reference(cases);
}

/// Standard output of a shell command; nothing if it fails.
std::optional<std::string> output_of(const std::string& command) {
  FILE* pipe = ::popen(command.c_str(), "r");
  if (!pipe) return std::nullopt;
  std::string output;
  char piece[4096];
  while (const std::size_t got = std::fread(piece, 1, sizeof piece, pipe)) output.append(piece, got);
  return ::pclose(pipe) == 0 ? std::optional(output) : std::nullopt;
}

TEST(JinjaReference, StoredResultsAreThoseOfPython) {
  if (!output_of("python3 -c 'import jinja2' 2>/dev/null")) GTEST_SKIP() << "python3 or its module jinja2 is missing";
  std::vector<Case> cases = single_cases();
  const std::vector<Case> chats = chat_cases();
  cases.insert(cases.end(), chats.begin(), chats.end());
  Json asked = Json::array();
  for (const Case& one : cases) asked.push_back({{"template", one.source}, {"variables", one.variables}});
  const fs::path file = fs::temp_directory_path() / ("covey-jinja-" + std::to_string(::getpid()) + ".json");
  std::ofstream(file) << asked.dump();
  const fs::path script = fs::path(COVEY_TEST_DATA).parent_path() / "model" / "jinja_reference.py";
  const auto output = output_of("python3 '" + script.string() + "' < '" + file.string() + "'");
  fs::remove(file);
  ASSERT_TRUE(output.has_value());
  const Json answers = Json::parse(*output);
  ASSERT_EQ(answers.size(), cases.size());
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const bool has_text = answers[i].contains("text");
    EXPECT_EQ(has_text ? optional_text(answers[i]["text"]) : std::nullopt, cases[i].expected)
        << cases[i].name << ": " << answers[i];
  }
}

}  // namespace
}  // namespace covey::jinja
