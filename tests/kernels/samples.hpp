// What the kernel tests are made of: reproducible numbers, the instruction sets that run here, packed matrices.
#pragma once

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "kernels/cpu/isa.hpp"
#include "kernels/quant/formats.hpp"

namespace covey {

inline constexpr float kInfinity = std::numeric_limits<float>::infinity();
inline constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

/// Numbers in (-1, 1), the same on every machine.
class Samples {
 public:
  explicit Samples(std::uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15U + 1) {}

  float next() {
    state_ = state_ * 6364136223846793005U + 1442695040888963407U;
    return static_cast<float>(static_cast<std::int64_t>(state_) >> 40) * 0x1p-23F;
  }
  std::vector<float> take(std::size_t n, float scale = 1.0F) {
    std::vector<float> values(n);
    for (float& value : values) value = scale * next();
    return values;
  }

 private:
  std::uint64_t state_;
};

inline std::vector<const IsaTable*> tables_that_run() {
  std::vector<const IsaTable*> tables;
  for (const IsaTable* table : isa_tables()) {
    if (table->runs_here()) tables.push_back(table);
  }
  return tables;
}

inline const IsaTable& scalar() { return select_isa("scalar"); }

/// For the names of parameterised tests.
inline std::string name_of(const Format& format) { return std::string(tensor_type_info(format.type).name); }

inline bool same_bits(std::span<const float> a, std::span<const float> b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (std::bit_cast<std::uint32_t>(a[i]) != std::bit_cast<std::uint32_t>(b[i])) return false;
  }
  return true;
}

inline double root_mean_square(std::span<const float> a, std::span<const float> minus) {
  double squares = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) squares += (double{a[i]} - minus[i]) * (double{a[i]} - minus[i]);
  return std::sqrt(squares / static_cast<double>(a.size()));
}

}  // namespace covey
