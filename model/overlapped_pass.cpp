#include "model/overlapped_pass.hpp"

#include <algorithm>

namespace covey {
namespace {

// From so many tokens on a pass is bound by arithmetic rather than by reading weights.
constexpr std::int32_t kLeastPiece = 8;

BatchView rows_of_batch(const BatchView& batch, std::size_t first, std::size_t count) {
  return {batch.token.subspan(first, count),
          batch.position.subspan(first, count),
          batch.sequence.subspan(first, count),
          batch.place.subspan(first, count),
          batch.block_tables,
          batch.prompt};
}

void to_device(Device& device, Slot slot, std::span<const float> rows, std::size_t count) {
  std::ranges::copy(rows, device.map(slot, static_cast<std::int32_t>(count)).begin());
}

}  // namespace

std::int32_t overlapped_pieces(std::int32_t tokens, std::int32_t most) {
  if (most < kLeastPiece || tokens < 2 * kLeastPiece) return 1;
  return std::max(2, (tokens + most - 1) / most);
}

void OverlappedPass::run(Device& device, const BatchView& batch, std::int32_t pieces, Exchange& exchange,
                         const StageSteps& steps) {
  const auto count = static_cast<std::size_t>(pieces);
  const std::size_t tokens = batch.size();
  const std::span<const float> before = device.map(Slot::residual);
  const std::size_t width = before.size() / tokens;
  residual_.assign(before.begin(), before.end());
  partial_.resize(residual_.size());
  const auto rows_of = [&](std::vector<float>& all, std::size_t first, std::size_t rows) {
    return std::span(all).subspan(first * width, rows * width);
  };
  bool travels = false;
  for (std::int32_t step = 0; step < steps.count; ++step) {
    for (std::size_t piece = 0; piece < count; ++piece) {
      const std::size_t first = tokens * piece / count;
      const std::size_t rows = tokens * (piece + 1) / count - first;
      const auto residual = rows_of(residual_, first, rows);
      const auto partial = rows_of(partial_, first, rows);
      device.begin(rows_of_batch(batch, first, rows));
      to_device(device, Slot::residual, residual, rows);
      if (step > 0) {
        to_device(device, Slot::partial, partial, rows);
        steps.join(step - 1);
        std::ranges::copy(device.map(Slot::residual), residual.begin());
      }
      steps.compute(step);
      std::ranges::copy(device.map(Slot::partial), partial.begin());
      if (travels) exchange.finish_sum();
      exchange.start_sum(partial, steps.use(step), static_cast<std::int32_t>(first));
      travels = true;
    }
  }
  exchange.finish_sum();
  device.begin(batch);
  to_device(device, Slot::residual, residual_, tokens);
  to_device(device, Slot::partial, partial_, tokens);
  steps.join(steps.count - 1);
}

}  // namespace covey
