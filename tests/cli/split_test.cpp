#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/cli/program.hpp"

namespace covey {
namespace {

std::string whole_text(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

TEST(Split, PartsServeAsTheModel) {
  const std::string model = test_data("llama-q8_0.gguf"), prefix = scratch("split-model");
  const Finished split = covey_run({"split", model, prefix + ".gguf", "--max-size", "300KB"});
  ASSERT_EQ(split.code, 0) << split.err;
  EXPECT_EQ(count_of(split.out, "\n"), 3) << split.out;
  const std::string first = prefix + "-00001-of-00003.gguf", third = prefix + "-00003-of-00003.gguf";
  EXPECT_TRUE(split.out.starts_with(first + "\n")) << split.out;

  const Finished info = covey_run({"info", third});
  EXPECT_NE(info.out.find("part 3 "), std::string::npos) << info.out;
  EXPECT_NE(info.out.find("fingerprint"), std::string::npos) << info.out;
  const auto json = parsed(covey_run({"info", first, "--json", "--tensors"}).out);
  EXPECT_EQ(json["parts"].size(), 3U);
  EXPECT_EQ(json["tensors"].back()["part"], 2);

  const auto logits = [&](const std::string& path) {
    return covey_run({"logits", "-m", path, "--tokens", "1,290,42", "-t", "1"}).out;
  };
  EXPECT_EQ(logits(first), logits(model));

  const std::string merged = scratch("merged.gguf");
  EXPECT_EQ(covey_run({"merge", first, merged}).code, 0);
  EXPECT_TRUE(whole_text(merged) == whole_text(model));
  const std::string quantized = scratch("of-parts.gguf"), expected = scratch("of-whole.gguf");
  EXPECT_EQ(covey_run({"quantize", first, quantized, "--type", "Q4_0"}).code, 0);
  EXPECT_EQ(covey_run({"quantize", model, expected, "--type", "Q4_0"}).code, 0);
  EXPECT_TRUE(whole_text(quantized) == whole_text(expected));

  std::filesystem::remove(third);
  const Finished missing = covey_run({"run", "-m", first, "-p", "a"});
  EXPECT_EQ(missing.code, 1);
  EXPECT_NE(missing.err.find(third + ": part 3 of 3 of the model is missing"), std::string::npos) << missing.err;
}

TEST(Split, RefusesWhatItCannotDo) {
  const std::string model = test_data("llama.gguf"), out = scratch("refused");
  for (const std::vector<std::string>& more : {std::vector<std::string>{},
                                               {"--max-size", "0"},
                                               {"--max-size", "2X"},
                                               {"--max-size", "-1G"},
                                               {"--max-size", "1e3"},
                                               {"--max-tensors", "0"}}) {
    std::vector<std::string> all = {"split", model, out};
    all.insert(all.end(), more.begin(), more.end());
    EXPECT_EQ(covey_run(all).code, 2) << (more.empty() ? "" : more.back());
  }
  const Finished small = covey_run({"split", model, out, "--max-size", "1KiB"});
  EXPECT_EQ(small.code, 1);
  EXPECT_NE(small.err.find("1024"), std::string::npos) << small.err;
  EXPECT_EQ(covey_run({"merge", model, scratch("refused.gguf")}).code, 1);
  EXPECT_FALSE(std::filesystem::exists(scratch("refused.gguf")));
}

}  // namespace
}  // namespace covey
