#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <map>

#include "covey/error.hpp"
#include "tests/third_party_free_formats/gguf_bytes.hpp"
#include "third_party_free_formats/gguf.hpp"

namespace covey {
namespace {

constexpr std::uint32_t kU8 = 0, kI8 = 1, kU16 = 2, kI16 = 3, kU32 = 4, kI32 = 5, kF32 = 6, kBool = 7, kString = 8,
                        kArray = 9, kU64 = 10, kI64 = 11, kF64 = 12;
constexpr std::uint64_t kHuge = 1ull << 60;

GgufFile parse(const GgufBytes& file) { return GgufFile::parse(file.bytes(), "model.gguf"); }

// What parsing `file` complains of.
std::string complaint(const GgufBytes& file) {
  const std::string message = message_of<Error>([&] { parse(file); });
  EXPECT_TRUE(message.starts_with("model.gguf: ")) << message;
  return message;
}

#define EXPECT_COMPLAINT(file, part)                             \
  do {                                                           \
    const std::string message = complaint(file);                 \
    EXPECT_NE(message.find(part), std::string::npos) << message; \
  } while (false)

// One entry of every value type, arrays of every kind, two tensors.
GgufBytes everything(std::uint32_t version = 3) {
  GgufBytes file;
  file.start(2, 18, version);
  file.key("u8", kU8).put<std::uint8_t>(200).key("i8", kI8).put<std::int8_t>(-100);
  file.key("u16", kU16).put<std::uint16_t>(60000).key("i16", kI16).put<std::int16_t>(-30000);
  file.key("u32", kU32).put<std::uint32_t>(4000000000u).key("i32", kI32).put<std::int32_t>(-2000000000);
  file.key("f32", kF32).put(1.5f).key("yes", kBool).put<std::uint8_t>(1).key("no", kBool).put<std::uint8_t>(0);
  file.key("string", kString).string("text").key("u64", kU64).put<std::uint64_t>(~0ull);
  file.key("i64", kI64).put<std::int64_t>(-5).key("f64", kF64).put(-2.25);
  file.key("i16s", kArray)
      .put(kI16)
      .put<std::uint64_t>(3)
      .put<std::int16_t>(1)
      .put<std::int16_t>(-2)
      .put<std::int16_t>(3);
  file.key("strings", kArray).put(kString).put<std::uint64_t>(3).string("a").string("").string("ccc");
  file.key("floats", kArray).put(kF32).put<std::uint64_t>(2).put(0.5f).put(-4.0f);
  file.key("bools", kArray).put(kBool).put<std::uint64_t>(2).put<std::uint8_t>(1).put<std::uint8_t>(0);
  file.key("nested", kArray).put(kArray).put<std::uint64_t>(2);
  file.put(kU8).put<std::uint64_t>(2).put<std::uint8_t>(7).put<std::uint8_t>(8);
  file.put(kString).put<std::uint64_t>(1).string("x");
  file.tensor("a", {32, 2}, 8, 0).tensor("b", {3, 1, 2}, 0, 96).pad().data(2 * 34).pad().data(6 * 4);
  return file;
}

TEST(GgufReader, ReadsEveryValueType) {
  for (const std::uint32_t version : {2u, 3u}) {
    const GgufBytes bytes = everything(version);
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
  const GgufBytes bytes = everything();
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
  const GgufBytes bytes = everything();
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
  const GgufBytes bytes = everything();
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

// Tensor data reaches the last byte, so no shorter file is whole.
TEST(GgufReader, RefusesAFileCutAtAnyByte) {
  const GgufBytes file = everything();
  for (std::size_t size = 0; size < file.bytes().size(); ++size) {
    // A copy of its own, so that AddressSanitizer sees a read past the end.
    const std::vector<std::byte> cut(file.bytes().begin(), file.bytes().begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_THROW(GgufFile::parse(cut, "cut"), Error) << size;
  }
}

TEST(GgufReader, SurvivesAnyByteChanged) {
  const GgufBytes file = everything();
  std::size_t refused = 0;
  for (std::size_t i = 0; i < file.bytes().size(); ++i) {
    for (const unsigned change : {0x01u, 0x80u, 0xFFu}) {
      std::vector<std::byte> changed(file.bytes().begin(), file.bytes().end());
      changed[i] ^= static_cast<std::byte>(change);
      try {
        const GgufFile parsed = GgufFile::parse(changed, "changed");
        for (const GgufTensor& tensor : parsed.tensors()) {
          EXPECT_GE(tensor.data.data(), changed.data());
          EXPECT_LE(tensor.data.data() + tensor.data.size(), changed.data() + changed.size());
        }
      } catch (const Error&) {
        ++refused;
      }
    }
  }
  EXPECT_GT(refused, file.bytes().size() / 4);
}

TEST(GgufReader, RefusesWhatIsNotGguf) {
  EXPECT_COMPLAINT(GgufBytes().text("PK\x03\x04 and so on"), "is not a GGUF file: it starts with 'PK\\x03\\x04'");
  EXPECT_COMPLAINT(GgufBytes().text("GG"), "truncated");
  EXPECT_COMPLAINT(GgufBytes(), "truncated");
}

TEST(GgufReader, RefusesOtherVersionsAndByteOrders) {
  EXPECT_COMPLAINT(GgufBytes().start(0, 0, 1), "GGUF version 1; versions 2 and 3 can be read");
  EXPECT_COMPLAINT(GgufBytes().start(0, 0, 4), "GGUF version 4");
  EXPECT_COMPLAINT(GgufBytes().start(0, 0, 0), "GGUF version 0");
  EXPECT_COMPLAINT(GgufBytes().start(0, 0, 0x03000000), "big-endian");
  EXPECT_COMPLAINT(GgufBytes().start(0, 0, 0x02000000), "big-endian");
}

TEST(GgufReader, RefusesCountsTheFileCantHold) {
  EXPECT_COMPLAINT(GgufBytes().start(kHuge, 0), "the number of tensors at byte 8 is 1152921504606846976, but only");
  EXPECT_COMPLAINT(GgufBytes().start(0, kHuge), "the number of metadata entries at byte 16 is");
  EXPECT_COMPLAINT(GgufBytes().start(0, 1).put(kHuge).data(64), "ends inside a metadata key");
  EXPECT_COMPLAINT(GgufBytes().start(0, 1).put(~0ull).data(64), "ends inside a metadata key");
  EXPECT_COMPLAINT(GgufBytes().start(0, 1).key("k", kString).put(kHuge).data(64), "ends inside the value of 'k'");
  for (const std::uint32_t type : {kU8, kI16, kF32, kU64, kBool, kString, kArray}) {
    for (const std::uint64_t count : std::vector<std::uint64_t>{kHuge, ~0ull, ~0ull / 2 + 2, ~0ull / 8 + 2, 65}) {
      EXPECT_COMPLAINT(GgufBytes().start(0, 1).key("k", kArray).put(type).put(count).data(64),
                       "the length of an array in the value of 'k'");
    }
  }
  // A string of an array that is longer than the rest.
  EXPECT_COMPLAINT(GgufBytes().start(0, 1).key("k", kArray).put(kString).put<std::uint64_t>(2).string("a").put(kHuge),
                   "ends inside the value of 'k'");
  EXPECT_COMPLAINT(GgufBytes().start(1, 0).put(kHuge).data(64), "ends inside a tensor's name");
}

TEST(GgufReader, RefusesUnknownValueTypes) {
  EXPECT_COMPLAINT(GgufBytes().start(0, 1).key("k", 13).data(64), "has type 13, which GGUF does not define");
  EXPECT_COMPLAINT(GgufBytes().start(0, 1).key("k", ~0u).data(64), "has type 4294967295");
  EXPECT_COMPLAINT(GgufBytes().start(0, 1).key("k", kArray).put<std::uint32_t>(13).put<std::uint64_t>(1).data(64),
                   "is an array of type 13");
}

TEST(GgufReader, RefusesBooleansOtherThanZeroAndOne) {
  EXPECT_COMPLAINT(GgufBytes().start(0, 1).key("k", kBool).put<std::uint8_t>(2), "a boolean must be 0 or 1");
  EXPECT_COMPLAINT(GgufBytes().start(0, 1).key("k", kArray).put(kBool).put<std::uint64_t>(1).put<std::uint8_t>(255),
                   "a boolean must be 0 or 1");
}

TEST(GgufReader, BoundsTheDepthOfArrays) {
  const auto nested = [](int depth) {
    GgufBytes file;
    file.start(0, 1).key("k", kArray);
    for (int i = 1; i < depth; ++i) file.put(kArray).put<std::uint64_t>(1);
    file.put(kU8).put<std::uint64_t>(1).put<std::uint8_t>(9);
    return file;
  };
  const GgufBytes deepest = nested(4);
  EXPECT_EQ(parse(deepest).array("k")->size(), 1u);
  EXPECT_COMPLAINT(nested(5), "nests arrays more than 4 deep");
  EXPECT_COMPLAINT(nested(100000), "nests arrays more than 4 deep");
}

TEST(GgufReader, RefusesDuplicates) {
  EXPECT_COMPLAINT(GgufBytes().start(0, 2).key("k", kU8).put<std::uint8_t>(1).key("k", kU8).put<std::uint8_t>(1),
                   "metadata key 'k' at byte 38 was there before");
  EXPECT_COMPLAINT(GgufBytes().start(2, 0).tensor("t", {8}, 0, 0).tensor("t", {8}, 0, 32).pad().data(64),
                   "tensor 't' was there before");
}

TEST(GgufReader, MakesNamesFitForMessages) {
  EXPECT_COMPLAINT(GgufBytes().start(1, 0).tensor("\x1b[31m\n", {0}, 0, 0).pad(), "tensor '\\x1b[31m\\x0a' has");
  const std::string message = complaint(GgufBytes().start(1, 0).tensor(std::string(100000, 'n'), {0}, 0, 0).pad());
  EXPECT_LT(message.size(), 200u);
}

TEST(GgufReader, ChecksDimensions) {
  EXPECT_COMPLAINT(GgufBytes().start(1, 0).tensor("t", {}, 0, 0).data(64), "tensor 't' has 0 dimensions, not 1 to 4");
  EXPECT_COMPLAINT(GgufBytes().start(1, 0).tensor("t", {1, 1, 1, 1, 1}, 0, 0).data(64), "has 5 dimensions");
  EXPECT_COMPLAINT(GgufBytes().start(1, 0).string("t").put(~0u).data(64), "has 4294967295 dimensions");
  EXPECT_COMPLAINT(GgufBytes().start(1, 0).tensor("t", {0}, 0, 0).pad().data(64), "has a dimension of 0");
  EXPECT_COMPLAINT(GgufBytes().start(1, 0).tensor("t", {8, 0}, 0, 0).pad().data(64), "has a dimension of 0");
  const GgufBytes four = GgufBytes().start(1, 0).tensor("t", {2, 1, 2, 2}, 0, 0).pad().data(32);
  EXPECT_EQ(parse(four).tensors()[0].rows(), 4u);
}

TEST(GgufReader, ChecksProductsForOverflow) {
  const std::uint64_t big = 1ull << 32;
  for (const auto& dims : std::vector<std::vector<std::uint64_t>>{{big, big},
                                                                  {1ull << 63},
                                                                  {~0ull},
                                                                  {1ull << 62, 2},
                                                                  {1ull << 61, 1},  // elements fit, bytes don't
                                                                  {big, big, big, big},
                                                                  {1ull << 16, 1ull << 16, 1ull << 16, 1ull << 16}}) {
    EXPECT_COMPLAINT(GgufBytes().start(1, 0).tensor("t", dims, 0, 0).pad().data(64), "more weights than 63 bits");
  }
  // A dimension of 0 does not hide the overflow of the others.
  EXPECT_COMPLAINT(GgufBytes().start(1, 0).tensor("t", {big, big, 0}, 0, 0).pad().data(64), "has a dimension of 0");
}

TEST(GgufReader, ChecksThatRowsAreWholeBlocks) {
  EXPECT_COMPLAINT(GgufBytes().start(1, 0).tensor("t", {33, 32}, 2, 0).pad().data(2048),
                   "has rows of 33 weights, not whole blocks of 32 as Q4_0 needs");
  EXPECT_COMPLAINT(GgufBytes().start(1, 0).tensor("t", {128, 2}, 12, 0).pad().data(2048),
                   "blocks of 256 as Q4_K needs");
}

TEST(GgufReader, NamesTensorsOfUnknownType) {
  EXPECT_COMPLAINT(GgufBytes().start(1, 0).tensor("t", {32}, 4, 0).pad().data(64), "tensor 't' has type number 4");
  EXPECT_COMPLAINT(GgufBytes().start(1, 0).tensor("t", {32}, 999, 0).pad().data(64), "type number 999");
}

TEST(GgufReader, ChecksOffsets) {
  EXPECT_COMPLAINT(GgufBytes().start(1, 0).tensor("t", {8}, 0, 8).pad().data(64),
                   "has offset 8, not a multiple of the alignment 32");
  EXPECT_COMPLAINT(GgufBytes().start(1, 0).tensor("t", {8}, 0, ~0ull - 31).pad().data(64), "beyond any file");
  EXPECT_COMPLAINT(GgufBytes().start(1, 0).tensor("t", {8}, 0, kHuge).pad().data(64), "it is truncated");
  EXPECT_COMPLAINT(GgufBytes().start(1, 0).tensor("t", {16}, 0, 32).pad().data(64),
                   "tensor 't' ends at byte 160 but the file has 128 bytes: it is truncated; download it again");
  // The padding after the header is missing.
  EXPECT_COMPLAINT(GgufBytes().start(1, 0).tensor("t", {8}, 0, 0), "it is truncated");
}

TEST(GgufReader, RefusesOverlappingTensors) {
  EXPECT_COMPLAINT(GgufBytes().start(2, 0).tensor("a", {16}, 0, 0).tensor("b", {8}, 0, 32).pad().data(64),
                   "tensor 'a' overlaps tensor 'b'");
  EXPECT_COMPLAINT(GgufBytes().start(2, 0).tensor("a", {8}, 0, 0).tensor("b", {16}, 0, 0).pad().data(64), "overlaps");
  const GgufBytes backwards = GgufBytes().start(2, 0).tensor("a", {8}, 0, 32).tensor("b", {8}, 0, 0).pad().data(64);
  EXPECT_EQ(parse(backwards).tensors().size(), 2u);  // any order, and touching, is fine
}

TEST(GgufReader, HonoursTheAlignment) {
  const auto aligned = [](std::uint32_t alignment) {
    GgufBytes file;
    file.start(1, 1).key("general.alignment", kU32).put(alignment);
    return file.tensor("t", {8}, 0, alignment).pad(alignment).data(std::size_t{alignment} + 32);
  };
  for (const std::uint32_t alignment : {8u, 32u, 64u, 4096u}) {
    const GgufBytes bytes = aligned(alignment);
    const GgufFile file = parse(bytes);
    EXPECT_EQ(file.alignment(), alignment);
    EXPECT_EQ(file.header().size() % alignment, 0u);
    EXPECT_EQ(file.tensors()[0].data.data(), bytes.bytes().data() + file.header().size() + alignment);
  }
  for (const std::uint32_t alignment : {0u, 1u, 4u, 24u, 33u, 0xFFFFFFFFu}) {
    GgufBytes file;
    file.start(0, 1).key("general.alignment", kU32).put(alignment);
    EXPECT_COMPLAINT(file, "general.alignment is " + std::to_string(alignment) + ", it must be a power of two");
  }
  EXPECT_COMPLAINT(GgufBytes().start(0, 1).key("general.alignment", kU64).put<std::uint64_t>(32), "is not a u32");
  EXPECT_COMPLAINT(GgufBytes().start(0, 1).key("general.alignment", kString).string("32"), "is not a u32");
}

TEST(GgufReader, NeedsNoPaddingWithoutTensors) {
  const GgufBytes bytes = GgufBytes().start(0, 1).key("k", kU8).put<std::uint8_t>(1);
  const GgufFile file = parse(bytes);
  EXPECT_EQ(file.header().size(), bytes.bytes().size());
  EXPECT_TRUE(file.tensors().empty());
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
