// The scale at which a few weights are nearest to values of a code: w ~ scale * v, v one of Codes' values.
//
// Given the values, least squares gives the scale; given this, the nearest values are better ones. What this ends at
// depends on where it starts, so it starts from several scales that take the weight of largest magnitude near either
// end of the code.
//
// Codes provides kLowest < 0 < kHighest, the ends, and nearest(x): the values nearest to four numbers, any.
#pragma once

#include "kernels/quant/rounding.hpp"

namespace covey {

/// All integers in Lowest..Highest.
template <int Lowest, int Highest>
struct IntegerCodes {
  static constexpr float kLowest = static_cast<float>(Lowest);
  static constexpr float kHighest = static_cast<float>(Highest);
  static FourFloats nearest(FourFloats x) noexcept { return round_near(clamp_to(x, kLowest, kHighest)); }
};

/// Of N weights, bounded. N a multiple of 4.
template <int N, class Codes>
class ScaleSearch {
 public:
  static float best_fit(const float* weights) noexcept {
    const float extreme = extreme_of(weights, N);
    if (!(extreme > kLeastExtreme) && !(extreme < -kLeastExtreme)) return 0.0F;
    ScaleSearch search(weights, 1.0F / extreme);
    for (int start = 0; start < 5; ++start) {
      const float part = 0.85F + 0.075F * static_cast<float>(start);
      search.attempt(Codes::kLowest * part);
      search.attempt(Codes::kHighest * part);
    }
    for (int round = 0; round < 3 && search.attempt(1.0F / search.scale_); ++round) {
    }
    return search.scale_ * extreme;
  }

 private:
  /// Far below what an fp16 scale tells from zero, far above where an inverse overflows.
  static constexpr float kLeastExtreme = 1e-30F;

  ScaleSearch(const float* weights, float inverse) noexcept {
    for (int i = 0; i < N; ++i) x_[i] = weights[i] * inverse;
  }

  /// The fit to the values nearest to x * inverse. False if it is no better than what is known.
  bool attempt(float inverse) noexcept {
    FourFloats squares{}, products{};
    for (int i = 0; i < N; i += 4) {
      const FourFloats x = load_four(x_ + i);
      const FourFloats v = Codes::nearest(x * splat_four(inverse));
      squares += v * v;
      products += v * x;
    }
    const double vv = sum_of_four(squares);
    const double vx = sum_of_four(products);
    // The best scale is vx / vv, and leaves an error of sum x x - gain.
    const double gain = vv > 0.0 ? vx * vx / vv : 0.0;
    if (!(gain > gain_)) return false;
    gain_ = gain;
    scale_ = static_cast<float>(vx / vv);
    return true;
  }

  float x_[N];  // the weights, in units of that of largest magnitude: -1..1
  float scale_ = 1.0F;
  double gain_ = 0.0;
};

}  // namespace covey
