#include <gtest/gtest.h>

#include <fstream>

#include "tests/cli/program.hpp"

namespace covey {
namespace {

std::string written(const std::string& name, const std::string& text) {
  std::ofstream(scratch(name)) << text;
  return scratch(name);
}

Finished constrained(std::vector<std::string> more) {
  more.insert(more.begin(), {"run", "-m", test_data("llama.gguf"), "-p", "once", "-n", "60", "--temp", "1"});
  return covey_run(more);
}

constexpr const char* kDigits = "root ::= [0-9]{3} \"-\" [a-f]{2}\n";

bool of_digits(const std::string& text) {
  if (text.size() != 7 || text[3] != '-' || text.back() != '\n') return false;
  return text.find_first_not_of("0123456789") == 3 && text.find_first_not_of("abcdef", 4) == 6;
}

TEST(RunGrammar, TheAnswerIsOfIt) {
  for (const std::string mode : {"solo", "pipeline", "tensor"}) {
    const Finished ended = constrained({"--grammar", written("digits.gbnf", kDigits), "--mode", mode});
    EXPECT_TRUE(of_digits(ended.out)) << mode << "\n" << ended.out << ended.err;
  }
}

TEST(RunGrammar, AJsonSchemaFromAFileOrInline) {
  const std::string schema =
      R"({"properties": {"n": {"type": "integer", "minimum": 5, "maximum": 80}}, "required": ["n"]})";
  for (const std::string& given : {schema, written("schema.json", schema)}) {
    const Finished ended = constrained({"--json-schema", given});
    const auto json = parsed(ended.out);
    ASSERT_TRUE(json.is_object()) << ended.out << ended.err;
    EXPECT_GE(json["n"], 5);
    EXPECT_LE(json["n"], 80);
  }
}

TEST(RunGrammar, OfSelfMoaTheAnswerAlone) {
  const std::string model = scratch("moa.gguf");
  ASSERT_EQ(covey_run({"synth", model, "--n-layer", "1", "--n-ctx", "4096", "-q"}).code, 0);
  const Finished ended =
      covey_run({"run", "-m", model, "-p", "once", "-n", "12", "--mode", "self-moa", "--temp", "1.5", "--proposals",
                 "3", "--json", "--ctx", "2048", "-q", "--grammar", written("moa.gbnf", kDigits)});
  const auto json = parsed(ended.out);
  ASSERT_TRUE(json.is_object()) << ended.out << ended.err;
  EXPECT_TRUE(of_digits(json["text"].get<std::string>() + "\n")) << json["text"];
  int of_grammar = 0;
  for (const auto& proposal : json["proposals"]) of_grammar += of_digits(proposal["text"].get<std::string>() + "\n");
  EXPECT_EQ(of_grammar, 0) << "proposals are free";
}

TEST(RunGrammar, MistakesAreToldBeforeTheModelIsRead) {
  const auto error = [](const std::vector<std::string>& flags) {
    std::vector<std::string> arguments = {"run", "-m", test_data("llama.gguf"), "-p", "x"};
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    const Finished ended = covey_run(arguments);
    EXPECT_NE(ended.code, 0);
    EXPECT_EQ(ended.out, "");
    return ended.err;
  };
  const std::string bad = written("bad.gbnf", "root ::= a\n");
  EXPECT_NE(error({"--grammar", bad}).find(bad + ": line 1, column 10: rule 'a' is not defined"), std::string::npos);
  EXPECT_NE(error({"--json-schema", R"({"not": {}})"}).find("the schema: #/not: keyword 'not'"), std::string::npos);
  EXPECT_NE(error({"--grammar", scratch("absent")}).find("absent"), std::string::npos);
  EXPECT_NE(error({"--grammar", written("empty.gbnf", "")}).find("the file is empty"), std::string::npos);
  EXPECT_NE(error({"--json-schema", ""}).find("can't be opened"), std::string::npos);
  EXPECT_NE(error({"--grammar", bad, "--json-schema", "{}"}).find("--grammar"), std::string::npos);
}

}  // namespace
}  // namespace covey
