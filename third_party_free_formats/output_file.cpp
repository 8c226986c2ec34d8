#include "third_party_free_formats/output_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdio>

#include "covey/error.hpp"
#include "third_party_free_formats/file_error.hpp"

namespace covey {
namespace {

constexpr std::size_t kBufferBytes = 1 << 20;

// Two writers of one path, in one process or two, never share a temporary file.
std::string temporary_beside(const std::string& path) {
  static std::atomic<unsigned> serial{0};
  return path + ".tmp-" + std::to_string(::getpid()) + "-" + std::to_string(serial++);
}

}  // namespace

OutputFile::OutputFile(const std::string& path) : path_(path) {
  buffer_.reserve(kBufferBytes);
  // A name that exists is left over from a process that was killed: take the next.
  do {
    temporary_ = temporary_beside(path);
    fd_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  } while (fd_ < 0 && errno == EEXIST);
  if (fd_ < 0) throw file_error(path, "can't be written");
}

OutputFile::~OutputFile() {
  if (fd_ >= 0) ::close(fd_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void OutputFile::write(std::span<const std::byte> bytes) {
  if (buffer_.size() + bytes.size() > kBufferBytes) flush();
  if (bytes.size() >= kBufferBytes) {
    write_out(bytes);
  } else {
    buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
  }
  written_ += bytes.size();
}

void OutputFile::write_zeros(std::size_t count) {
  static constexpr std::array<std::byte, 4096> kZeros{};
  while (count > 0) {
    const std::size_t part = std::min(count, kZeros.size());
    write(std::span(kZeros).first(part));
    count -= part;
  }
}

void OutputFile::commit() {
  flush();
  // Some file systems report a full disk only now.
  const int closed = ::close(fd_);
  fd_ = -1;
  if (closed != 0) throw file_error(path_, "can't be written");
  if (std::rename(temporary_.c_str(), path_.c_str()) != 0) throw file_error(path_, "can't be written");
  temporary_.clear();
}

void OutputFile::write_out(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ::ssize_t count = ::write(fd_, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw file_error(path_, "can't be written");
    if (count == 0) throw Error(path_ + ": can't be written: the system takes no more bytes");
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
}

void OutputFile::flush() {
  write_out(buffer_);
  buffer_.clear();
}

}  // namespace covey
