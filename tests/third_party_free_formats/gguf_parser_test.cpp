// What a file may not be: each way of being wrong is refused with a message of its own.
#include <gtest/gtest.h>

#include "covey/error.hpp"
#include "tests/third_party_free_formats/gguf_bytes.hpp"
#include "third_party_free_formats/gguf.hpp"

namespace covey {
namespace {

constexpr std::uint64_t kHuge = 1ull << 60;

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

// Tensor data reaches the last byte, so no shorter file is whole.
TEST(GgufParser, RefusesAFileCutAtAnyByte) {
  const GgufBytes file = gguf_of_everything();
  for (std::size_t size = 0; size < file.bytes().size(); ++size) {
    // A copy of its own, so that AddressSanitizer sees a read past the end.
    const std::vector<std::byte> cut(file.bytes().begin(), file.bytes().begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_THROW(GgufFile::parse(cut, "cut"), Error) << size;
  }
}

TEST(GgufParser, SurvivesAnyByteChanged) {
  const GgufBytes file = gguf_of_everything();
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

TEST(GgufParser, RefusesWhatIsNotGguf) {
  EXPECT_COMPLAINT(GgufBytes().text("PK\x03\x04 and so on"), "is not a GGUF file: it starts with 'PK\\x03\\x04'");
  EXPECT_COMPLAINT(GgufBytes().text("GG"), "truncated");
  EXPECT_COMPLAINT(GgufBytes(), "truncated");
}

TEST(GgufParser, RefusesOtherVersionsAndByteOrders) {
  EXPECT_COMPLAINT(GgufBytes().start(0, 0, 1), "GGUF version 1; versions 2 and 3 can be read");
  EXPECT_COMPLAINT(GgufBytes().start(0, 0, 4), "GGUF version 4");
  EXPECT_COMPLAINT(GgufBytes().start(0, 0, 0), "GGUF version 0");
  EXPECT_COMPLAINT(GgufBytes().start(0, 0, 0x03000000), "big-endian");
  EXPECT_COMPLAINT(GgufBytes().start(0, 0, 0x02000000), "big-endian");
}

TEST(GgufParser, RefusesCountsTheFileCantHold) {
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

TEST(GgufParser, RefusesUnknownValueTypes) {
  EXPECT_COMPLAINT(GgufBytes().start(0, 1).key("k", 13).data(64), "has type 13, which GGUF does not define");
  EXPECT_COMPLAINT(GgufBytes().start(0, 1).key("k", ~0u).data(64), "has type 4294967295");
  EXPECT_COMPLAINT(GgufBytes().start(0, 1).key("k", kArray).put<std::uint32_t>(13).put<std::uint64_t>(1).data(64),
                   "is an array of type 13");
}

TEST(GgufParser, RefusesBooleansOtherThanZeroAndOne) {
  EXPECT_COMPLAINT(GgufBytes().start(0, 1).key("k", kBool).put<std::uint8_t>(2), "a boolean must be 0 or 1");
  EXPECT_COMPLAINT(GgufBytes().start(0, 1).key("k", kArray).put(kBool).put<std::uint64_t>(1).put<std::uint8_t>(255),
                   "a boolean must be 0 or 1");
}

TEST(GgufParser, BoundsTheDepthOfArrays) {
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

TEST(GgufParser, RefusesDuplicates) {
  EXPECT_COMPLAINT(GgufBytes().start(0, 2).key("k", kU8).put<std::uint8_t>(1).key("k", kU8).put<std::uint8_t>(1),
                   "metadata key 'k' at byte 38 was there before");
  EXPECT_COMPLAINT(GgufBytes().start(2, 0).tensor("t", {8}, 0, 0).tensor("t", {8}, 0, 32).pad().data(64),
                   "tensor 't' was there before");
}

TEST(GgufParser, MakesNamesFitForMessages) {
  EXPECT_COMPLAINT(GgufBytes().start(1, 0).tensor("\x1b[31m\n", {0}, 0, 0).pad(), "tensor '\\x1b[31m\\x0a' has");
  const std::string message = complaint(GgufBytes().start(1, 0).tensor(std::string(100000, 'n'), {0}, 0, 0).pad());
  EXPECT_LT(message.size(), 200u);
}

TEST(GgufParser, ChecksDimensions) {
  EXPECT_COMPLAINT(GgufBytes().start(1, 0).tensor("t", {}, 0, 0).data(64), "tensor 't' has 0 dimensions, not 1 to 4");
  EXPECT_COMPLAINT(GgufBytes().start(1, 0).tensor("t", {1, 1, 1, 1, 1}, 0, 0).data(64), "has 5 dimensions");
  EXPECT_COMPLAINT(GgufBytes().start(1, 0).string("t").put(~0u).data(64), "has 4294967295 dimensions");
  EXPECT_COMPLAINT(GgufBytes().start(1, 0).tensor("t", {0}, 0, 0).pad().data(64), "has a dimension of 0");
  EXPECT_COMPLAINT(GgufBytes().start(1, 0).tensor("t", {8, 0}, 0, 0).pad().data(64), "has a dimension of 0");
  const GgufBytes four = GgufBytes().start(1, 0).tensor("t", {2, 1, 2, 2}, 0, 0).pad().data(32);
  EXPECT_EQ(parse(four).tensors()[0].rows(), 4u);
}

TEST(GgufParser, ChecksProductsForOverflow) {
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

TEST(GgufParser, ChecksThatRowsAreWholeBlocks) {
  EXPECT_COMPLAINT(GgufBytes().start(1, 0).tensor("t", {33, 32}, 2, 0).pad().data(2048),
                   "has rows of 33 weights, not whole blocks of 32 as Q4_0 needs");
  EXPECT_COMPLAINT(GgufBytes().start(1, 0).tensor("t", {128, 2}, 12, 0).pad().data(2048),
                   "blocks of 256 as Q4_K needs");
}

TEST(GgufParser, NamesTensorsOfUnknownType) {
  EXPECT_COMPLAINT(GgufBytes().start(1, 0).tensor("t", {32}, 4, 0).pad().data(64), "tensor 't' has type number 4");
  EXPECT_COMPLAINT(GgufBytes().start(1, 0).tensor("t", {32}, 999, 0).pad().data(64), "type number 999");
}

TEST(GgufParser, ChecksOffsets) {
  EXPECT_COMPLAINT(GgufBytes().start(1, 0).tensor("t", {8}, 0, 8).pad().data(64),
                   "has offset 8, not a multiple of the alignment 32");
  EXPECT_COMPLAINT(GgufBytes().start(1, 0).tensor("t", {8}, 0, ~0ull - 31).pad().data(64), "beyond any file");
  EXPECT_COMPLAINT(GgufBytes().start(1, 0).tensor("t", {8}, 0, kHuge).pad().data(64), "it is truncated");
  EXPECT_COMPLAINT(GgufBytes().start(1, 0).tensor("t", {16}, 0, 32).pad().data(64),
                   "tensor 't' ends at byte 160 but the file has 128 bytes: it is truncated; download it again");
  // The padding after the header is missing.
  EXPECT_COMPLAINT(GgufBytes().start(1, 0).tensor("t", {8}, 0, 0), "it is truncated");
}

TEST(GgufParser, RefusesOverlappingTensors) {
  EXPECT_COMPLAINT(GgufBytes().start(2, 0).tensor("a", {16}, 0, 0).tensor("b", {8}, 0, 32).pad().data(64),
                   "tensor 'a' overlaps tensor 'b'");
  EXPECT_COMPLAINT(GgufBytes().start(2, 0).tensor("a", {8}, 0, 0).tensor("b", {16}, 0, 0).pad().data(64), "overlaps");
  const GgufBytes backwards = GgufBytes().start(2, 0).tensor("a", {8}, 0, 32).tensor("b", {8}, 0, 0).pad().data(64);
  EXPECT_EQ(parse(backwards).tensors().size(), 2u);  // any order, and touching, is fine
}

TEST(GgufParser, HonoursTheAlignment) {
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

TEST(GgufParser, NeedsNoPaddingWithoutTensors) {
  const GgufBytes bytes = GgufBytes().start(0, 1).key("k", kU8).put<std::uint8_t>(1);
  const GgufFile file = parse(bytes);
  EXPECT_EQ(file.header().size(), bytes.bytes().size());
  EXPECT_TRUE(file.tensors().empty());
}

}  // namespace
}  // namespace covey
