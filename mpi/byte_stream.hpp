// Values to bytes and back, for messages between ranks. Numbers are little-endian; integers that are usually small go
// as varints: seven bits a byte, low bits first, the top bit set on all but the last.
//
//     300 = 0b10'0101100   ->   [1|0101100] [0|0000010]
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace covey {

class ByteWriter {
 public:
  void u8(std::uint8_t value);
  void u64(std::uint64_t value);
  void f32(float value);
  void f64(double value);
  void varint(std::uint64_t value);
  /// Negative numbers near zero stay short: 0, -1, 1, -2, … become 0, 1, 2, 3, …
  void zigzag(std::int64_t value);
  void boolean(bool value) { u8(value ? 1 : 0); }
  /// Length, then the bytes.
  void text(std::string_view value);

  std::vector<std::byte> take() { return std::move(bytes_); }

 private:
  std::vector<std::byte> bytes_;
};

/// Reads what a ByteWriter wrote. Every function throws Error naming the message if what is left can't hold the value
/// or the value is out of range.
class ByteReader {
 public:
  /// `bytes` must outlive the reader; `what` names the message in errors.
  ByteReader(std::span<const std::byte> bytes, std::string_view what) : left_(bytes), what_(what) {}

  std::uint8_t u8();
  std::uint64_t u64();
  float f32();
  double f64();
  std::uint64_t varint();
  std::int64_t zigzag();
  bool boolean();
  std::string text();

  /// A varint in [0, INT32_MAX].
  std::int32_t index();
  /// A zigzag number that fits 32 bits.
  std::int32_t int32();
  /// A varint that counts items of at least `item_bytes` each, so that memory taken for them is bounded by the message.
  std::size_t count(std::size_t item_bytes);
  /// The last value has been read: throws Error if bytes are left.
  void end() const;

  [[noreturn]] void malformed(std::string_view why) const;

 private:
  std::span<const std::byte> take(std::size_t bytes);

  std::span<const std::byte> left_;
  std::string_view what_;
};

}  // namespace covey
