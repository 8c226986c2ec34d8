// Rendering in tests.
#pragma once

#include <gtest/gtest.h>

#include <ctime>
#include <span>
#include <string>
#include <string_view>

#include "model/jinja/json.hpp"
#include "model/jinja/template.hpp"

namespace covey::jinja {

/// Friday, 26 July 2024, 15:04:05.
inline std::tm fixed_time() {
  std::tm time{};
  time.tm_year = 124;
  time.tm_mon = 6;
  time.tm_mday = 26;
  time.tm_hour = 15;
  time.tm_min = 4;
  time.tm_sec = 5;
  time.tm_wday = 5;
  time.tm_yday = 207;
  return time;
}

inline std::string rendered(std::string_view source, std::string_view variables = "{}", const Limits& limits = {}) {
  return Template(source).render(parse_json(variables, "variables").dict(), fixed_time, limits);
}

struct Pair {
  std::string_view source, expected;
};

inline void expect_texts(std::span<const Pair> pairs, std::string_view variables) {
  for (const Pair& pair : pairs) EXPECT_EQ(rendered(pair.source, variables), pair.expected) << pair.source;
}

/// Each source is an expression, to be printed.
inline void expect_values(std::span<const Pair> pairs, std::string_view variables) {
  for (const Pair& pair : pairs) {
    EXPECT_EQ(rendered("{{ " + std::string(pair.source) + " }}", variables), pair.expected) << pair.source;
  }
}

/// Rendering fails, with a message that holds `part`.
inline void expect_error(std::string_view part, std::string_view source, std::string_view variables = "{}",
                         const Limits& limits = {}) {
  try {
    const std::string text = rendered(source, variables, limits);
    ADD_FAILURE() << source.substr(0, 200) << " gives " << text.substr(0, 200);
  } catch (const TemplateError& error) {
    EXPECT_NE(std::string_view(error.what()).find(part), std::string_view::npos)
        << source.substr(0, 200) << ": " << error.what();
  }
}

}  // namespace covey::jinja
