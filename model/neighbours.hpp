// Which characters stand side by side within some token.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace covey {

/// Between characters that never do, merging can't join: the text falls apart there into stretches, words as a rule,
/// that are merged one by one in fast memory. May say yes wrongly (it keeps hashes, not characters), never no.
class Neighbours {
 public:
  Neighbours();

  /// Every two neighbouring characters of `text`, cut as utf8_step() cuts it.
  void add(std::string_view text);
  /// Characters of at most 4 bytes.
  bool may_join(std::string_view left, std::string_view right) const;

 private:
  std::vector<bool> seen_;  // by hash of the two characters
};

}  // namespace covey
