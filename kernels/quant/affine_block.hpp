// Blocks of sub-blocks with a scale and a minimum each, which are small integers in units of two fp16 numbers:
// w[i] = d * scales[i / N] * q[i] - dmin * mins[i / N], q in 0..Levels, scales and mins in 0..ScaleLevels.
// Formats with such blocks differ in where they put the bits.
#pragma once

#include <cstdint>

#include "kernels/half.hpp"
#include "kernels/quant/affine_fit.hpp"

namespace covey {

template <int SubBlocks, int N, int Levels, int ScaleLevels>
struct AffineBlock {
  static constexpr int kElements = SubBlocks * N;

  std::uint16_t d = 0;     // fp16
  std::uint16_t dmin = 0;  // fp16
  std::uint8_t scales[SubBlocks] = {};
  std::uint8_t mins[SubBlocks] = {};
  std::uint8_t q[kElements] = {};

  /// The numbers at which `weights` are nearest, as far as a short search finds them.
  explicit AffineBlock(const float* weights) noexcept {
    float w[kElements];
    for (int i = 0; i < kElements; ++i) w[i] = bounded(weights[i]);
    AffineFit fits[SubBlocks];
    AffineFit largest;
    for (int s = 0; s < SubBlocks; ++s) {
      fits[s] = AffineSearch<N, Levels>::best_fit(w + N * s);
      if (fits[s].scale > largest.scale) largest.scale = fits[s].scale;
      if (fits[s].min < largest.min) largest.min = fits[s].min;
    }
    d = f32_to_fp16(largest.scale / static_cast<float>(ScaleLevels));
    dmin = f32_to_fp16(-largest.min / static_cast<float>(ScaleLevels));
    for (int s = 0; s < SubBlocks; ++s) choose_scale(w + N * s, fits[s], s);
    choose_codes(w);
    if (refit(w)) choose_codes(w);
  }

 private:
  float scale_of(int s) const noexcept { return fp16_to_f32(d) * static_cast<float>(scales[s]); }
  float min_of(int s) const noexcept { return fp16_to_f32(dmin) * static_cast<float>(mins[s]); }

  /// The integer at or below value / unit.
  static int floor_of(float value, float unit) noexcept {
    return unit > 0.0F ? static_cast<int>(clamp_to(value / unit, 0.0F, static_cast<float>(ScaleLevels))) : 0;
  }

  /// Of the integers around the fit, those with the smallest error.
  void choose_scale(const float* w, const AffineFit& fit, int s) noexcept {
    const int scale = floor_of(fit.scale, fp16_to_f32(d));
    const int min = floor_of(-fit.min, fp16_to_f32(dmin));
    float least = std::numeric_limits<float>::infinity();
    int best_scale = scale, best_min = min;
    for (int i = scale; i <= scale + 1 && i <= ScaleLevels; ++i) {
      for (int j = min; j <= min + 1 && j <= ScaleLevels; ++j) {
        scales[s] = static_cast<std::uint8_t>(i);
        mins[s] = static_cast<std::uint8_t>(j);
        const float error = squared_error(w, scale_of(s), min_of(s));
        if (!(error < least)) continue;
        least = error;
        best_scale = i;
        best_min = j;
      }
    }
    scales[s] = static_cast<std::uint8_t>(best_scale);
    mins[s] = static_cast<std::uint8_t>(best_min);
  }

  static FourFloats nearest_codes(FourFloats weights, float min, float inverse) noexcept {
    return round_near(clamp_to((weights + splat_four(min)) * splat_four(inverse), 0.0F, static_cast<float>(Levels)));
  }

  static float squared_error(const float* w, float scale, float min) noexcept {
    const float inverse = scale > 0.0F ? 1.0F / scale : 0.0F;
    FourFloats sum{};
    for (int i = 0; i < N; i += 4) {
      const FourFloats weights = load_four(w + i);
      const FourFloats codes = nearest_codes(weights, min, inverse);
      const FourFloats errors = weights - (splat_four(scale) * codes - splat_four(min));
      sum += errors * errors;
    }
    return sum_of_four(sum);
  }

  void choose_codes(const float* w) noexcept {
    for (int s = 0; s < SubBlocks; ++s) {
      const float scale = scale_of(s);
      const float min = min_of(s);
      const float inverse = scale > 0.0F ? 1.0F / scale : 0.0F;
      for (int i = N * s; i < N * s + N; i += 4) {
        const FourFloats codes = nearest_codes(load_four(w + i), min, inverse);
        for (int lane = 0; lane < 4; ++lane) q[i + lane] = static_cast<std::uint8_t>(codes[lane]);
      }
    }
  }

  /// d and dmin by least squares, given all the integers. False if these don't determine them.
  bool refit(const float* w) noexcept {
    // w ~ d * a - dmin * b
    double aa = 0.0, ab = 0.0, bb = 0.0, aw = 0.0, bw = 0.0;
    for (int s = 0; s < SubBlocks; ++s) {
      FourFloats sum{}, squares{}, weights{}, products{};
      for (int i = N * s; i < N * s + N; i += 4) {
        const FourFloats codes{float(q[i]), float(q[i + 1]), float(q[i + 2]), float(q[i + 3])};
        sum += codes;
        squares += codes * codes;
        weights += load_four(w + i);
        products += load_four(w + i) * codes;
      }
      const double scale = scales[s], min = mins[s];
      aa += scale * scale * double{sum_of_four(squares)};
      ab += scale * min * double{sum_of_four(sum)};
      bb += min * min * N;
      aw += scale * double{sum_of_four(products)};
      bw += min * double{sum_of_four(weights)};
    }
    const double determinant = aa * bb - ab * ab;
    if (!(determinant > 0.0)) return false;
    const double scale = (aw * bb - ab * bw) / determinant;
    const double min = (ab * aw - aa * bw) / determinant;
    if (!(scale > 0.0) || !(min >= 0.0)) return false;
    d = f32_to_fp16(static_cast<float>(scale));
    dmin = f32_to_fp16(static_cast<float>(min));
    return true;
  }
};

}  // namespace covey
