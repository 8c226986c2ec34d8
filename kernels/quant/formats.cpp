#include "kernels/quant/formats.hpp"

#include <array>
#include <cassert>
#include <utility>

#include "kernels/quant/bf16.hpp"
#include "kernels/quant/f16.hpp"
#include "kernels/quant/f32.hpp"
#include "kernels/quant/iq4_nl.hpp"
#include "kernels/quant/iq4_xs.hpp"
#include "kernels/quant/q2_k.hpp"
#include "kernels/quant/q3_k.hpp"
#include "kernels/quant/q4_0.hpp"
#include "kernels/quant/q4_1.hpp"
#include "kernels/quant/q4_k.hpp"
#include "kernels/quant/q5_0.hpp"
#include "kernels/quant/q5_1.hpp"
#include "kernels/quant/q5_k.hpp"
#include "kernels/quant/q6_k.hpp"
#include "kernels/quant/q8_0.hpp"

namespace covey {
namespace {

template <class F>
std::size_t panel_bytes(std::int64_t cols) noexcept {
  return static_cast<std::size_t>(cols / F::kBlockElements) * F::kPanelBlockBytes * kPanelRows;
}

/// A panel is a sequence of panel blocks: block b of 16 rows, in the order of the format's picture.
template <class F>
void pack(const MatrixView& weights, std::int64_t first_row, std::byte* panel) noexcept {
  assert(weights.type == F::kType && weights.cols % F::kBlockElements == 0);
  // All bits zero is the weight zero in every format, by a zero scale if nothing else.
  static constexpr std::byte kZeros[F::kBlockBytes] = {};
  const std::byte* rows[kPanelRows];
  std::size_t steps[kPanelRows];
  for (int r = 0; r < kPanelRows; ++r) {
    const bool exists = first_row + r < weights.rows;
    rows[r] = exists ? weights.data + static_cast<std::size_t>(first_row + r) * weights.row_stride : kZeros;
    steps[r] = exists ? F::kBlockBytes : 0;
  }
  for (std::int64_t b = 0; b < weights.cols / F::kBlockElements; ++b) {
    F::pack_block(rows, panel);
    panel += std::size_t{F::kPanelBlockBytes} * kPanelRows;
    for (int r = 0; r < kPanelRows; ++r) rows[r] += steps[r];
  }
}

template <std::size_t... I>
constexpr std::array<Format, kFormatCount> list_formats(std::index_sequence<I...>) {
  return {{{std::tuple_element_t<I, FormatList>::kType, std::tuple_element_t<I, FormatList>::kActivations, I,
            &std::tuple_element_t<I, FormatList>::decode, &std::tuple_element_t<I, FormatList>::encode,
            &panel_bytes<std::tuple_element_t<I, FormatList>>, &pack<std::tuple_element_t<I, FormatList>>}...}};
}

constexpr std::array<Format, kFormatCount> kFormats = list_formats(std::make_index_sequence<kFormatCount>{});

}  // namespace

std::span<const Format> formats() { return kFormats; }

const Format* find_format(TensorType type) {
  for (const Format& format : kFormats) {
    if (format.type == type) return &format;
  }
  return nullptr;
}

}  // namespace covey
