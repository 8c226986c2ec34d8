// A file mapped read-only into memory.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <utility>

namespace covey {

/// Read-only memory map of a whole regular file; move-only. The bytes stay valid, at the same address, for the life of
/// the object, also when it is moved.
class MappedFile {
 public:
  /// Throws Error naming `path` if it can't be opened, is not a regular file, is empty, or can't be mapped.
  explicit MappedFile(const std::string& path);
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<const std::byte> bytes() const { return {data_, size_}; }
  const std::string& path() const { return path_; }

  /// Tells the system that `part` (a sub-span of bytes()) is not needed soon: its whole pages leave the resident set
  /// and are read again from the file if touched. Never fails; a hint only.
  void release(std::span<const std::byte> part) const noexcept;
  /// Tells the system that `part` is needed soon: it may begin to read it. Never fails; a hint only.
  void prefetch(std::span<const std::byte> part) const noexcept;

 private:
  /// Offsets from the first of `part` to one past its last byte; none if it is not of this file.
  std::pair<std::size_t, std::size_t> place_of(std::span<const std::byte> part) const noexcept;

  std::string path_;
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace covey
