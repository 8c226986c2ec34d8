#include "third_party_free_formats/byte_cursor.hpp"

#include "covey/error.hpp"

namespace covey {

std::span<const std::byte> ByteCursor::take(std::uint64_t count, std::string_view what) {
  if (count > remaining()) {
    throw Error(name_ + ": ends inside " + std::string(what) + ": " + std::to_string(count) + " bytes at byte " +
                std::to_string(position_) + ", " + std::to_string(remaining()) +
                " are left: it is truncated or damaged; download it again");
  }
  const auto part = bytes_.subspan(position_, static_cast<std::size_t>(count));
  position_ += part.size();
  return part;
}

std::string_view ByteCursor::string(std::string_view what) {
  const auto length = read<std::uint64_t>(what);
  const auto bytes = take(length, what);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::uint64_t ByteCursor::count(std::size_t item_bytes, std::string_view what) {
  const std::size_t at = position_;
  const auto items = read<std::uint64_t>(what);
  if (items > remaining() / item_bytes) {
    throw Error(name_ + ": " + std::string(what) + " at byte " + std::to_string(at) + " is " + std::to_string(items) +
                ", but only " + std::to_string(remaining()) +
                " bytes follow: it is truncated or damaged; download it again");
  }
  return items;
}

}  // namespace covey
