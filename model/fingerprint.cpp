#include "model/fingerprint.hpp"

#include <algorithm>
#include <cstring>

namespace covey {

void Fingerprint::add(std::span<const std::byte> bytes) {
  for (std::size_t at = 0; at < bytes.size(); at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data() + at, std::min<std::size_t>(8, bytes.size() - at));
    hash_ = (hash_ ^ word) * 0x100000001B3ULL;
    hash_ ^= hash_ >> 29;  // FNV alone never carries high bits down
  }
}

std::uint64_t fingerprint_of(const GgufFile& file) {
  constexpr std::size_t kSample = 4096;
  Fingerprint print;
  for (const GgufPart& part : file.parts()) print.add(part.header);
  for (const auto& tensor : file.tensors()) {
    const auto data = tensor.data;
    const std::size_t size = std::min(kSample, data.size());
    print.add(data.first(size));
    print.add(data.subspan((data.size() - size) / 2, size));
    print.add(data.last(size));
  }
  return print.value();
}

}  // namespace covey
