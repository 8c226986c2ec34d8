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

namespace covey {

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
