#include "third_party_free_formats/safetensors.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <fstream>

#include "covey/error.hpp"

namespace covey {
namespace {

std::string with_length(const std::string& header, const std::string& data, std::uint64_t length) {
  std::string bytes(sizeof length, '\0');
  std::memcpy(bytes.data(), &length, sizeof length);
  return bytes + header + data;
}

std::string safetensors_bytes(const std::string& header, std::size_t data) {
  return with_length(header, std::string(data, 'x'), header.size());
}

std::string safetensors_error(const std::string& bytes) {
  try {
    SafetensorsFile::parse(std::as_bytes(std::span(bytes)), "made.safetensors");
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

constexpr const char* kTwoTensors =
    R"({"__metadata__":{"format":"pt"},"b":{"dtype":"F32","shape":[2,3],"data_offsets":[4,28]},)"
    R"("a":{"dtype":"BF16","shape":[2],"data_offsets":[0,4]}}  )";

TEST(Safetensors, GivesTensorsInTheOrderOfTheirData) {
  const std::string bytes = safetensors_bytes(kTwoTensors, 28);
  const SafetensorsFile file = SafetensorsFile::parse(std::as_bytes(std::span(bytes)), "made");
  ASSERT_EQ(file.tensors().size(), 2U);
  EXPECT_EQ(file.tensors()[0].name, "a");
  EXPECT_EQ(file.tensors()[0].type, TensorType::bf16);
  const SafetensorsTensor* const b = file.find("b");
  ASSERT_NE(b, nullptr);
  EXPECT_EQ(b->shape, (std::vector<std::uint64_t>{2, 3}));
  EXPECT_EQ(b->elements(), 6U);
  EXPECT_EQ(b->data.data(), reinterpret_cast<const std::byte*>(bytes.data() + bytes.size() - 24));
  EXPECT_EQ(b->data.size(), 24U);
  EXPECT_EQ(file.find("c"), nullptr);
}

TEST(Safetensors, IsMapped) {
  const std::string path = testing::TempDir() + "covey_mapped.safetensors";
  std::ofstream(path, std::ios::binary) << safetensors_bytes(kTwoTensors, 28);
  const SafetensorsFile file = SafetensorsFile::open(path);
  EXPECT_EQ(file.find("a")->data[0], std::byte{'x'});
  std::remove(path.c_str());
  EXPECT_THROW(SafetensorsFile::open(path), Error);
}

TEST(Safetensors, TensorsOfNothingAreFine) {
  const std::string header = R"({"n":{"dtype":"F32","shape":[0,4],"data_offsets":[0,0]},)"
                             R"("one":{"dtype":"I64","shape":[],"data_offsets":[0,8]}})";
  EXPECT_EQ(safetensors_error(safetensors_bytes(header, 8)), "no error");
}

TEST(Safetensors, RefusesEveryTruncation) {
  const std::string whole = safetensors_bytes(kTwoTensors, 28);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_NE(safetensors_error(whole.substr(0, size)), "no error") << size;
  }
  EXPECT_NE(safetensors_error(whole + "y").find("1 bytes at its end"), std::string::npos);
}

TEST(Safetensors, RefusesAbsurdHeaders) {
  for (const std::uint64_t length : {std::uint64_t{1} << 62U, ~std::uint64_t{0}, std::uint64_t{100'000'001}}) {
    EXPECT_NE(safetensors_error(with_length("{}", "", length)).find("header"), std::string::npos);
  }
  EXPECT_NE(safetensors_error(with_length("{}", "", 99'000'000)).find("truncated"), std::string::npos);
  EXPECT_NE(safetensors_error(safetensors_bytes(std::string(100'000, '['), 0)).find("deep"), std::string::npos);
  EXPECT_NE(safetensors_error(safetensors_bytes("[]", 0)).find("object"), std::string::npos);
  EXPECT_NE(safetensors_error(safetensors_bytes("{]", 0)).find("no JSON"), std::string::npos);
}

TEST(Safetensors, RefusesTensorsThatDoNotFit) {
  const auto one = [](const std::string& rest) { return safetensors_bytes(R"({"t":{)" + rest + "}}", 8); };
  const auto two = [](const std::string& first, const std::string& second) {
    return safetensors_bytes(R"({"t":{"dtype":"U8","shape":[4],"data_offsets":)" + first +
                                 R"(},"u":{"dtype":"U8","shape":[4],"data_offsets":)" + second + "}}",
                             8);
  };
  const std::pair<std::string, const char*> cases[] = {
      {one(R"("dtype":"F128","shape":[8],"data_offsets":[0,8])"), "F128"},
      {one(R"("shape":[8],"data_offsets":[0,8])"), "dtype"},
      {one(R"("dtype":"U8","data_offsets":[0,8])"), "shape"},
      {one(R"("dtype":"U8","shape":[8])"), "data_offsets"},
      {one(R"("dtype":"U8","shape":[7],"data_offsets":[0,8])"), "8 bytes"},
      {one(R"("dtype":"U8","shape":[-8],"data_offsets":[0,8])"), "whole number"},
      {one(R"("dtype":"U8","shape":[8.5],"data_offsets":[0,8])"), "whole number"},
      {one(R"("dtype":"U8","shape":[8],"data_offsets":[8,0])"), "begin and an end"},
      {one(R"("dtype":"U8","shape":[8],"data_offsets":[0])"), "begin and an end"},
      {one(R"("dtype":"U8","shape":[16],"data_offsets":[0,16])"), "truncated"},
      {one(R"("dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0])"), "64 bits"},
      {one(R"("dtype":"U8","shape":[1,1,1,1,1,1,1,1,8],"data_offsets":[0,8])"), "dimensions"},
      {two("[0,4]", "[2,6]"), "inside the one before"},
      {two("[0,4]", "[0,4]"), "inside the one before"},
      {two("[1,5]", "[5,9]"), "after a gap"},
      {safetensors_bytes(R"({"t":3})", 0), "object"},
      {safetensors_bytes(R"({"t":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},)"
                         R"("t":{"dtype":"U8","shape":[4],"data_offsets":[4,8]}})",
                         8),
       "twice"},
  };
  for (const auto& [bytes, part] : cases) {
    const std::string error = safetensors_error(bytes);
    EXPECT_NE(error.find(part), std::string::npos) << part << ": " << error;
    EXPECT_NE(error.find("made.safetensors"), std::string::npos) << error;
  }
}

}  // namespace
}  // namespace covey
