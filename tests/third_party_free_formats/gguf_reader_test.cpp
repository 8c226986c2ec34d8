#include <gtest/gtest.h>

#include <fstream>
#include <map>

#include "covey/error.hpp"
#include "tests/third_party_free_formats/gguf_bytes.hpp"
#include "third_party_free_formats/gguf.hpp"

namespace covey {
namespace {

TEST(GgufReader, ReadsEveryValueType) {
  for (const std::uint32_t version : {2u, 3u}) {
    const GgufBytes bytes = gguf_of_everything(version);
    const GgufFile file = parse(bytes);
    EXPECT_EQ(file.version(), version);
    EXPECT_EQ(file.path(), "model.gguf");
    EXPECT_EQ(file.file_bytes(), bytes.bytes().size());
    ASSERT_EQ(file.metadata().size(), 18u);
    EXPECT_EQ(file.metadata().front().first, "u8");
    EXPECT_EQ(*file.find("u8"), GgufValue(std::uint8_t{200}));
    EXPECT_EQ(*file.find("i8"), GgufValue(std::int8_t{-100}));
    EXPECT_EQ(*file.find("u16"), GgufValue(std::uint16_t{60000}));
    EXPECT_EQ(*file.find("i16"), GgufValue(std::int16_t{-30000}));
    EXPECT_EQ(*file.find("u32"), GgufValue(std::uint32_t{4000000000u}));
    EXPECT_EQ(*file.find("i32"), GgufValue(std::int32_t{-2000000000}));
    EXPECT_EQ(*file.find("f32"), GgufValue(1.5f));
    EXPECT_EQ(*file.find("yes"), GgufValue(true));
    EXPECT_EQ(*file.find("no"), GgufValue(false));
    EXPECT_EQ(*file.find("string"), GgufValue(std::string("text")));
    EXPECT_EQ(*file.find("u64"), GgufValue(~std::uint64_t{0}));
    EXPECT_EQ(*file.find("i64"), GgufValue(std::int64_t{-5}));
    EXPECT_EQ(*file.find("f64"), GgufValue(-2.25));
    EXPECT_EQ(file.array("i16s")->items, GgufArray{std::vector<std::int16_t>({1, -2, 3})}.items);
    EXPECT_EQ(*file.strings("strings"), (std::vector<std::string>{"a", "", "ccc"}));
    EXPECT_EQ(*file.floats("floats"), (std::vector<float>{0.5f, -4.0f}));
    EXPECT_EQ(file.array("bools")->items, GgufArray{std::vector<bool>({true, false})}.items);
    const GgufArray first{std::vector<std::uint8_t>{7, 8}}, second{std::vector<std::string>{"x"}};
    EXPECT_EQ(*file.array("nested"), GgufArray{std::vector<GgufArray>({first, second})});
    EXPECT_EQ(file.find("absent"), nullptr);
  }
}

TEST(GgufReader, ReadsTensors) {
  const GgufBytes bytes = gguf_of_everything();
  const GgufFile file = parse(bytes);
  ASSERT_EQ(file.tensors().size(), 2u);
  const GgufTensor* a = file.find_tensor("a");
  const GgufTensor* b = file.find_tensor("b");
  ASSERT_EQ(a, &file.tensors()[0]);
  ASSERT_EQ(b, &file.tensors()[1]);
  EXPECT_EQ(file.find_tensor("c"), nullptr);
  EXPECT_EQ(a->type, TensorType::q8_0);
  EXPECT_EQ(a->cols(), 32u);
  EXPECT_EQ(a->rows(), 2u);
  EXPECT_EQ(a->elements(), 64u);
  EXPECT_EQ(a->data.size(), 2u * 34);
  EXPECT_EQ(a->data.data(), bytes.bytes().data() + file.header().size());
  EXPECT_EQ(b->rows(), 2u);
  EXPECT_EQ(b->data.size(), 24u);
  EXPECT_EQ(b->data.data() + 24, bytes.bytes().data() + bytes.bytes().size());
  EXPECT_EQ(file.header().size() % 32, 0u);
  file.release(a->data);  // no effect, and no harm, without a map
  EXPECT_EQ(a->data.front(), std::byte{1});
}

TEST(GgufReader, GivesTypedMetadata) {
  const GgufBytes bytes = gguf_of_everything();
  const GgufFile file = parse(bytes);
  EXPECT_EQ(file.integer("u8"), 200);
  EXPECT_EQ(file.integer("i8"), -100);
  EXPECT_EQ(file.integer("u32"), 4000000000);
  EXPECT_EQ(file.integer("i64"), -5);
  EXPECT_EQ(file.number("f32"), 1.5);
  EXPECT_EQ(file.number("f64"), -2.25);
  EXPECT_EQ(file.number("i16"), -30000.0);
  EXPECT_EQ(file.number("u64"), 18446744073709551615.0);
  EXPECT_EQ(file.boolean("yes"), true);
  EXPECT_EQ(file.boolean("no"), false);
  EXPECT_EQ(*file.string("string"), "text");
  EXPECT_EQ(file.integers("i16s"), (std::vector<std::int64_t>{1, -2, 3}));
}

TEST(GgufReader, TellsAbsentFromWrongType) {
  const GgufBytes bytes = gguf_of_everything();
  const GgufFile file = parse(bytes);
  EXPECT_EQ(file.integer("absent"), std::nullopt);
  EXPECT_EQ(file.number("absent"), std::nullopt);
  EXPECT_EQ(file.boolean("absent"), std::nullopt);
  EXPECT_EQ(file.string("absent"), nullptr);
  EXPECT_EQ(file.array("absent"), nullptr);
  EXPECT_EQ(file.strings("absent"), nullptr);
  EXPECT_EQ(file.floats("absent"), nullptr);
  EXPECT_EQ(file.integers("absent"), std::nullopt);

  const auto wrong = [&](auto get) { return message_of<Error>(get); };
  EXPECT_EQ(wrong([&] { (void)file.integer("f32"); }), "model.gguf: metadata 'f32' is not an integer");
  EXPECT_EQ(wrong([&] { (void)file.integer("yes"); }), "model.gguf: metadata 'yes' is not an integer");
  EXPECT_NE(wrong([&] { (void)file.integer("u64"); }).find("more than 63 bits"), std::string::npos);
  EXPECT_EQ(wrong([&] { (void)file.number("yes"); }), "model.gguf: metadata 'yes' is not a number");
  EXPECT_EQ(wrong([&] { (void)file.boolean("u8"); }), "model.gguf: metadata 'u8' is not a boolean");
  EXPECT_EQ(wrong([&] { (void)file.string("u8"); }), "model.gguf: metadata 'u8' is not a string");
  EXPECT_EQ(wrong([&] { (void)file.array("u8"); }), "model.gguf: metadata 'u8' is not an array");
  EXPECT_EQ(wrong([&] { (void)file.strings("floats"); }), "model.gguf: metadata 'floats' is not an array of strings");
  EXPECT_EQ(wrong([&] { (void)file.floats("u8"); }), "model.gguf: metadata 'u8' is not an array of f32");
  EXPECT_EQ(wrong([&] { (void)file.integers("floats"); }), "model.gguf: metadata 'floats' is not an array of integers");
}

TEST(GgufReader, ReadsFilesLargerThanFourGigabytes) {
  const TemporaryPath path("large.gguf");
  const std::uint64_t count = 1280ull << 20;  // 5 GiB of F32
  const GgufBytes header =
      GgufBytes().start(2, 0).tensor("large", {count}, 0, 0).tensor("last", {2}, 0, 4 * count).pad();
  write_contents(path.string(), header.contents());
  std::filesystem::resize_file(path.string(), header.bytes().size() + 4 * count);  // sparse: takes no space
  const float values[2] = {1.5f, -2.0f};
  std::ofstream(path.string(), std::ios::binary | std::ios::app).write(reinterpret_cast<const char*>(values), 8);

  const GgufFile file = GgufFile::open(path.string());
  EXPECT_EQ(file.find_tensor("large")->data.size(), 4 * count);
  ASSERT_EQ(file.find_tensor("last")->data.size(), 8u);
  EXPECT_EQ(std::memcmp(file.find_tensor("last")->data.data(), values, 8), 0);

  std::filesystem::resize_file(path.string(), header.bytes().size() + 4 * count + 7);
  EXPECT_THROW(GgufFile::open(path.string()), Error);
}

TEST(GgufReader, ReadsFilesOfOtherWriters) {
  const std::map<std::string, std::size_t> tensors{{"llama", 21},      {"llama-tied", 20},  {"llama-linear", 21},
                                                   {"llama-yarn", 21}, {"llama3-rope", 22}, {"llama-f16", 20},
                                                   {"llama-bf16", 20}, {"llama-q4_0", 20},  {"llama-q8_0", 20}};
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(COVEY_TEST_DATA)) {
    if (entry.path().extension() != ".gguf") continue;
    const std::string name = entry.path().stem().string();
    const GgufFile file = GgufFile::open(entry.path().string());
    const auto expected = tensors.find(name);
    if (expected == tensors.end()) continue;
    ++files;
    EXPECT_EQ(file.tensors().size(), expected->second) << name;
    EXPECT_EQ(*file.string("general.architecture"), "llama") << name;
    EXPECT_EQ(file.strings("tokenizer.ggml.tokens")->size(), 300u) << name;
    EXPECT_EQ(file.integers("tokenizer.ggml.token_type")->size(), 300u) << name;
  }
  EXPECT_EQ(files, tensors.size());
}

// A seed that is refused early teaches the fuzzer little.
TEST(GgufReader, ReadsTheSeedsOfTheFuzzer) {
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(COVEY_TEST_DATA "/../fuzz/corpus/gguf")) {
    EXPECT_NO_THROW(GgufFile::open(entry.path().string())) << entry.path();
    ++files;
  }
  EXPECT_GE(files, 9u);
}

TEST(GgufReader, ReadsVocabulariesAndModelsOfTheReference) {
  const std::filesystem::path reference(COVEY_REFERENCE_DIR);
  if (!std::filesystem::exists(reference / "vocab")) GTEST_SKIP() << reference << " is not there";
  std::size_t files = 0;
  for (const char* folder : {"vocab", "models"}) {
    for (const auto& entry : std::filesystem::directory_iterator(reference / folder)) {
      if (entry.path().extension() != ".gguf") continue;
      const GgufFile file = GgufFile::open(entry.path().string());
      EXPECT_GT(file.strings("tokenizer.ggml.tokens")->size(), 0u) << entry.path();
      ++files;
    }
  }
  EXPECT_GT(files, 0u);
}

}  // namespace
}  // namespace covey
