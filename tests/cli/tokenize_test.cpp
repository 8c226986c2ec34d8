#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

#include "tests/cli/program.hpp"

namespace covey {
namespace {

Finished tokenize(std::vector<std::string> arguments, const std::string& input = "") {
  arguments.insert(arguments.begin(), {"tokenize", "-m", test_data("llama.gguf")});
  return covey_run(arguments, {.input = input, .out_path = "", .environment = {}});
}

TEST(Tokenize, ReadsArgumentsFilesAndStandardInputAlike) {
  const Finished words = tokenize({"one", "two"});
  ASSERT_EQ(words.code, 0) << words.err;
  EXPECT_EQ(words.out.rfind("1 ", 0), 0U) << "BOS, as this vocabulary asks";
  EXPECT_EQ(words.out.back(), '\n');
  EXPECT_EQ(count_of(words.out, "\n"), 1);
  std::ofstream(scratch("text.txt")) << "one two";
  EXPECT_EQ(tokenize({"--file", scratch("text.txt")}).out, words.out);
  EXPECT_EQ(tokenize({}, "one two").out, words.out);
}

TEST(Tokenize, BosAndSpecialTokensAsAsked) {
  EXPECT_EQ(tokenize({"--no-bos", "one"}).out, tokenize({"--bos", "one"}).out.substr(2));
  EXPECT_EQ(tokenize({"--no-bos", "--special", "</s>"}).out, "2\n");
  EXPECT_EQ(tokenize({"--no-bos", "</s>"}).out, tokenize({"--no-bos", "--no-special", "</s>"}).out);
  EXPECT_NE(tokenize({"--no-bos", "</s>"}).out, "2\n");
}

TEST(Tokenize, EosAsAsked) {
  std::string with = tokenize({"one"}).out;
  with.insert(with.size() - 1, " 2");
  EXPECT_EQ(tokenize({"--eos", "one"}).out, with);
  EXPECT_EQ(tokenize({"--no-eos", "one"}).out, tokenize({"one"}).out);
}

TEST(Tokenize, CutsTheTextAtASeparator) {
  const std::string a = tokenize({"first text"}).out;
  const std::string b = tokenize({"second\ntext"}).out;
  const std::string none = tokenize({}, "").out;
  // A line of its own goes with its line ends, whether it ends the last text or stands between.
  EXPECT_EQ(tokenize({"--separator", "---"}, "first text\n---\nsecond\ntext\n---\n").out, a + b);
  EXPECT_EQ(tokenize({"--separator", "---"}, "first text\n---\nsecond\ntext").out, a + b);
  EXPECT_EQ(tokenize({"--separator", "---"}, "---\nfirst text\n---\n---\nsecond\ntext\n---").out, none + a + none + b);
  // Inside a line, or with its own line ends, it is taken as it is.
  EXPECT_EQ(tokenize({"--separator", "|"}, "first text|second\ntext").out, a + b);
  EXPECT_EQ(tokenize({"--separator", "\\n---\\n"}, "first text\n---\nsecond\ntext\n---\n").out, a + b);
  EXPECT_EQ(tokenize({"--separator", "\n---\n"}, "first text\n---\nsecond\ntext\n---\n").out, a + b);
}

TEST(Tokenize, AsJsonALineForEachText) {
  const Finished json = tokenize({"--json", "--separator", "|"}, "a|b");
  const std::size_t first_end = json.out.find('\n');
  ASSERT_NE(first_end, std::string::npos);
  const auto first = parsed(json.out.substr(0, first_end));
  ASSERT_TRUE(first.is_object()) << json.out;
  std::string ids;
  for (const auto& id : first["tokens"]) ids.append(ids.empty() ? "" : " ").append(std::to_string(id.get<int>()));
  EXPECT_EQ(ids + "\n", tokenize({"a"}).out);
  EXPECT_TRUE(parsed(json.out.substr(first_end)).is_object());
}

TEST(Tokenize, TakesAnyBytes) {
  const std::string bytes("\xff\x00\xc3", 3);
  const Finished odd = tokenize({"--no-bos"}, bytes);
  EXPECT_EQ(odd.code, 0) << odd.err;
  EXPECT_EQ(count_of(odd.out, " ") + 1, 4) << "the leading space, then byte tokens: " << odd.out;
}

TEST(Tokenize, NamesTheFileItCannotRead) {
  const Finished absent = tokenize({"--file", scratch("absent.txt")});
  EXPECT_EQ(absent.code, 1);
  EXPECT_NE(absent.err.find("absent.txt"), std::string::npos);
}

}  // namespace
}  // namespace covey
