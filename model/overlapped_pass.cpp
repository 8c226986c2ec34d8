#include "model/overlapped_pass.hpp"

#include <algorithm>

namespace covey {
namespace {

// From so many tokens on a pass is bound by arithmetic rather than by reading weights.
constexpr std::int32_t kLeastPiece = 8;
// Values of a band's sum that are worth a message.
constexpr std::int32_t kLeastBandValues = 1024;
constexpr std::int32_t kMostBands = 4;

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

std::int32_t band_width(std::int32_t n_embd) {
  for (std::int32_t bands = kMostBands; bands > 1; --bands) {
    if (n_embd % (bands * kBandRows) == 0) return n_embd / bands;
  }
  return n_embd;
}

bool worth_bands(std::int32_t tokens, std::int32_t n_embd) {
  const std::int32_t width = band_width(n_embd);
  return width < n_embd && tokens * width >= kLeastBandValues;
}

void OverlappedPass::run_pieces(Device& device, const BatchView& batch, std::int32_t pieces, Exchange& exchange,
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
      if (const auto last = steps.prepare(step)) device.matmul(last->in, last->matrix, last->bias, Slot::partial);
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
  steps.join(steps.count - 1);
}

void OverlappedPass::run_bands(Device& device, std::int32_t tokens, Exchange& exchange, const StageSteps& steps) {
  const auto rows = static_cast<std::size_t>(tokens);
  const std::size_t width = device.map(Slot::residual).size() / rows;
  partial_.resize(rows * width);
  for (std::int32_t step = 0; step < steps.count; ++step) {
    const std::optional<Projection> last = steps.prepare(step);
    if (!last) {
      exchange.sum(device.map(Slot::partial), steps.use(step));
      steps.join(step);
      continue;
    }
    std::size_t bands = 0, band = 0;
    for (std::size_t column = 0; column < width; column += band, ++bands) {
      device.matmul_band(last->in, last->matrix, static_cast<std::int32_t>(column), last->bias, Slot::band);
      const std::span<const float> values = device.map(Slot::band);
      band = values.size() / rows;
      const auto partial = std::span(partial_).subspan(column * rows, values.size());
      std::ranges::copy(values, partial.begin());
      exchange.start_sum(partial, steps.use(step), column * rows);
    }
    const std::span<float> sums = device.map(Slot::partial, tokens);
    for (std::size_t i = 0; i < bands; ++i) {
      exchange.finish_sum();
      for (std::size_t row = 0; row < rows; ++row) {
        std::copy_n(partial_.begin() + static_cast<std::ptrdiff_t>((i * rows + row) * band), band,
                    sums.begin() + static_cast<std::ptrdiff_t>(row * width + i * band));
      }
    }
    steps.join(step);
  }
}

}  // namespace covey
