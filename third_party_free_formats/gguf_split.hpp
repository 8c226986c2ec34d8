// Models split over several files: their names, and how they are written.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "third_party_free_formats/gguf.hpp"

namespace covey {

// In every part, numbers of 16 and 32 bits.
inline constexpr std::string_view kSplitNoKey = "split.no";  // from 0
inline constexpr std::string_view kSplitCountKey = "split.count";
inline constexpr std::string_view kSplitTensorsKey = "split.tensors.count";  // of all parts together
inline constexpr std::uint64_t kMostSplitParts = 65535;

/// Whether a metadata key says how a model is split, not what it is.
bool is_split_key(std::string_view key);

/// PREFIX-00001-of-00003.gguf
struct SplitName {
  std::string prefix;
  std::uint64_t number = 1;  ///< from 1
  std::uint64_t count = 1;

  std::string path() const;
  /// nullopt for a path that is not of this form.
  static std::optional<SplitName> parse(std::string_view path);
};

/// Bounds of each part; 0: none.
struct SplitLimits {
  std::uint64_t bytes = 0;  ///< of the whole file
  std::uint64_t tensors = 0;
};

/// Called with (bytes written, bytes in all); may throw.
using WriteProgress = std::function<void(std::uint64_t, std::uint64_t)>;

/// Writes `file` to parts whose names begin with `prefix`, tensors in their order, and returns their paths. Throws
/// Error if the limits can't be kept, or naming the path that can't be written; then no part is left behind.
std::vector<std::string> write_split(const GgufFile& file, const std::string& prefix, const SplitLimits& limits,
                                     const WriteProgress& progress = {});

/// Writes all parts of `file` to one. Throws Error naming the path.
void write_merged(const GgufFile& file, const std::string& path, const WriteProgress& progress = {});

}  // namespace covey
