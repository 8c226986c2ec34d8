#include "kernels/cpu/aligned_buffer.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <cassert>
#include <cstdint>
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

void AlignedBuffer::give_back(std::size_t offset, std::size_t bytes) noexcept {
  assert(offset <= size_ && bytes <= size_ - offset);
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  const auto start = reinterpret_cast<std::uintptr_t>(bytes_.get()) + offset;
  const std::uintptr_t first = (start + page - 1) / page * page;
  const std::uintptr_t last = (start + bytes) / page * page;
  if (first < last) madvise(reinterpret_cast<void*>(first), last - first, MADV_DONTNEED);
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
