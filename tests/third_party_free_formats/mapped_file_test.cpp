#include "third_party_free_formats/mapped_file.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <utility>

#include "covey/error.hpp"
#include "tests/third_party_free_formats/gguf_bytes.hpp"

namespace covey {
namespace {

std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string error_opening(const std::string& path) {
  return message_of<Error>([&] { const MappedFile file(path); });
}

TEST(MappedFile, HoldsTheBytesOfTheFile) {
  const TemporaryPath path("file");
  write_contents(path.string(), "some bytes");
  const MappedFile file(path.string());
  EXPECT_EQ(text_of(file.bytes()), "some bytes");
  EXPECT_EQ(file.path(), path.string());
}

TEST(MappedFile, KeepsTheAddressWhenMoved) {
  const TemporaryPath path("file");
  write_contents(path.string(), "some bytes");
  MappedFile first(path.string());
  const std::byte* const address = first.bytes().data();
  MappedFile second(std::move(first));
  EXPECT_EQ(second.bytes().data(), address);
  EXPECT_EQ(text_of(second.bytes()), "some bytes");

  write_contents(path.string() + "2", "other");
  MappedFile third(path.string() + "2");
  third = std::move(second);
  EXPECT_EQ(third.bytes().data(), address);
  EXPECT_EQ(text_of(third.bytes()), "some bytes");
  EXPECT_EQ(third.path(), path.string());
}

TEST(MappedFile, NamesThePathOfWhatCantBeMapped) {
  const TemporaryPath path("file");
  EXPECT_NE(error_opening(path.string()).find(path.string() + ": can't be opened: No such file"), std::string::npos);
  EXPECT_NE(error_opening(path.folder().string()).find("is not a regular file"), std::string::npos);
  EXPECT_NE(error_opening("/dev/null").find("is not a regular file"), std::string::npos);
  EXPECT_NE(error_opening("").find("can't be opened"), std::string::npos);
  write_contents(path.string(), "");
  EXPECT_EQ(error_opening(path.string()), path.string() + ": is empty");
}

TEST(MappedFile, DoesNotWaitForTheWriterOfAPipe) {
  const TemporaryPath path("pipe");
  ASSERT_EQ(::mkfifo(path.string().c_str(), 0600), 0);
  EXPECT_NE(error_opening(path.string()).find("is not a regular file"), std::string::npos);
}

TEST(MappedFile, ReadsReleasedPartsAgain) {
  const TemporaryPath path("file");
  std::string contents(1 << 20, ' ');
  for (std::size_t i = 0; i < contents.size(); ++i) contents[i] = static_cast<char>(i * 31 >> 3);
  write_contents(path.string(), contents);
  const MappedFile file(path.string());
  EXPECT_EQ(text_of(file.bytes()), contents);
  file.release(file.bytes());
  file.release(file.bytes().subspan(5000, 100000));
  file.release(file.bytes().subspan(1, 1));
  file.release({});
  EXPECT_EQ(text_of(file.bytes()), contents);
}

TEST(MappedFile, IgnoresReleaseOfOtherMemory) {
  const TemporaryPath path("file");
  write_contents(path.string(), "some bytes");
  const MappedFile file(path.string());
  const std::vector<std::byte> other(1 << 16, std::byte{42});
  file.release(other);
  EXPECT_EQ(std::ranges::count(other, std::byte{42}), 1 << 16);
}

TEST(MappedFile, MapsMoreThanFourGigabytes) {
  const TemporaryPath path("large");
  constexpr std::uint64_t kSize = (5ull << 30) + 3;
  write_contents(path.string(), "x");
  std::filesystem::resize_file(path.string(), kSize);  // sparse: takes no space
  const MappedFile file(path.string());
  ASSERT_EQ(file.bytes().size(), kSize);
  EXPECT_EQ(file.bytes().front(), std::byte{'x'});
  EXPECT_EQ(file.bytes().back(), std::byte{0});
}

}  // namespace
}  // namespace covey
