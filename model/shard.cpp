#include "model/shard.hpp"

#include <algorithm>
#include <numeric>

#include "covey/error.hpp"

namespace covey {

std::vector<Range> split_granules(std::int32_t total, std::int32_t parts, std::span<const double> shares) {
  const std::vector<double> equal(static_cast<std::size_t>(parts), 1.0);
  if (shares.empty()) shares = equal;
  if (shares.size() != static_cast<std::size_t>(parts)) {
    throw Error("shares: " + std::to_string(shares.size()) + " given for " + std::to_string(parts) +
                " ranks; give one number for each rank");
  }
  double sum = 0;
  for (const double share : shares) {
    if (!(share >= 0) || share > 1e9) throw Error("shares: each must be a number from 0 to 1e9");
    sum += share;
  }
  if (!(sum > 0)) throw Error("shares: at least one must be above 0");

  // Whole part of each quota first, then one more for the largest remainders.
  const auto count = static_cast<std::size_t>(parts);
  std::vector<std::int32_t> sizes(count);
  std::vector<double> remainders(count);
  for (std::size_t i = 0; i < count; ++i) {
    const double quota = total * (shares[i] / sum);
    sizes[i] = static_cast<std::int32_t>(quota);
    remainders[i] = quota - sizes[i];
  }
  std::vector<std::size_t> order(count);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return remainders[a] > remainders[b]; });
  std::int32_t left = total - std::accumulate(sizes.begin(), sizes.end(), 0);
  for (std::size_t i = 0; left > 0; i = (i + 1) % count, --left) ++sizes[order[i]];

  // A part with a share works, as long as there is something for everybody.
  for (std::size_t i = 0; i < count; ++i) {
    if (sizes[i] > 0 || !(shares[i] > 0)) continue;
    const auto largest = std::max_element(sizes.begin(), sizes.end());
    if (*largest < 2) break;
    --*largest;
    ++sizes[i];
  }

  std::vector<Range> ranges(count);
  std::int32_t at = 0;
  for (std::size_t i = 0; i < count; ++i) {
    ranges[i] = {at, at + sizes[i]};
    at += sizes[i];
  }
  return ranges;
}

}  // namespace covey
