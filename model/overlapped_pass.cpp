#include "model/overlapped_pass.hpp"

#include <algorithm>

#include "model/bands.hpp"

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

void OverlappedPass::run_pieces(Device& device, const BatchView& batch, std::int32_t pieces, Exchange& exchange,
                                LayerSteps& steps) {
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
  for (std::int32_t step = 0; step < steps.count(); ++step) {
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
      steps.enter(step);
      if (const auto last = steps.prepare(step, exchange))
        device.matmul(last->in, last->matrix, last->bias, Slot::partial);
      std::ranges::copy(device.map(Slot::partial), partial.begin());
      if (travels) exchange.finish_sum();
      exchange.start_sum(partial, steps.use(step), first * width);
      travels = true;
    }
  }
  exchange.finish_sum();
  device.begin(batch);
  to_device(device, Slot::residual, residual_, tokens);
  to_device(device, Slot::partial, partial_, tokens);
  steps.join(steps.count() - 1);
}

void OverlappedPass::run_bands(Device& device, std::int32_t tokens, Exchange& exchange, LayerSteps& steps) {
  const auto rows = static_cast<std::size_t>(tokens);
  const auto width = static_cast<std::int32_t>(device.map(Slot::residual).size() / rows);
  const std::int32_t band = band_width(width);
  const Bands bands{tokens, band, width / band};
  partial_.resize(rows * static_cast<std::size_t>(width));
  bool entered = false;
  for (std::int32_t step = 0; step < steps.count(); ++step) {
    if (!entered) steps.enter(step);
    entered = false;
    const std::optional<Projection> last = steps.prepare(step, exchange);
    if (!last) {
      exchange.sum(device.map(Slot::partial), steps.use(step));
      steps.join(step);
      continue;
    }
    for (std::int32_t i = 0; i < bands.count; ++i) {
      device.matmul_band(last->in, last->matrix, i * band, last->bias, Slot::band);
      const std::span<float> sum = band_of(bands, i);
      std::ranges::copy(device.map(Slot::band), sum.begin());
      exchange.start_sum(sum, steps.use(step), static_cast<std::size_t>(i) * sum.size());
    }
    const std::int32_t next = step + 1;
    entered = next < steps.count() && steps.enters_by_columns(next);
    if (entered) {
      enter_with(bands, next, exchange, steps);
    } else {
      join_all(device, bands, exchange);
      steps.join(step);
    }
  }
}

std::span<float> OverlappedPass::band_of(const Bands& bands, std::int32_t index) {
  const auto size = static_cast<std::size_t>(bands.tokens) * static_cast<std::size_t>(bands.width);
  return std::span(partial_).subspan(static_cast<std::size_t>(index) * size, size);
}

/// Slot::partial becomes the sum.
void OverlappedPass::join_all(Device& device, const Bands& bands, Exchange& exchange) {
  const std::span<float> sums = device.map(Slot::partial, bands.tokens);
  for (std::int32_t i = 0; i < bands.count; ++i) {
    exchange.finish_sum();
    const float* from = band_of(bands, i).data();
    float* to = sums.data() + std::ptrdiff_t{i} * bands.width;
    for (std::int32_t t = 0; t < bands.tokens; ++t, from += bands.width, to += bands.count * bands.width) {
      std::copy_n(from, bands.width, to);
    }
  }
}

/// Enters a step with the sums of the one before: all bands that are here at once, and the next while others come.
void OverlappedPass::enter_with(const Bands& bands, std::int32_t step, Exchange& exchange, const LayerSteps& steps) {
  std::int32_t multiplied = 0;
  for (std::int32_t i = 0; i < bands.count; ++i) {
    const std::int32_t taken = i * bands.width;
    if (multiplied < taken && !exchange.sum_is_here()) {
      steps.multiply_columns(step, {multiplied, taken});
      multiplied = taken;
    }
    exchange.finish_sum();
    steps.take_columns(step, band_of(bands, i), taken);
  }
  steps.multiply_columns(step, {multiplied, bands.count * bands.width});
}

}  // namespace covey
