// GGUF files put together byte by byte, so that tests can make wrong ones.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "third_party_free_formats/gguf.hpp"

namespace covey {

/// Numbers of the value types, as the format gives them.
inline constexpr std::uint32_t kU8 = 0, kI8 = 1, kU16 = 2, kI16 = 3, kU32 = 4, kI32 = 5, kF32 = 6, kBool = 7,
                               kString = 8, kArray = 9, kU64 = 10, kI64 = 11, kF64 = 12;

class GgufBytes {
 public:
  template <typename T>
  GgufBytes& put(T value) {
    return text({reinterpret_cast<const char*>(&value), sizeof(value)});
  }
  GgufBytes& text(std::string_view text) {
    bytes_.append(text);
    return *this;
  }
  GgufBytes& string(std::string_view value) { return put(std::uint64_t{value.size()}).text(value); }
  GgufBytes& start(std::uint64_t tensors, std::uint64_t metadata, std::uint32_t version = 3) {
    return text("GGUF").put(version).put(tensors).put(metadata);
  }
  GgufBytes& key(std::string_view name, std::uint32_t type) { return string(name).put(type); }
  GgufBytes& tensor(std::string_view name, const std::vector<std::uint64_t>& dims, std::uint32_t type,
                    std::uint64_t offset) {
    string(name).put(static_cast<std::uint32_t>(dims.size()));
    for (const std::uint64_t dim : dims) put(dim);
    return put(type).put(offset);
  }
  GgufBytes& pad(std::size_t alignment = 32) {
    while (bytes_.size() % alignment != 0) bytes_.push_back('\0');
    return *this;
  }
  GgufBytes& data(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) bytes_.push_back(static_cast<char>(i * 7 + 1));
    return *this;
  }
  std::span<const std::byte> bytes() const { return std::as_bytes(std::span(bytes_)); }
  const std::string& contents() const { return bytes_; }

 private:
  std::string bytes_;
};

/// One entry of every value type, arrays of every kind, two tensors.
inline GgufBytes gguf_of_everything(std::uint32_t version = 3) {
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

/// A path under the tests' temporary folder, that of the running test; what is there is removed now and at the end.
class TemporaryPath {
 public:
  explicit TemporaryPath(const std::string& name) {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    std::string folder = std::string(test->test_suite_name()) + "." + test->name();
    for (char& c : folder) {
      if (c == '/') c = '_';
    }
    folder_ = std::filesystem::path(testing::TempDir()) / ("covey-" + folder);
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    path_ = folder_ / name;
  }
  ~TemporaryPath() { std::filesystem::remove_all(folder_); }
  TemporaryPath(const TemporaryPath&) = delete;
  TemporaryPath& operator=(const TemporaryPath&) = delete;

  std::string string() const { return path_.string(); }
  const std::filesystem::path& folder() const { return folder_; }

 private:
  std::filesystem::path folder_;
  std::filesystem::path path_;
};

inline std::string file_contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline void write_contents(const std::string& path, std::string_view contents) {
  std::ofstream(path, std::ios::binary).write(contents.data(), static_cast<std::streamsize>(contents.size()));
}

inline GgufFile parse(const GgufBytes& file) { return GgufFile::parse(file.bytes(), "model.gguf"); }

/// Runs `act`, which must throw `Thrown`, and returns the message.
template <typename Thrown, typename Act>
std::string message_of(const Act& act) {
  try {
    act();
  } catch (const Thrown& error) {
    return error.what();
  }
  ADD_FAILURE() << "nothing was thrown";
  return {};
}

}  // namespace covey
