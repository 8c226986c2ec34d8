// What tests of several ranks share.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "mpi/loopback_transport.hpp"
#include "mpi/transport.hpp"
#include "tests/error_of.hpp"

namespace covey {

inline std::vector<std::byte> bytes_of(std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

inline std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

inline Deadline soon() { return Clock::now() + std::chrono::seconds(20); }

inline std::string receive_text(Transport& transport, int from, std::size_t size, Tag tag = Tag::text) {
  std::vector<std::byte> bytes(size);
  transport.recv(from, bytes, tag, soon());
  return text_of(bytes);
}

inline ::testing::AssertionResult contains(const std::string& text, const std::string& part) {
  if (text.find(part) != std::string::npos) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << "'" << part << "' is not in: " << text;
}

}  // namespace covey
