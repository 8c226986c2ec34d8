#include "model/grammar/schema_numbers.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace covey::grammar {
namespace {

Expression digit(char first, char last) {
  return characters(CodeSet({{static_cast<char32_t>(first), static_cast<char32_t>(last)}}));
}

Expression digits(std::size_t count) {
  return repeat(digit('0', '9'), static_cast<std::uint32_t>(count), static_cast<std::uint32_t>(count));
}

/// Strings of digits between two of equal length.
Expression digits_between(std::string_view least, std::string_view most) {
  if (least.find_first_not_of('0') == std::string_view::npos && most.find_first_not_of('9') == std::string_view::npos) {
    return digits(least.size());
  }
  const std::string_view least_rest = least.substr(1), most_rest = most.substr(1);
  if (least[0] == most[0]) return sequence({digit(least[0], least[0]), digits_between(least_rest, most_rest)});
  const std::string zeros(least_rest.size(), '0'), nines(least_rest.size(), '9');
  std::vector<Expression> parts;
  parts.push_back(sequence({digit(least[0], least[0]), digits_between(least_rest, nines)}));
  if (least[0] + 1 < most[0]) {
    parts.push_back(
        sequence({digit(static_cast<char>(least[0] + 1), static_cast<char>(most[0] - 1)), digits(least_rest.size())}));
  }
  parts.push_back(sequence({digit(most[0], most[0]), digits_between(zeros, most_rest)}));
  return choice(std::move(parts));
}

/// 0 <= least <= most.
Expression naturals_between(std::int64_t least, std::int64_t most) {
  std::vector<Expression> parts;
  std::int64_t shortest = 0, longest = 9;  // of numbers of so many digits
  while (shortest <= most) {
    const std::int64_t from = std::max(least, shortest), to = std::min(most, longest);
    if (from <= to) parts.push_back(digits_between(std::to_string(from), std::to_string(to)));
    if (longest >= kMostBound) break;
    shortest = longest + 1;
    longest = longest * 10 + 9;
  }
  return choice(std::move(parts));
}

Expression with_fraction(Expression whole) {
  return sequence({std::move(whole), optional(sequence({literal("."), repeat(digit('0', '9'), 1, 15)}))});
}

/// 0 <= least <= most.
Expression positives_between(std::int64_t least, std::int64_t most) {
  Expression end =
      sequence({literal(std::to_string(most)), optional(sequence({literal("."), repeat(digit('0', '0'), 1, 15)}))});
  if (least == most) return end;
  std::vector<Expression> parts;
  parts.push_back(with_fraction(naturals_between(least, most - 1)));
  parts.push_back(std::move(end));
  return choice(std::move(parts));
}

}  // namespace

Expression integers_between(std::int64_t least, std::int64_t most) {
  std::vector<Expression> parts;
  if (least < 0) {
    parts.push_back(sequence({literal("-"), naturals_between(std::max<std::int64_t>(1, -most), -least)}));
  }
  if (most >= 0) parts.push_back(naturals_between(std::max<std::int64_t>(0, least), most));
  return choice(std::move(parts));
}

Expression numbers_between(std::int64_t least, std::int64_t most) {
  std::vector<Expression> parts;
  if (least < 0) {
    parts.push_back(sequence({literal("-"), positives_between(std::max<std::int64_t>(0, -most), -least)}));
  }
  if (most >= 0) parts.push_back(positives_between(std::max<std::int64_t>(0, least), most));
  return choice(std::move(parts));
}

}  // namespace covey::grammar
