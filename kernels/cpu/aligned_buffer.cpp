#include "kernels/cpu/aligned_buffer.hpp"

#include <sys/mman.h>

#include <limits>
#include <new>
#include <string>

#include "covey/error.hpp"

namespace covey {
namespace {

constexpr std::size_t kCacheLine = 64;
constexpr std::size_t kHugePage = std::size_t{2} << 20;

}  // namespace

AlignedBuffer::AlignedBuffer(std::size_t bytes, std::string_view purpose) : size_(bytes) {
  if (bytes == 0) return;
  const std::size_t alignment = bytes >= 2 * kHugePage ? kHugePage : kCacheLine;
  void* memory = ::operator new (bytes, std::align_val_t{alignment}, std::nothrow);
  if (memory == nullptr) throw Error("no memory for " + std::string(purpose) + ": " + std::to_string(bytes) + " bytes");
#ifdef MADV_HUGEPAGE
  // Only advice: where the system has no huge pages, ordinary ones do.
  if (alignment == kHugePage) madvise(memory, bytes / kHugePage * kHugePage, MADV_HUGEPAGE);
#endif
  bytes_ = {static_cast<std::byte*>(memory), Free{alignment}};
}

void AlignedBuffer::Free::operator()(std::byte* bytes) const noexcept {
  ::operator delete (bytes, std::align_val_t{alignment});
}

std::size_t checked_product(std::span<const std::size_t> factors, std::string_view purpose) {
  std::size_t product = 1;
  for (const std::size_t factor : factors) {
    if (factor != 0 && product > std::numeric_limits<std::size_t>::max() / factor) {
      throw Error("the size of " + std::string(purpose) + " does not fit an address");
    }
    product *= factor;
  }
  return product;
}

}  // namespace covey
