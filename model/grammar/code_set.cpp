#include "model/grammar/code_set.hpp"

#include <algorithm>
#include <utility>

namespace covey::grammar {
namespace {

constexpr char32_t kBeforeSurrogates = 0xD7FF, kBehindSurrogates = 0xE000;

}  // namespace

CodeSet::CodeSet(const std::vector<Range>& ranges) {
  for (const Range& range : ranges) {
    const char32_t last = std::min(range.last, kLastCode);
    if (range.first > last) continue;
    if (range.first <= kBeforeSurrogates) ranges_.push_back({range.first, std::min(last, kBeforeSurrogates)});
    if (last >= kBehindSurrogates) ranges_.push_back({std::max(range.first, kBehindSurrogates), last});
  }
  normalize();
}

void CodeSet::add(char32_t first, char32_t last) { add(CodeSet({{first, last}})); }

void CodeSet::add(const CodeSet& other) {
  ranges_.insert(ranges_.end(), other.ranges_.begin(), other.ranges_.end());
  normalize();
}

void CodeSet::normalize() {
  std::ranges::sort(ranges_, {}, &Range::first);
  std::vector<Range> merged;
  for (const Range& range : ranges_) {
    if (!merged.empty() && range.first <= merged.back().last + 1) {
      merged.back().last = std::max(merged.back().last, range.last);
    } else {
      merged.push_back(range);
    }
  }
  ranges_ = std::move(merged);
}

CodeSet CodeSet::inverted() const {
  std::vector<Range> between;
  char32_t next = 0;
  for (const Range& range : ranges_) {
    if (range.first > next) between.push_back({next, range.first - 1});
    next = range.last + 1;
  }
  between.push_back({next, kLastCode});
  return CodeSet(between);
}

CodeSet CodeSet::without(const CodeSet& other) const {
  CodeSet kept = inverted();
  kept.add(other);
  return kept.inverted();
}

bool CodeSet::contains(char32_t code) const {
  return std::ranges::any_of(ranges_, [code](const Range& r) { return code >= r.first && code <= r.last; });
}

}  // namespace covey::grammar
