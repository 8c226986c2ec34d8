// Panels hold the rows: every format's panel block, taken apart by hand from its bit picture.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "kernels/half.hpp"
#include "kernels/quant/formats.hpp"
#include "samples.hpp"
#include "whole_blocks.hpp"

namespace covey {
namespace {

constexpr int kIq4[16] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

/// One row of one panel block.
struct PanelRow {
  const std::byte* block;
  int row;

  /// Of 16 fp16 numbers at an offset, the row's.
  float half(int at) const { return fp16_to_f32(load_u16(block + at + 2 * row)); }
  /// Of 16 bytes at an offset.
  int byte(int at) const { return static_cast<int>(block[at + row]); }
  int signed_byte(int at) const { return static_cast<std::int8_t>(block[at + row]); }
  /// Of quads, groups of 16 rows x 4 bytes, at an offset: the byte of column `column`.
  int quad(int at, int column) const { return static_cast<int>(block[at + 64 * (column / 4) + 4 * row + column % 4]); }
  /// Of 32 columns whose nibbles lie in 16 bytes.
  int nibble(int at, int column) const { return quad(at, column % 16) >> (column < 16 ? 0 : 4) & 15; }
  int fifth_bit(int at, int column) const { return quad(at, column % 4) >> column / 4 & 1; }

  /// Of a piece of a block of 256 columns: the bits of piece_bits.hpp.
  int piece_nibble(int at, int column) const {
    return quad(at + 64 * (column / 8), column % 4) >> 4 * (column / 4 % 2) & 15;
  }
  int piece_pair(int at, int column) const {
    return quad(at + 64 * (column / 16), column % 4) >> 2 * (column / 4 % 4) & 3;
  }
  int piece_bit(int at, int column) const { return fifth_bit(at, column); }
};

float of_f32(const PanelRow& panel, int /*column*/) {
  float value = 0.0F;
  std::memcpy(&value, panel.block + 4 * panel.row, 4);
  return value;
}
float of_bf16(const PanelRow& panel, int /*column*/) { return bf16_to_f32(load_u16(panel.block + 2 * panel.row)); }
float of_q8_0(const PanelRow& panel, int column) {
  return panel.half(0) * static_cast<float>(static_cast<std::int8_t>(panel.quad(32, column)));
}
float of_q4_1(const PanelRow& panel, int column) {
  return panel.half(0) * static_cast<float>(panel.nibble(64, column)) + panel.half(32);
}
float of_q5_0(const PanelRow& panel, int column) {
  const int q = panel.nibble(96, column) + 16 * panel.fifth_bit(32, column);
  return panel.half(0) * static_cast<float>(q - 16);
}
float of_q5_1(const PanelRow& panel, int column) {
  const int q = panel.nibble(128, column) + 16 * panel.fifth_bit(64, column);
  return panel.half(0) * static_cast<float>(q) + panel.half(32);
}
float of_q2_k(const PanelRow& panel, int column) {
  const int piece = 64 + 160 * (column / 32);
  const int scales = panel.byte(piece + 16 * (column / 16 % 2));
  const float scale = panel.half(0) * static_cast<float>(scales & 15);
  const int q = panel.piece_pair(piece + 32, column % 32);
  return scale * static_cast<float>(q) + panel.half(32) * static_cast<float>(scales >> 4);
}
float of_q3_k(const PanelRow& panel, int column) {
  const int piece = 96 + 208 * (column / 32);
  const int s = column / 16;
  const int lower_scale = panel.byte(piece) >> 4 * (s % 2) & 15;
  const int upper_scale = panel.byte(32 + 16 * (s % 4)) >> 2 * (s / 4) & 3;
  const int lower = panel.piece_pair(piece + 80, column % 32);
  const int upper = panel.piece_bit(piece + 16, column % 32);
  const float scale = panel.half(0) * static_cast<float>(16 * upper_scale + lower_scale - 32);
  return scale * static_cast<float>(4 * upper + lower - 4);
}
/// Q4_K and Q5_K, whose pieces begin with a scale and a minimum.
float of_k_with_mins(const PanelRow& panel, int piece, int code) {
  const float scale = panel.half(0) * static_cast<float>(panel.byte(piece));
  const float min = panel.half(32) * static_cast<float>(panel.byte(piece + 16));
  return scale * static_cast<float>(code) + min;
}
float of_q4_k(const PanelRow& panel, int column) {
  const int piece = 64 + 288 * (column / 32);
  return of_k_with_mins(panel, piece, panel.piece_nibble(piece + 32, column % 32));
}
float of_q5_k(const PanelRow& panel, int column) {
  const int piece = 64 + 352 * (column / 32);
  const int lower = panel.piece_nibble(piece + 96, column % 32);
  return of_k_with_mins(panel, piece, 16 * panel.piece_bit(piece + 32, column % 32) + lower);
}
float of_q6_k(const PanelRow& panel, int column) {
  const int piece = 32 + 416 * (column / 32);
  const int lower = panel.piece_nibble(piece + 160, column % 32);
  const int upper = panel.piece_pair(piece + 32, column % 32);
  const float scale = panel.half(0) * static_cast<float>(panel.signed_byte(piece + 16 * (column / 16 % 2)));
  return scale * static_cast<float>(16 * upper + lower - 32);
}
float of_iq4_xs(const PanelRow& panel, int column) {
  const int piece = 32 + 272 * (column / 32);
  const float scale = panel.half(0) * static_cast<float>(panel.signed_byte(piece));
  return scale * static_cast<float>(kIq4[panel.nibble(piece + 16, column % 32)]);
}

float weight_in(TensorType type, const PanelRow& panel, int column) {
  switch (type) {
    case TensorType::f32:
      return of_f32(panel, column);
    case TensorType::f16:
      return panel.half(0);
    case TensorType::bf16:
      return of_bf16(panel, column);
    case TensorType::q8_0:
      return of_q8_0(panel, column);
    case TensorType::q4_0:
      return panel.half(0) * static_cast<float>(panel.nibble(32, column) - 8);
    case TensorType::q4_1:
      return of_q4_1(panel, column);
    case TensorType::q5_0:
      return of_q5_0(panel, column);
    case TensorType::q5_1:
      return of_q5_1(panel, column);
    case TensorType::q2_k:
      return of_q2_k(panel, column);
    case TensorType::q3_k:
      return of_q3_k(panel, column);
    case TensorType::q4_k:
      return of_q4_k(panel, column);
    case TensorType::q5_k:
      return of_q5_k(panel, column);
    case TensorType::q6_k:
      return of_q6_k(panel, column);
    case TensorType::iq4_nl:
      return panel.half(0) * static_cast<float>(kIq4[panel.nibble(32, column)]);
    case TensorType::iq4_xs:
      return of_iq4_xs(panel, column);
  }
  ADD_FAILURE() << "a panel without a picture here";
  return 0.0F;
}

class FormatPanels : public testing::TestWithParam<Format> {
 protected:
  std::int64_t cols() const { return 3 * whole_blocks(GetParam().type, 32); }

  std::vector<float> unpacked_row(const std::vector<std::byte>& panel, int row) const {
    const std::int64_t block_elements = tensor_type_info(GetParam().type).block_elements;
    const std::size_t block_bytes = panel.size() / (cols() / block_elements);
    std::vector<float> values;
    for (std::int64_t c = 0; c < cols(); ++c) {
      const PanelRow at{panel.data() + (c / block_elements) * block_bytes, row};
      values.push_back(weight_in(GetParam().type, at, static_cast<int>(c % block_elements)));
    }
    return values;
  }
};

TEST_P(FormatPanels, HoldTheRows) {
  const TensorTypeInfo& info = tensor_type_info(GetParam().type);
  const std::int64_t rows = 21;
  const std::size_t row_bytes = cols() / info.block_elements * info.block_bytes;
  // A slice of a wider matrix: rows start further apart than they are long.
  const std::size_t stride = row_bytes + 7 * info.block_bytes;
  std::vector<std::byte> file(stride * rows);
  Samples samples(5);
  for (std::int64_t r = 0; r < rows; ++r) {
    GetParam().encode(samples.take(cols()).data(), cols(), file.data() + r * stride);
  }
  const MatrixView view{file.data(), GetParam().type, rows, cols(), stride};
  for (const int first : {0, 16}) {
    std::vector<std::byte> panel(GetParam().panel_bytes(cols()), std::byte{0xcd});
    GetParam().pack(view, first, panel.data());
    for (int r = 0; r < 16; ++r) {
      std::vector<float> expected(cols(), 0.0F);
      if (first + r < rows) GetParam().decode(file.data() + (first + r) * stride, cols(), expected.data());
      const std::vector<float> row = unpacked_row(panel, r);
      for (std::int64_t c = 0; c < cols(); ++c)
        ASSERT_EQ(row[c], expected[c]) << "row " << first + r << ", column " << c;
    }
  }
}

/// Generating a token costs reading all panels.
TEST_P(FormatPanels, CostHardlyMoreThanTheRowsInTheFile) {
  const TensorTypeInfo& info = tensor_type_info(GetParam().type);
  const std::size_t in_file = 16 * (cols() / info.block_elements) * info.block_bytes;
  EXPECT_GE(GetParam().panel_bytes(cols()), in_file);
  EXPECT_LE(100 * GetParam().panel_bytes(cols()), 103 * in_file);
}

INSTANTIATE_TEST_SUITE_P(Formats, FormatPanels, testing::ValuesIn(formats().begin(), formats().end()),
                         [](const auto& of) { return name_of(of.param); });

}  // namespace
}  // namespace covey
