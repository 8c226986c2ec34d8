// Sets of Unicode characters.
#pragma once

#include <cstdint>
#include <vector>

namespace covey::grammar {

inline constexpr char32_t kLastCode = 0x10FFFF;

/// Ranges of code points, both ends included; never surrogates, which no text contains.
class CodeSet {
 public:
  struct Range {
    char32_t first, last;
    bool operator==(const Range&) const = default;
  };

  CodeSet() = default;
  /// In any order; they may overlap.
  explicit CodeSet(const std::vector<Range>& ranges);

  void add(char32_t first, char32_t last);
  void add(const CodeSet& other);
  CodeSet inverted() const;
  CodeSet without(const CodeSet& other) const;

  bool empty() const { return ranges_.empty(); }
  bool contains(char32_t code) const;
  const std::vector<Range>& ranges() const { return ranges_; }  ///< in order, apart from each other

 private:
  void normalize();
  std::vector<Range> ranges_;
};

/// Any character.
inline CodeSet all_codes() { return CodeSet().inverted(); }

}  // namespace covey::grammar
