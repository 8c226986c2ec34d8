#include "mpi/byte_stream.hpp"

#include <bit>
#include <limits>

#include "covey/error.hpp"

namespace covey {

void ByteWriter::u8(std::uint8_t value) { bytes_.push_back(static_cast<std::byte>(value)); }

void ByteWriter::u64(std::uint64_t value) {
  for (int shift = 0; shift < 64; shift += 8) u8(static_cast<std::uint8_t>(value >> shift));
}

void ByteWriter::f32(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  for (int shift = 0; shift < 32; shift += 8) u8(static_cast<std::uint8_t>(bits >> shift));
}

void ByteWriter::f64(double value) { u64(std::bit_cast<std::uint64_t>(value)); }

void ByteWriter::varint(std::uint64_t value) {
  while (value >= 0x80) {
    u8(static_cast<std::uint8_t>(value | 0x80));
    value >>= 7;
  }
  u8(static_cast<std::uint8_t>(value));
}

void ByteWriter::zigzag(std::int64_t value) {
  varint((static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63));
}

void ByteWriter::text(std::string_view value) {
  varint(value.size());
  const auto bytes = std::as_bytes(std::span(value));
  bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
}

std::span<const std::byte> ByteReader::take(std::size_t bytes) {
  if (bytes > left_.size()) malformed("it is cut short");
  const auto taken = left_.first(bytes);
  left_ = left_.subspan(bytes);
  return taken;
}

std::uint8_t ByteReader::u8() { return std::to_integer<std::uint8_t>(take(1)[0]); }

std::uint64_t ByteReader::u64() {
  std::uint64_t value = 0;
  int shift = 0;
  for (const std::byte b : take(8)) {
    value |= std::to_integer<std::uint64_t>(b) << shift;
    shift += 8;
  }
  return value;
}

float ByteReader::f32() {
  std::uint32_t bits = 0;
  int shift = 0;
  for (const std::byte b : take(4)) {
    bits |= std::to_integer<std::uint32_t>(b) << shift;
    shift += 8;
  }
  return std::bit_cast<float>(bits);
}

double ByteReader::f64() { return std::bit_cast<double>(u64()); }

std::uint64_t ByteReader::varint() {
  std::uint64_t value = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    const std::uint8_t b = u8();
    if (shift == 63 && b > 1) malformed("a number has more than 64 bits");
    value |= static_cast<std::uint64_t>(b & 0x7F) << shift;
    if (b < 0x80) return value;
  }
  malformed("a number has more than 64 bits");
}

std::int64_t ByteReader::zigzag() {
  const std::uint64_t value = varint();
  return static_cast<std::int64_t>((value >> 1) ^ (~(value & 1) + 1));
}

bool ByteReader::boolean() {
  const std::uint8_t value = u8();
  if (value > 1) malformed("a yes or no is neither");
  return value == 1;
}

std::string ByteReader::text() {
  const auto bytes = take(count(1));
  std::string value(bytes.size(), '\0');
  for (std::size_t i = 0; i < bytes.size(); ++i) value[i] = static_cast<char>(bytes[i]);
  return value;
}

std::int32_t ByteReader::index() {
  const std::uint64_t value = varint();
  if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int32_t>::max()))
    malformed("a number is out of range");
  return static_cast<std::int32_t>(value);
}

std::int32_t ByteReader::int32() {
  const std::int64_t value = zigzag();
  if (value < std::numeric_limits<std::int32_t>::min() || value > std::numeric_limits<std::int32_t>::max()) {
    malformed("a number is out of range");
  }
  return static_cast<std::int32_t>(value);
}

std::size_t ByteReader::count(std::size_t item_bytes) {
  const std::uint64_t value = varint();
  if (value > left_.size() / item_bytes) malformed("it announces more than it holds");
  return static_cast<std::size_t>(value);
}

void ByteReader::end() const {
  if (!left_.empty()) malformed("bytes are left over");
}

void ByteReader::malformed(std::string_view why) const {
  throw Error("malformed " + std::string(what_) + ": " + std::string(why));
}

}  // namespace covey
