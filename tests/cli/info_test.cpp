#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "tests/cli/program.hpp"

namespace covey {
namespace {

TEST(Info, ShowsWhatTheFileHolds) {
  const Finished info = covey_run({"info", test_data("llama-q8_0.gguf")});
  ASSERT_EQ(info.code, 0) << info.err;
  for (const char* part :
       {"architecture      llama", "Q8_0", "bits each", "layers            2", "BOS 1, EOS 2", "fingerprint"}) {
    EXPECT_NE(info.out.find(part), std::string::npos) << part << "\n" << info.out;
  }
  EXPECT_EQ(info.out.find("blk.0"), std::string::npos) << "tensors only when asked for";
  EXPECT_EQ(info.out.find("note"), std::string::npos) << info.out;
}

TEST(Info, ListsTensorsAndMetadata) {
  const Finished info = covey_run({"info", "--tensors", "--metadata", test_data("llama.gguf")});
  ASSERT_EQ(info.code, 0) << info.err;
  EXPECT_NE(info.out.find("blk.1.ffn_down.weight"), std::string::npos);
  EXPECT_NE(info.out.find("general.architecture = \"llama\""), std::string::npos);
  EXPECT_NE(info.out.find("in all)"), std::string::npos) << "long arrays are cut short";
  EXPECT_LT(info.out.size(), 10000U);
}

TEST(Info, AsJson) {
  const auto info = parsed(covey_run({"info", test_data("llama.gguf"), "--json", "--tensors", "--metadata"}).out);
  ASSERT_TRUE(info.is_object());
  EXPECT_EQ(info["architecture"], "llama");
  EXPECT_EQ(info["n_layers"], 2);
  EXPECT_EQ(info["bytes"], std::filesystem::file_size(test_data("llama.gguf")));
  EXPECT_EQ(info["metadata"]["tokenizer.ggml.tokens"].size(), info["n_vocab"].get<std::size_t>());
  std::uint64_t elements = 0;
  for (const auto& tensor : info["tensors"]) {
    std::uint64_t product = 1;
    for (const auto& dim : tensor["shape"]) product *= dim.get<std::uint64_t>();
    elements += product;
  }
  EXPECT_EQ(info["parameters"], elements);
}

TEST(Info, NamesTheFileItCannotRead) {
  const std::string cut = scratch("cut.gguf");
  std::filesystem::copy_file(test_data("llama.gguf"), cut, std::filesystem::copy_options::overwrite_existing);
  std::filesystem::resize_file(cut, std::filesystem::file_size(cut) / 2);
  std::ofstream(scratch("text.gguf")) << "no model at all";
  for (const std::string& path : {cut, scratch("text.gguf"), scratch("absent.gguf"), scratch("")}) {
    const Finished info = covey_run({"info", path});
    EXPECT_EQ(info.code, 1) << path;
    EXPECT_EQ(info.out, "") << path;
    EXPECT_NE(info.err.find(path), std::string::npos) << info.err;
  }
}

}  // namespace
}  // namespace covey
