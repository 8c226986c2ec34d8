// Reads little-endian values one after the other, never past the end.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

namespace covey {

static_assert(std::endian::native == std::endian::little, "GGUF is read as memory holds it");

/// A place in bytes that are not trusted. Every read checks what is left first and throws Error naming the file, what
/// was to be read and where.
class ByteCursor {
 public:
  /// `bytes` and `name` (the file, for messages) must outlive the cursor.
  ByteCursor(std::span<const std::byte> bytes, const std::string& name) : bytes_(bytes), name_(name) {}

  std::size_t position() const { return position_; }
  std::size_t remaining() const { return bytes_.size() - position_; }

  /// The next `count` bytes. `what` completes "ends inside …".
  std::span<const std::byte> take(std::uint64_t count, std::string_view what);

  /// The next T, a number of fixed size.
  template <typename T>
  T read(std::string_view what) {
    T value;
    std::memcpy(&value, take(sizeof(T), what).data(), sizeof(T));
    return value;
  }

  /// A u64 length and as many bytes. The view lies in the cursor's bytes.
  std::string_view string(std::string_view what);

  /// A u64 count of items that take at least `item_bytes` each: a count that what is left can't hold is an error, so
  /// memory may be reserved for a count that was returned.
  std::uint64_t count(std::size_t item_bytes, std::string_view what);

 private:
  std::span<const std::byte> bytes_;
  const std::string& name_;
  std::size_t position_ = 0;
};

}  // namespace covey
