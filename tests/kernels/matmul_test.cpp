// Every format's panel product, on every instruction set that runs here.
#include <gtest/gtest.h>

#include <algorithm>

#include "exact_dot.hpp"
#include "samples.hpp"
#include "whole_blocks.hpp"

namespace covey {
namespace {

/// A matrix of one format, packed, and activations for it, in both forms.
Panels one_panel(const std::byte* bytes, std::int64_t cols, std::int32_t rows) {
  return {.first = bytes,
          .band_cols = std::max<std::int64_t>(cols, 1),
          .band_step = 0,
          .step = 0,
          .then = 0,
          .out_step = 0,
          .count = 1,
          .rows = rows};
}

struct Product {
  const Format& format;
  std::int64_t rows, cols;
  std::int32_t tokens;
  std::vector<std::byte> weights;  // (rows) rows as in a file
  std::vector<std::byte> panels;   // (panels) of 16 rows
  std::vector<float> activations;  // (tokens, cols)
  std::vector<std::byte> in;       // (tokens, cols) as the format's product reads them
  std::size_t in_stride = 0;

  Product(const Format& of, std::int64_t row_count, std::int64_t col_count, std::int32_t token_count,
          std::uint64_t seed = 1)
      : format(of), rows(row_count), cols(col_count), tokens(token_count) {
    Samples samples(seed);
    const TensorTypeInfo& info = tensor_type_info(format.type);
    const std::size_t row_bytes = static_cast<std::size_t>(cols) / info.block_elements * info.block_bytes;
    weights.resize(row_bytes * rows);
    for (std::int64_t r = 0; r < rows; ++r) {
      format.encode(samples.take(cols, 0.1F).data(), cols, weights.data() + r * row_bytes);
    }
    const MatrixView view{weights.data(), format.type, rows, cols, row_bytes};
    const std::size_t panel_bytes = format.panel_bytes(cols);
    panels.resize(panel_bytes * panel_count());
    for (std::int64_t p = 0; p < panel_count(); ++p) {
      format.pack(view, p * kPanelRows, panels.data() + p * panel_bytes);
    }
    activations = samples.take(cols * tokens, 3.0F);
    set_activations();
  }

  std::int64_t panel_count() const { return (rows + kPanelRows - 1) / kPanelRows; }

  void set_activations() {
    if (format.activations == ActivationKind::f32) {
      const auto bytes = std::as_bytes(std::span(activations));
      in.assign(bytes.begin(), bytes.end());
      in_stride = cols * sizeof(float);
    } else {
      in_stride = cols / kActivationBlock * sizeof(ActivationBlock);
      in.resize(in_stride * tokens);
      const IsaTable& plain = *tables_that_run().back();
      for (std::int32_t t = 0; t < tokens; ++t) {
        const float* const row = activations.data() + t * cols;
        is_wide() ? plain.quantize_wide(row, cols, block<WideActivationBlock>(t, 0), group_of(t))
                  : plain.quantize(row, cols, block<ActivationBlock>(t, 0), group_of(t));
      }
    }
  }

  /// Tokens in the group of `token`.
  std::int32_t group_of(std::int32_t token) const {
    return std::min(kTokenGroup, tokens - token / kTokenGroup * kTokenGroup);
  }
  bool is_wide() const { return format.activations == ActivationKind::wide_int8; }
  /// Block number `index` of a token.
  template <class Block>
  Block* block(std::int32_t token, std::int64_t index) {
    const std::int32_t first = token / kTokenGroup * kTokenGroup;
    auto* const group = reinterpret_cast<Block*>(in.data() + first * in_stride);
    return group + index * group_of(token) + (token - first);
  }
  template <class Block>
  const Block* block(std::int32_t token, std::int64_t index) const {
    return const_cast<Product*>(this)->block<Block>(token, index);
  }
  /// f(block) for all blocks of a token.
  template <class Block, class F>
  void each_block(std::int32_t token, const F& f) {
    constexpr std::int64_t kColumns = sizeof(Block::q);
    for (std::int64_t b = 0; b < cols / kColumns; ++b) f(*block<Block>(token, b));
  }
  /// The token as the only one of a product.
  Product alone(std::int32_t token) const {
    Product one = *this;
    one.tokens = 1;
    one.activations.assign(activations.begin() + token * cols, activations.begin() + (token + 1) * cols);
    one.set_activations();
    return one;
  }

  /// (tokens, rows + 1): the last column must stay as it is.
  std::vector<float> run(const IsaTable& isa) const {
    const std::size_t stride = rows + 1;
    std::vector<float> out(stride * tokens, -77.0F);
    for (std::int64_t p = 0; p < panel_count(); ++p) {
      const auto left = static_cast<std::int32_t>(std::min<std::int64_t>(rows - p * kPanelRows, kPanelRows));
      multiply(isa, one_panel(panels.data() + p * format.panel_bytes(cols), cols, left), {0, cols},
               out.data() + p * kPanelRows);
    }
    return out;
  }

  void multiply(const IsaTable& isa, const Panels& some, const ColumnRange& columns, float* out) const {
    isa.matmul[format.index](some, columns, in.data(), in_stride, tokens, out, static_cast<std::size_t>(rows) + 1);
  }

  /// Panels as they lie in bands of `band` columns: (cols / band, panel_count).
  std::vector<std::byte> in_bands(std::int64_t band) const {
    const TensorTypeInfo& info = tensor_type_info(format.type);
    const std::size_t row_bytes = weights.size() / rows, panel_bytes = format.panel_bytes(band);
    std::vector<std::byte> all(panel_bytes * panel_count() * (cols / band));
    std::byte* to = all.data();
    for (std::int64_t c = 0; c < cols; c += band) {
      const MatrixView view{weights.data() + c / info.block_elements * info.block_bytes, format.type, rows, band,
                            row_bytes};
      for (std::int64_t p = 0; p < panel_count(); ++p, to += panel_bytes) format.pack(view, p * kPanelRows, to);
    }
    return all;
  }

  /// The same in double precision, from the decoded weights and the activations as quantized.
  std::vector<double> reference() const {
    const std::size_t row_bytes = weights.size() / rows;
    std::vector<double> out((rows + 1) * tokens, -77.0);
    std::vector<float> row(cols);
    std::vector<double> in_double;  // (tokens, cols)
    for (std::int64_t i = 0; i < tokens * cols; ++i) {
      in_double.push_back(activation(static_cast<std::int32_t>(i / cols), i % cols));
    }
    for (std::int64_t r = 0; r < rows; ++r) {
      format.decode(weights.data() + r * row_bytes, cols, row.data());
      for (std::int32_t t = 0; t < tokens; ++t) {
        out[t * (rows + 1) + r] = exact_dot(in_double.data() + t * cols, row.data(), cols);
      }
    }
    return out;
  }

  double activation(std::int32_t token, std::int64_t col) const {
    if (format.activations == ActivationKind::f32) return activations[token * cols + col];
    return is_wide() ? read<WideActivationBlock>(token, col) : read<ActivationBlock>(token, col);
  }
  template <class Block>
  double read(std::int32_t token, std::int64_t col) const {
    constexpr std::int64_t kColumns = sizeof(Block::q);
    const Block& of = *block<Block>(token, col / kColumns);
    return double{of.scale} * of.q[col % kColumns];
  }
};

class Matmul : public testing::TestWithParam<Format> {
 protected:
  std::int64_t block() const { return tensor_type_info(GetParam().type).block_elements; }
};

TEST_P(Matmul, EqualsDoublePrecision) {
  for (const std::int64_t rows : {1, 2, 7, 15, 16, 17, 33}) {
    for (const std::int64_t blocks : {1, 2, 3, 5, 8, 67}) {
      if (blocks > 8 && rows != 7 && rows != 33) continue;  // long rows take long
      const Product product(GetParam(), rows, blocks * block(), 5, rows * 100 + blocks);
      const std::vector<double> expected = product.reference();
      for (const IsaTable* isa : tables_that_run()) {
        const std::vector<float> out = product.run(*isa);
        for (std::size_t i = 0; i < out.size(); ++i) {
          ASSERT_NEAR(out[i], expected[i], 2e-6 * std::sqrt(double(product.cols)))
              << isa->name << ", " << rows << " rows, " << product.cols << " columns, output " << i;
        }
      }
    }
  }
}

TEST_P(Matmul, SameBitsOnEveryInstructionSet) {
  // 1031 columns: more than the piece that float products take at a time, and a tail.
  for (const std::int64_t wanted : {32, 256, 1031}) {
    const std::int64_t cols = whole_blocks(GetParam().type, wanted);
    const Product product(GetParam(), 33, cols, 9);
    const std::vector<float> expected = product.run(*isa_tables().back());
    for (const IsaTable* isa : tables_that_run()) {
      EXPECT_TRUE(same_bits(product.run(*isa), expected)) << isa->name << ", " << cols << " columns";
    }
  }
}

TEST_P(Matmul, ATokenAloneGivesTheSameBits) {
  for (const IsaTable* isa : tables_that_run()) {
    for (const std::int32_t tokens : {2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 33, 300}) {
      const Product product(GetParam(), 17, 10 * block() + (block() == 1 ? 277 : 0), tokens);
      const std::vector<float> together = product.run(*isa);
      for (std::int32_t t = 0; t < tokens; ++t) {
        const std::size_t width = product.rows + 1;
        EXPECT_TRUE(same_bits(product.alone(t).run(*isa), std::span(together).subspan(t * width, width)))
            << isa->name << ", token " << t << " of " << tokens;
      }
    }
  }
}

TEST_P(Matmul, PanelsSideBySideGiveTheSameBits) {
  for (const IsaTable* isa : tables_that_run()) {
    for (const std::int32_t tokens : {1, 2, 7, 9, 17}) {
      const Product product(GetParam(), 9 * kPanelRows, 3 * block() + (block() == 1 ? 277 : 0), tokens);
      const std::size_t panel_bytes = product.format.panel_bytes(product.cols);
      for (std::int32_t count = 1; count <= kMostPanels; ++count) {
        const std::int64_t apart = 9 / count;  // panels 0, apart, 2 apart, …
        std::vector<float> expected = product.run(*isa);
        std::vector<float> out(expected.size(), -77.0F);
        Panels some = one_panel(product.panels.data(), product.cols, kPanelRows);
        some.step = apart * panel_bytes;
        some.out_step = static_cast<std::size_t>(apart) * kPanelRows;
        some.count = count;
        product.multiply(*isa, some, {0, product.cols}, out.data());
        const auto touched = [&](std::int64_t row) {
          return row / kPanelRows % apart == 0 && row / kPanelRows / apart < count;
        };
        for (std::size_t i = 0; i < expected.size(); ++i) {
          if (!touched(static_cast<std::int64_t>(i) % (product.rows + 1))) expected[i] = -77.0F;
        }
        EXPECT_TRUE(same_bits(out, expected)) << isa->name << ", " << tokens << " tokens, " << count << " panels";
      }
    }
  }
}

TEST_P(Matmul, SumsOverColumnsInPiecesHaveTheSameBits) {
  if (GetParam().activations == ActivationKind::f32) GTEST_SKIP() << "their columns come in one piece";
  const std::int64_t band = 3 * std::max<std::int64_t>(block(), 96), bands = 4;
  const std::int64_t rows = 2 * kPanelRows + 5;
  for (const std::int32_t tokens : {1, 2, 7, 9, 16, 17, 33, 47, 300}) {
    const Product product(GetParam(), rows, bands * band, tokens);
    const std::vector<std::byte> in_bands = product.in_bands(band);
    const std::size_t panel_bytes = product.format.panel_bytes(band);
    for (const IsaTable* isa : tables_that_run()) {
      const std::vector<float> expected = product.run(*isa);
      for (const std::vector<std::int64_t>& stops :
           {std::vector<std::int64_t>{4}, std::vector<std::int64_t>{1, 4}, std::vector<std::int64_t>{1, 2, 3, 4}}) {
        std::vector<float> out(expected.size(), -77.0F);
        std::int64_t first = 0;
        for (const std::int64_t stop : stops) {
          Panels two = one_panel(in_bands.data(), band, kPanelRows);
          two.band_step = panel_bytes * product.panel_count();
          two.step = panel_bytes;
          two.out_step = kPanelRows;
          two.count = 2;
          Panels rest = two;
          rest.first += 2 * panel_bytes;
          rest.count = 1;
          rest.rows = 5;
          const ColumnRange columns{first * band, stop * band};
          product.multiply(*isa, two, columns, out.data());
          product.multiply(*isa, rest, columns, out.data() + std::ptrdiff_t{2} * kPanelRows);
          first = stop;
        }
        EXPECT_TRUE(same_bits(out, expected)) << isa->name << ", " << tokens << " tokens, pieces: " << stops.size();
      }
    }
  }
}

TEST_P(Matmul, NoColumnsNoTokens) {
  for (const IsaTable* isa : tables_that_run()) {
    float out[2] = {5.0F, 5.0F};
    const std::byte none{};
    isa->matmul[GetParam().index](one_panel(&none, 0, 1), {0, 0}, &none, 0, 1, out, 2);
    EXPECT_EQ(out[0], 0.0F) << isa->name;
    EXPECT_EQ(out[1], 5.0F) << isa->name;
    isa->matmul[GetParam().index](one_panel(&none, block(), 1), {0, block()}, &none, 0, 0, out, 2);
    EXPECT_EQ(out[0], 0.0F) << isa->name;
  }
}

TEST_P(Matmul, AnyAddress) {
  for (const IsaTable* isa : tables_that_run()) {
    Product product(GetParam(), 16, 4 * block(), 3);
    const std::vector<float> expected = product.run(*isa);
    product.panels.insert(product.panels.begin(), std::byte{});
    // Activations are the library's own.
    const int shift = product.format.activations == ActivationKind::f32 ? 1 : 0;
    product.in.insert(product.in.begin(), shift, std::byte{});
    std::vector<float> out(3 * 17, -77.0F);
    isa->matmul[product.format.index](one_panel(product.panels.data() + 1, product.cols, kPanelRows), {0, product.cols},
                                      product.in.data() + shift, product.in_stride, 3, out.data(), 17);
    EXPECT_TRUE(same_bits(out, expected)) << isa->name;
  }
}

/// Whether byte `at` of a block is of an fp16 scale or minimum.
bool is_of_a_half(const Format& format, std::size_t at) {
  switch (format.type) {
    case TensorType::q4_1:
    case TensorType::q5_1:
    case TensorType::q4_k:
    case TensorType::q5_k:
      return at < 4;
    case TensorType::q2_k:
      return at >= 80;
    case TensorType::q3_k:
      return at >= 108;
    case TensorType::q6_k:
      return at >= 208;
    default:
      return at < 2;
  }
}

/// The largest magnitudes of weights and activations together: where narrow intermediate sums would overflow. For Q6_K,
/// bytes 0x80 are the scale -128 and, in half of the pieces, weights of -32.
void expect_exact_extremes(const Format& format, int weight_byte, int activation, std::int32_t tokens) {
  const std::size_t block_bytes = tensor_type_info(format.type).block_bytes;
  Product product(format, 16, tensor_type_info(format.type).block_elements, tokens);
  for (std::size_t i = 0; i < product.weights.size(); ++i) {
    if (!is_of_a_half(format, i % block_bytes)) product.weights[i] = static_cast<std::byte>(weight_byte);
  }
  format.pack({product.weights.data(), format.type, 16, product.cols, block_bytes}, 0, product.panels.data());
  const std::int32_t sum = activation * kActivationBlock;
  for (std::int32_t t = 0; t < tokens; ++t) {
    if (product.is_wide()) {
      product.each_block<WideActivationBlock>(t, [&](WideActivationBlock& block) {
        std::ranges::fill(block.q, static_cast<std::int8_t>(activation));
        std::ranges::fill(block.negative_sums, -sum);
        std::ranges::fill(block.negative_first_sums, -sum / 2);
        std::ranges::fill(block.half_sums, static_cast<std::int16_t>(sum / 2));
        std::ranges::fill(block.sums, static_cast<std::int16_t>(sum));
      });
    } else {
      product.each_block<ActivationBlock>(t, [&](ActivationBlock& block) {
        std::ranges::fill(block.q, static_cast<std::int8_t>(activation));
        block.negative_sum = -sum;
        block.scaled_sum = block.scale * static_cast<float>(sum);
      });
    }
  }
  const std::vector<double> expected = product.reference();
  for (const IsaTable* isa : tables_that_run()) {
    const std::vector<float> out = product.run(*isa);
    for (std::size_t i = 0; i < out.size(); ++i) {
      ASSERT_NEAR(out[i], expected[i], 1e-6 * std::abs(expected[i]))
          << name_of(format) << ", " << isa->name << ", bytes " << weight_byte;
    }
  }
}

TEST(Int8Matmul, ExtremesOfQuantizedValues) {
  for (const Format& format : formats()) {
    if (format.activations == ActivationKind::f32) continue;
    for (const int byte : {0x00, 0x7f, 0x80, 0x81, 0xff}) {
      for (const int activation : {-127, 127}) {
        for (const std::int32_t tokens : {1, 2 * kTokenGroup + 1})
          expect_exact_extremes(format, byte, activation, tokens);
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Formats, Matmul, testing::ValuesIn(formats().begin(), formats().end()),
                         [](const auto& of) { return name_of(of.param); });

}  // namespace
}  // namespace covey
