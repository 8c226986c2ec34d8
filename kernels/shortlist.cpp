#include "kernels/shortlist.hpp"

#include <array>
#include <bit>
#include <vector>

#include "kernels/cpu/isa.hpp"
#include "kernels/quant/rounding.hpp"

namespace covey {

namespace {

// So many are added up in F32 before they join the sum.
constexpr std::size_t kRun = 1024;

constexpr std::size_t kLook = 16;

// Whether one of kLook logits is above `than`: what is no number is not.
bool any_above(const float* logits, float than) noexcept {
  const FourFloats limit = splat_four(than);
  auto above = load_four(logits) > limit;
  for (std::size_t i = 4; i < kLook; i += 4) above |= load_four(logits + i) > limit;
  const auto halves = std::bit_cast<std::array<std::uint64_t, 2>>(above);
  return (halves[0] | halves[1]) != 0;
}

bool all_usable(std::span<const float> logits) noexcept {
  int unusable = 0;
  for (const float logit : logits) unusable |= logit <= std::numeric_limits<float>::max() ? 0 : 1;
  return unusable == 0;
}

}  // namespace

float exponential_sum(std::span<const float> logits, float largest) noexcept {
  if (largest == -std::numeric_limits<float>::infinity()) return 0.0F;
  const IsaTable& isa = host_isa();
  std::array<float, kRun> usable;
  double sum = 0.0;
  for (std::size_t first = 0; first < logits.size(); first += kRun) {
    std::span<const float> run = logits.subspan(first, std::min(kRun, logits.size() - first));
    if (!all_usable(run)) {
      std::ranges::transform(run, usable.begin(), [](float logit) { return usable_logit(logit); });
      run = {usable.data(), run.size()};
    }
    sum += isa.exponential_sum(run.data(), static_cast<std::int64_t>(run.size()), largest);
  }
  return static_cast<float>(sum);
}

void make_shortlist(std::span<const float> logits, std::int32_t count, std::span<float> row) noexcept {
  assert(count >= 1 && static_cast<std::size_t>(count) <= logits.size());
  assert(row.size() == static_cast<std::size_t>(shortlist_width(count)));
  const auto wanted = static_cast<std::size_t>(count);
  std::size_t kept = 0;
  const auto lowest = [&] { return row[2 * (wanted - 1)]; };
  for (std::size_t i = 0; i < logits.size(); ++i) {
    while (kept == wanted && i + kLook <= logits.size() && !any_above(&logits[i], lowest())) i += kLook;
    if (i == logits.size()) break;
    const float logit = usable_logit(logits[i]);
    if (kept == wanted && !(logit > lowest())) continue;  // nor does an equal of a higher number
    std::size_t place = kept < wanted ? kept++ : wanted - 1;
    for (; place > 0 && logit > row[2 * (place - 1)]; --place) {
      row[2 * place] = row[2 * (place - 1)];
      row[2 * place + 1] = row[2 * (place - 1) + 1];
    }
    row[2 * place] = logit;
    row[2 * place + 1] = static_cast<float>(i);
  }
  row[2 * wanted] = row[0];
  row[2 * wanted + 1] = exponential_sum(logits, row[0]);
}

void merge_shortlists(std::span<const Shortlist> ranges, std::span<float> row) {
  const std::size_t wanted = row.size() / 2 - 1;
  std::vector<std::size_t> next(ranges.size(), 0);
  for (std::size_t place = 0; place < wanted; ++place) {
    std::size_t best = ranges.size();
    for (std::size_t i = 0; i < ranges.size(); ++i) {
      assert(ranges[i].size() >= wanted);
      if (next[i] == wanted) continue;
      if (best == ranges.size() || ranges[i].logit(next[i]) > ranges[best].logit(next[best])) best = i;
    }
    row[2 * place] = ranges[best].logit(next[best]);
    row[2 * place + 1] = static_cast<float>(ranges[best].token(next[best]));
    ++next[best];
  }
  const float largest = row[0];
  double sum = 0.0;
  for (const Shortlist& range : ranges) {
    if (range.sum() > 0.0F) sum += range.sum() * std::exp(static_cast<double>(range.largest()) - largest);
  }
  row[2 * wanted] = largest;
  row[2 * wanted + 1] = static_cast<float>(sum);
}

}  // namespace covey
