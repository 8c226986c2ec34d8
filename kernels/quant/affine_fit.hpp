// The scale and the minimum at which a few weights are nearest to a grid of codes: w ~ scale * q + min, q in 0..Levels,
// min <= 0 <= scale.
//
// Given the codes, least squares gives scale and min; given these, the nearest codes are better ones. What this ends at
// depends on where it starts, so it starts from several grids around the range of the weights.
#pragma once

#include <limits>

#include "kernels/quant/rounding.hpp"

namespace covey {

struct AffineFit {
  float scale = 0.0F;
  float min = 0.0F;
};

/// Of N weights, bounded. N a multiple of 4.
template <int N, int Levels>
class AffineSearch {
 public:
  static AffineFit best_fit(const float* weights) noexcept {
    const WeightRange range = range_of(weights, N);
    const float low = range.low < 0.0F ? range.low : 0.0F;
    const float width = range.high - low;
    if (!(width > kLeastWidth)) return {0.0F, low};
    AffineSearch search(weights, low, width);
    for (int start = 0; start < 5; ++start) {
      const float steps = static_cast<float>(Levels) - 0.3F + 0.35F * static_cast<float>(start);
      search.attempt(steps, (static_cast<float>(Levels) - steps) / 2.0F);
    }
    for (int round = 0; round < 3 && search.refined(); ++round) {
    }
    const float min = low + search.best_.min * width;
    return {search.best_.scale * width, min < 0.0F ? min : 0.0F};
  }

 private:
  /// Far below what an fp16 scale tells from zero, far above where an inverse overflows.
  static constexpr float kLeastWidth = 1e-30F;

  AffineSearch(const float* weights, float low, float width) noexcept : highest_min_(-low / width) {
    const float inverse = 1.0F / width;
    for (int i = 0; i < N; ++i) {
      x_[i] = (weights[i] - low) * inverse;
      sum_ += double{x_[i]};
      squares_ += double{x_[i]} * double{x_[i]};
    }
  }

  bool refined() noexcept { return best_.scale > 0.0F && attempt(1.0F / best_.scale, -best_.min / best_.scale); }

  /// The fit to the codes nearest to x * inverse + shift. False if it is no better than what is known.
  bool attempt(float inverse, float shift) noexcept {
    FourFloats sums{}, squares{}, products{};
    for (int i = 0; i < N; i += 4) {
      const FourFloats x = load_four(x_ + i);
      const FourFloats codes =
          round_near(clamp_to(x * splat_four(inverse) + splat_four(shift), 0.0F, static_cast<float>(Levels)));
      sums += codes;
      squares += codes * codes;
      products += codes * x;
    }
    const double q = sum_of_four(sums);
    const double qq = sum_of_four(squares);
    const double qx = sum_of_four(products);

    // Of codes that are all the same, the zero of x may stay the minimum.
    const double determinant = N * qq - q * q;
    double scale = determinant > 0.0 ? (N * qx - q * sum_) / determinant : 0.0;
    double min = determinant > 0.0 ? (sum_ - scale * q) / N : 0.0;
    if (determinant <= 0.0 || min > highest_min_) {
      min = determinant > 0.0 ? highest_min_ : 0.0;
      scale = qq > 0.0 ? (qx - min * q) / qq : 0.0;
    }
    const double error =
        squares_ - 2.0 * (scale * qx + min * sum_) + scale * scale * qq + 2.0 * scale * min * q + N * min * min;
    if (!(scale > 0.0) || !(error < error_)) return false;
    error_ = error;
    best_ = {static_cast<float>(scale), static_cast<float>(min)};
    return true;
  }

  float x_[N];            // the weights, in units of their width above `low`: 0..1
  double highest_min_;    // the weight 0, in these units
  double sum_ = 0.0;      // of x
  double squares_ = 0.0;  // of x
  AffineFit best_;        // in these units
  double error_ = std::numeric_limits<double>::infinity();
};

}  // namespace covey
