// A file that appears under its name only when it is complete.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace covey {

/// Writes a temporary file beside `path`; commit() renames it to `path`. Destroyed without commit(), it removes it.
/// Throws Error naming `path` where the system refuses (no space, no permission, …).
class OutputFile {
 public:
  explicit OutputFile(const std::string& path);
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  void write(std::span<const std::byte> bytes);
  void write_zeros(std::size_t count);
  std::uint64_t written() const { return written_; }
  void commit();

 private:
  void write_out(std::span<const std::byte> bytes);
  void flush();

  std::string path_;
  std::string temporary_;
  std::vector<std::byte> buffer_;
  std::uint64_t written_ = 0;
  int fd_ = -1;
};

}  // namespace covey
