#include "kernels/shortlist.hpp"

namespace covey {

float exponential_sum(std::span<const float> logits, float largest) noexcept {
  if (largest == -std::numeric_limits<float>::infinity()) return 0.0F;
  double sum = 0.0;
  for (const float logit : logits) sum += std::exp(static_cast<double>(usable_logit(logit)) - largest);
  return static_cast<float>(sum);
}

void make_shortlist(std::span<const float> logits, std::int32_t count, std::span<float> row) noexcept {
  assert(count >= 1 && static_cast<std::size_t>(count) <= logits.size());
  assert(row.size() == static_cast<std::size_t>(shortlist_width(count)));
  const auto wanted = static_cast<std::size_t>(count);
  std::size_t kept = 0;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    const float logit = usable_logit(logits[i]);
    if (kept == wanted && !(logit > row[2 * (wanted - 1)])) continue;  // nor does an equal of a higher number
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

}  // namespace covey
