#include "third_party_free_formats/gguf_split.hpp"

#include <set>

#include "covey/error.hpp"
#include "tests/third_party_free_formats/gguf_bytes.hpp"
#include "third_party_free_formats/gguf_writer.hpp"

namespace covey {
namespace {

std::string llama_file() { return COVEY_TEST_DATA "/llama-q4_0.gguf"; }

TEST(SplitName, IsReadAsItIsWritten) {
  const SplitName name{"a/b-1", 2, 12345};
  EXPECT_EQ(name.path(), "a/b-1-00002-of-12345.gguf");
  const auto read = SplitName::parse(name.path());
  ASSERT_TRUE(read);
  EXPECT_EQ(read->prefix, name.prefix);
  EXPECT_EQ(read->number, 2U);
  EXPECT_EQ(read->count, 12345U);
  for (const char* other :
       {"", ".gguf", "m.gguf", "m-00001-of-00002", "m-0001-of-0002.gguf", "m-00003-of-00002.gguf",
        "m-00000-of-00002.gguf", "m00001-of-00002.gguf", "m-+0001-of-00002.gguf", "00001-of-00002.gguf"}) {
    EXPECT_FALSE(SplitName::parse(other)) << other;
  }
}

TEST(WriteSplit, HoldsWhatTheFileHolds) {
  const GgufFile file = GgufFile::open(llama_file());
  const TemporaryPath path("model");
  const auto written = write_split(file, path.string(), {.bytes = 100000, .tensors = 6});
  ASSERT_GT(written.size(), 3U);
  for (const std::string& part : written) EXPECT_LE(std::filesystem::file_size(part), 100000U);
  for (const std::string& opened : {written.front(), written.back()}) {
    const GgufFile parts = GgufFile::open(opened);
    EXPECT_EQ(parts.path(), written.front());
    EXPECT_EQ(parts.parts().size(), written.size());
    EXPECT_EQ(parts.metadata(), file.metadata());
    ASSERT_EQ(parts.tensors().size(), file.tensors().size());
    std::uint64_t bytes = 0;
    for (const std::string& part : written) bytes += std::filesystem::file_size(part);
    EXPECT_EQ(parts.file_bytes(), bytes);
    std::set<std::size_t> used;
    for (const GgufTensor& tensor : file.tensors()) {
      const GgufTensor* other = parts.find_tensor(tensor.name);
      ASSERT_NE(other, nullptr) << tensor.name;
      EXPECT_EQ(other->dims, tensor.dims);
      EXPECT_TRUE(std::ranges::equal(other->data, tensor.data)) << tensor.name;
      parts.release(other->data);
      EXPECT_TRUE(std::ranges::equal(other->data, tensor.data)) << "read again";
      used.insert(other->part);
    }
    EXPECT_EQ(used.size(), written.size());
  }
}

TEST(WriteSplit, MergedItIsTheFileAgain) {
  const GgufFile file = GgufFile::open(llama_file());
  const TemporaryPath path("model");
  const auto written = write_split(file, path.string(), {.bytes = 0, .tensors = 7});
  std::uint64_t done = 0, all = 0;
  write_merged(GgufFile::open(written[1]), path.string() + ".gguf", [&](std::uint64_t now, std::uint64_t total) {
    EXPECT_GE(now, done);
    done = now;
    all = total;
  });
  EXPECT_EQ(done, all);
  EXPECT_TRUE(file_contents(path.string() + ".gguf") == file_contents(llama_file()));
}

TEST(WriteSplit, KeepsAlignmentInEveryPart) {
  const TemporaryPath path("aligned.gguf");
  GgufWriter writer;
  writer.set("general.alignment", std::uint32_t{128});
  const std::vector<float> values(40, 1.5F);
  for (const char* name : {"a", "b", "c"}) {
    writer.add_tensor(name, TensorType::f32, {40},
                      [&](const GgufWriter::Sink& sink) { sink(std::as_bytes(std::span(values))); });
  }
  EXPECT_THROW(writer.set("general.alignment", std::uint32_t{64}), Error);
  writer.write(path.string());
  EXPECT_EQ(std::filesystem::file_size(path.string()), writer.file_bytes());
  const auto written = write_split(GgufFile::open(path.string()), path.string() + "-part", {.bytes = 0, .tensors = 1});
  ASSERT_EQ(written.size(), 3U);
  for (const std::string& part : written) {
    const std::string contents = file_contents(part);
    EXPECT_EQ(GgufFile::parse(std::as_bytes(std::span(contents)), part).alignment(), 128U);
  }
}

TEST(WriteSplit, SaysWhichLimitWouldDo) {
  const GgufFile file = GgufFile::open(llama_file());
  const TemporaryPath path("model");
  const std::string message =
      message_of<Error>([&] { write_split(file, path.string(), {.bytes = 1000, .tensors = 0}); });
  const std::size_t at = message.find("parts of ");
  ASSERT_NE(at, std::string::npos) << message;
  const std::uint64_t least = std::stoull(message.substr(at + 9));
  EXPECT_THROW(write_split(file, path.string(), {.bytes = least - 1, .tensors = 0}), Error);
  EXPECT_TRUE(std::filesystem::is_empty(path.folder()));
  EXPECT_GT(write_split(file, path.string(), {.bytes = least, .tensors = 0}).size(), 1U);
}

TEST(WriteSplit, LeavesNothingBehindThatIsNotWhole) {
  const GgufFile file = GgufFile::open(llama_file());
  const TemporaryPath path("model");
  const auto stop_late = [&](std::uint64_t done, std::uint64_t all) {
    if (done > all / 2) throw Error("interrupted");
  };
  EXPECT_THROW(write_split(file, path.string(), {.bytes = 0, .tensors = 2}, stop_late), Error);
  EXPECT_TRUE(std::filesystem::is_empty(path.folder()));
  const std::string nowhere = path.string() + "/no/such/folder";
  EXPECT_NE(message_of<Error>([&] { write_split(file, nowhere, {.bytes = 0, .tensors = 2}); }).find(nowhere),
            std::string::npos);
}

TEST(WriteSplit, NeverOverWhatItReads) {
  const TemporaryPath path("model");
  const auto written = write_split(GgufFile::open(llama_file()), path.string(), {.bytes = 0, .tensors = 7});
  const GgufFile parts = GgufFile::open(written[0]);
  EXPECT_THROW(write_split(parts, path.string(), {.bytes = 0, .tensors = 7}), Error);
  EXPECT_THROW(write_merged(parts, written[2]), Error);
  EXPECT_EQ(GgufFile::open(written[0]).tensors().size(), parts.tensors().size());
}

}  // namespace
}  // namespace covey
