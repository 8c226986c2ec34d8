// Regular expressions over UTF-8, with Unicode's classes of characters. PCRE2 does the work.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace covey {

/// A compiled expression. Immutable; safe to use from many threads.
class Regex {
 public:
  /// Whether this build of Covey has regular expressions at all (CMake option COVEY_PCRE2).
  static bool available();

  /// Throws Error if there are none here, or if `expression` is not one (Perl's syntax; \s, \p{L}, ... as Unicode has
  /// them).
  explicit Regex(std::string_view expression);
  ~Regex();
  Regex(Regex&&) noexcept;
  Regex& operator=(Regex&&) noexcept;

  /// Appends to `pieces` the matches in each of `texts` and what lies between them, in order; together they are the
  /// texts, and none is empty. Each text is matched by itself: assertions see nothing of the others. It must be valid
  /// UTF-8, or hold no valid character: then it stays whole. Throws Error if matching takes unreasonably many steps.
  void cut(const std::vector<std::string_view>& texts, std::vector<std::string_view>& pieces) const;

  /// The first group of the last match in `text` (all of the match where there is no such group); nullopt if there is
  /// none, or `text` is not valid UTF-8. Throws Error as cut().
  std::optional<std::string_view> last_match(std::string_view text) const;

 private:
  struct Code;
  std::string expression_;
  std::unique_ptr<Code> code_;
};

}  // namespace covey
