// The sixteen weights that the four bits of IQ4_NL and IQ4_XS stand for: close together around zero, where most weights
// of a trained layer lie. Source: the GGUF specification.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "kernels/quant/rounding.hpp"

namespace covey {

// NOLINTNEXTLINE(misc-use-anonymous-namespace): a copy for each instruction set's file
static constexpr std::int8_t kIq4Values[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                               1,    13,   25,  38,  53,  69,  89,  113};

/// What encoders look up: numbers in half steps from -128 to 127.5. The points half way between two values are whole
/// half steps, so that numbers of one step have one nearest value.
struct Iq4Codes {
  static constexpr float kLowest = -127.0F;
  static constexpr float kHighest = 113.0F;

  static FourFloats nearest(FourFloats x) noexcept {
    const FourFloats steps = clamp_to(splat_four(2.0F) * x + splat_four(256.0F), 0.0F, kSteps - 1.0F);
    const auto at = [&](int lane) { return kNearest[static_cast<std::size_t>(static_cast<int>(steps[lane]))]; };
    return FourFloats{at(0), at(1), at(2), at(3)};
  }
  /// 0..15, of a value.
  static int code_of(float value) noexcept { return kCodes[step_of(value)]; }

 private:
  static constexpr int kSteps = 512;

  static std::size_t step_of(float x) noexcept {
    return static_cast<std::size_t>(static_cast<int>(clamp_to(2.0F * x + 256.0F, 0.0F, kSteps - 1.0F)));
  }

  static constexpr std::array<std::uint8_t, kSteps> list_codes() {
    std::array<std::uint8_t, kSteps> codes{};
    int code = 0;
    for (int step = 0; step < kSteps; ++step) {
      while (code < 15 && step - 256 >= kIq4Values[code] + kIq4Values[code + 1]) ++code;
      codes[static_cast<std::size_t>(step)] = static_cast<std::uint8_t>(code);
    }
    return codes;
  }
  static constexpr std::array<float, kSteps> list_values(const std::array<std::uint8_t, kSteps>& codes) {
    std::array<float, kSteps> values{};
    for (std::size_t step = 0; step < kSteps; ++step) values[step] = kIq4Values[codes[step]];
    return values;
  }

  static const std::array<std::uint8_t, kSteps> kCodes;
  static const std::array<float, kSteps> kNearest;
};

inline constexpr std::array<std::uint8_t, Iq4Codes::kSteps> Iq4Codes::kCodes = Iq4Codes::list_codes();
inline constexpr std::array<float, Iq4Codes::kSteps> Iq4Codes::kNearest = Iq4Codes::list_values(kCodes);

}  // namespace covey
