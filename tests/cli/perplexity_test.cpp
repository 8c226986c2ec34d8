#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "tests/cli/program.hpp"

namespace covey {
namespace {

Finished perplexity(std::vector<std::string> more) {
  more.insert(more.begin(), {"perplexity", "-m", test_data("llama.gguf")});
  return covey_run(more);
}

TEST(PerplexityCommand, PrintsTheValueAndHowManyTokensItRestsOn) {
  const Finished plain = perplexity({"-f", test_data("story.txt"), "-c", "64", "--verbose"});
  ASSERT_EQ(plain.code, 0) << plain.err;
  EXPECT_EQ(plain.out.rfind("perplexity ", 0), 0U) << plain.out;
  const auto json = parsed(perplexity({"-f", test_data("story.txt"), "-c", "64", "--json"}).out);
  ASSERT_TRUE(json.is_object());
  const int chunks = json["chunks"];
  EXPECT_GT(chunks, 3);
  EXPECT_EQ(json["tokens"], chunks * 31);
  EXPECT_EQ(json["running"].size(), static_cast<std::size_t>(chunks));
  EXPECT_EQ(json["running"].back(), json["perplexity"]);
  EXPECT_NE(plain.out.find(" over " + std::to_string(chunks * 31) + " tokens"), std::string::npos) << plain.out;
  EXPECT_EQ(count_of(plain.err, "chunk "), chunks) << plain.err;
}

TEST(PerplexityCommand, DoesNotDependOnTheBatch) {
  const std::vector<std::string> command = {"-f", test_data("story.txt"), "-c", "64", "--json"};
  const double whole = parsed(perplexity(command).out)["perplexity"];
  for (const std::string batch : {"1", "7"}) {
    std::vector<std::string> in_pieces = command;
    in_pieces.insert(in_pieces.end(), {"--batch", batch});
    // Products of another shape may round another way.
    EXPECT_NEAR(parsed(perplexity(in_pieces).out)["perplexity"].get<double>(), whole, 1e-4 * whole)
        << "batch " << batch;
  }
}

TEST(PerplexityCommand, ReadsStandardInputToo) {
  std::ostringstream text;
  text << std::ifstream(test_data("story.txt")).rdbuf();
  const RunOptions options{.input = text.str(), .out_path = "", .environment = {}};
  const Finished read = covey_run({"perplexity", "-m", test_data("llama.gguf"), "-c", "64"}, options);
  EXPECT_EQ(read.out, perplexity({"-f", test_data("story.txt"), "-c", "64"}).out);
}

TEST(PerplexityCommand, RefusesATextThatIsTooShort) {
  std::ofstream(scratch("short.txt")) << "too short";
  const Finished ended = perplexity({"-f", scratch("short.txt"), "-c", "64"});
  EXPECT_EQ(ended.code, 1);
  EXPECT_NE(ended.err.find("fewer than one chunk of 64"), std::string::npos) << ended.err;
}

}  // namespace
}  // namespace covey
