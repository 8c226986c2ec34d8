// Blocks of sub-blocks with a scale each, a small integer in units of an fp16 number: w[i] = d * scales[i / N] * v[i],
// scales in LowestScale..-LowestScale - 1, v of a code (scale_fit.hpp). Formats with such blocks differ in the code,
// the range of scales, and in where they put the bits.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>

#include "kernels/half.hpp"
#include "kernels/quant/scale_fit.hpp"

namespace covey {

template <int SubBlocks, int N, class Codes, int LowestScale>
struct ScaleBlock {
  static constexpr int kElements = SubBlocks * N;
  static constexpr int kLowestScale = LowestScale;
  static constexpr int kHighestScale = -LowestScale - 1;

  std::uint16_t d = 0;  // fp16
  std::int8_t scales[SubBlocks] = {};
  std::int8_t v[kElements] = {};

  /// The numbers at which `weights` are nearest, as far as a short search finds them.
  explicit ScaleBlock(const float* weights) noexcept {
    float w[kElements];
    for (int i = 0; i < kElements; ++i) w[i] = bounded(weights[i]);
    float fits[SubBlocks];
    for (int s = 0; s < SubBlocks; ++s) fits[s] = ScaleSearch<N, Codes>::best_fit(w + N * s);
    d = f32_to_fp16(extreme_of(fits, SubBlocks) / static_cast<float>(kLowestScale));
    for (int s = 0; s < SubBlocks; ++s) choose_scale(w + N * s, fits[s], s);
    choose_values(w);
    if (refit(w)) choose_values(w);
  }

 private:
  float scale_of(int s) const noexcept { return fp16_to_f32(d) * static_cast<float>(scales[s]); }
  static float inverse_of(float scale) noexcept { return scale != 0.0F ? 1.0F / scale : 0.0F; }

  /// Of the integers around the fit, that with the smallest error.
  void choose_scale(const float* w, float fit, int s) noexcept {
    const float unit = fp16_to_f32(d);
    const float units = unit != 0.0F ? std::floor(fit / unit) : 0.0F;
    const int scale = static_cast<int>(clamp_to(units, kLowestScale, kHighestScale));
    float least = std::numeric_limits<float>::infinity();
    int best = scale;
    for (int i = scale; i <= scale + 1 && i <= kHighestScale; ++i) {
      scales[s] = static_cast<std::int8_t>(i);
      const float error = squared_error(w, scale_of(s));
      if (!(error < least)) continue;
      least = error;
      best = i;
    }
    scales[s] = static_cast<std::int8_t>(best);
  }

  static float squared_error(const float* w, float scale) noexcept {
    const float inverse = inverse_of(scale);
    FourFloats sum{};
    for (int i = 0; i < N; i += 4) {
      const FourFloats weights = load_four(w + i);
      const FourFloats errors = weights - splat_four(scale) * Codes::nearest(weights * splat_four(inverse));
      sum += errors * errors;
    }
    return sum_of_four(sum);
  }

  void choose_values(const float* w) noexcept {
    for (int s = 0; s < SubBlocks; ++s) {
      const float inverse = inverse_of(scale_of(s));
      for (int i = N * s; i < N * s + N; i += 4) {
        const FourFloats values = Codes::nearest(load_four(w + i) * splat_four(inverse));
        for (int lane = 0; lane < 4; ++lane) v[i + lane] = static_cast<std::int8_t>(values[lane]);
      }
    }
  }

  /// d by least squares, given all the integers. False if these don't determine it.
  bool refit(const float* w) noexcept {
    double squares = 0.0, products = 0.0;
    for (int s = 0; s < SubBlocks; ++s) {
      int of_values = 0;
      double with_weights = 0.0;
      for (int i = N * s; i < N * s + N; ++i) {
        of_values += v[i] * v[i];
        with_weights += double{w[i]} * v[i];
      }
      squares += double{static_cast<double>(scales[s])} * scales[s] * of_values;
      products += scales[s] * with_weights;
    }
    if (!(squares > 0.0)) return false;
    d = f32_to_fp16(static_cast<float>(products / squares));
    return true;
  }
};

}  // namespace covey
