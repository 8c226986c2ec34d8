#include "third_party_free_formats/mapped_file.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <functional>
#include <limits>
#include <utility>

#include "covey/error.hpp"
#include "third_party_free_formats/file_error.hpp"

namespace covey {
namespace {

// Closes the descriptor on every way out; the map outlives it.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

}  // namespace

MappedFile::MappedFile(const std::string& path) : path_(path) {
  // O_NONBLOCK: opening a named pipe must fail below, not wait for a writer.
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.get() < 0) throw file_error(path, "can't be opened");
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) throw file_error(path, "can't be examined");
  if (!S_ISREG(status.st_mode)) throw Error(path + ": is not a regular file");
  if (status.st_size <= 0) throw Error(path + ": is empty");
  if (static_cast<std::uintmax_t>(status.st_size) > std::numeric_limits<std::size_t>::max()) {
    throw Error(path + ": is larger than this machine's address space");
  }
  const auto size = static_cast<std::size_t>(status.st_size);
  void* const map = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.get(), 0);
  if (map == MAP_FAILED) throw file_error(path, "can't be mapped");
  data_ = static_cast<const std::byte*>(map);
  size_ = size;
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : path_(std::move(other.path_)), data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

void MappedFile::release(std::span<const std::byte> part) const noexcept {
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  const auto [first, last] = place_of(part);
  const std::size_t begin = (first + page - 1) / page * page;
  const std::size_t end = last / page * page;
  if (begin < end) ::madvise(const_cast<std::byte*>(data_) + begin, end - begin, MADV_DONTNEED);
}

void MappedFile::prefetch(std::span<const std::byte> part) const noexcept {
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  const auto [first, last] = place_of(part);
  const std::size_t begin = first / page * page;
  if (begin < last) ::madvise(const_cast<std::byte*>(data_) + begin, last - begin, MADV_WILLNEED);
}

std::pair<std::size_t, std::size_t> MappedFile::place_of(std::span<const std::byte> part) const noexcept {
  const std::less<> before;
  if (part.empty() || before(part.data(), data_) || before(data_ + size_, part.data() + part.size())) return {0, 0};
  const auto offset = static_cast<std::size_t>(part.data() - data_);  // data_ is at the start of a page
  return {offset, offset + part.size()};
}

}  // namespace covey
