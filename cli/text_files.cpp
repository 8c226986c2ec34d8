#include "cli/text_files.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "cli/interrupt.hpp"
#include "covey/error.hpp"

namespace covey {

namespace {

struct Descriptor {
  int number;
  ~Descriptor() {
    if (number >= 0) ::close(number);
  }
};

std::string read_all(int descriptor, const std::string& name) {
  std::string text;
  std::array<char, 1 << 16> piece;
  while (true) {
    const ssize_t got = ::read(descriptor, piece.data(), piece.size());
    if (got == 0) return text;
    if (got > 0) {
      text.append(piece.data(), static_cast<std::size_t>(got));
    } else if (errno == EINTR) {
      check_interrupt();
    } else {
      throw Error(name + " can't be read: " + std::strerror(errno));
    }
  }
}

}  // namespace

std::string read_file(const std::string& path) {
  const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (file.number < 0) throw Error(path + ": can't be opened: " + std::strerror(errno));
  return read_all(file.number, path);
}

void write_file(const std::string& path, std::string_view text) {
  const Descriptor file{::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666)};
  if (file.number < 0) throw Error(path + ": can't be written: " + std::strerror(errno));
  while (!text.empty()) {
    const ssize_t written = ::write(file.number, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) throw Error(path + ": can't be written: " + std::strerror(errno));
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

std::string read_stdin() { return read_all(STDIN_FILENO, "standard input"); }

std::string without_last_newline(std::string text) {
  if (!text.empty() && text.back() == '\n') text.pop_back();
  if (!text.empty() && text.back() == '\r') text.pop_back();
  return text;
}

}  // namespace covey
