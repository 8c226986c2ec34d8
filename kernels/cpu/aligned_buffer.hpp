// Memory for weights, activations and caches.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

namespace covey {

/// Uninitialised bytes that begin at a cache line, or at a huge page where they fill one (fewer entries of the
/// processor's address cache for weights that are read in sequence). The system commits memory when it is first
/// written, so room that is not used costs nothing.
class AlignedBuffer {
 public:
  AlignedBuffer() = default;
  /// Throws Error naming `purpose` ("the KV cache") if there is not so much memory.
  AlignedBuffer(std::size_t bytes, std::string_view purpose);

  std::byte* data() { return bytes_.get(); }
  const std::byte* data() const { return bytes_.get(); }
  std::size_t size() const { return size_; }
  /// Gives whole pages of a part back to the system until they are written again. What the part held is lost.
  void give_back(std::size_t offset, std::size_t bytes) noexcept;

 private:
  struct Free {
    std::size_t alignment;
    void operator()(std::byte* bytes) const noexcept;
  };
  std::unique_ptr<std::byte, Free> bytes_;
  std::size_t size_ = 0;
};

/// a * b * … of sizes; throws Error naming `purpose` where the product does not fit.
std::size_t checked_product(std::span<const std::size_t> factors, std::string_view purpose);

}  // namespace covey
