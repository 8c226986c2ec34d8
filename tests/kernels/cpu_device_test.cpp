// What is particular to the CPU device; what it computes is in device_conformance*_test.cpp.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "covey/error.hpp"
#include "kernels/cpu/cores.hpp"
#include "kernels/cpu/cpu_attention.hpp"
#include "tests/kernels/device_cases.hpp"
#include "tests/kernels/tiny_layer.hpp"
#include "tests/kernels/whole_blocks.hpp"

namespace covey {
namespace {

std::vector<std::string> names_of_isas() {
  std::vector<std::string> names;
  for (const IsaTable* isa : isa_tables()) {
    if (isa->runs_here()) names.emplace_back(isa->name);
  }
  return names;
}

std::unique_ptr<Device> device(const std::string& isa, int threads, bool blas = true, bool exact = false) {
  CpuOptions options;
  options.isa = isa;
  options.threads = threads;
  options.blas = blas;
  options.exact = exact;
  return make_cpu_device(options);
}

TestBatch prompt_batch(std::int32_t tokens) {
  TestBatch batch(TinyLayer::kBlockTokens, {{4, 9, 1, 7, 11, 12, 13, 14}});
  for (std::int32_t p = 0; p < tokens; ++p) batch.add(0, p, p * 37 % TinyLayer::kVocab);
  return batch;
}

TEST(CpuDevice, DescribesItself) {
  EXPECT_EQ(device("scalar", 1)->description(), "cpu scalar, 1 thread");
  EXPECT_EQ(device("scalar", 2)->description(), "cpu scalar, 2 threads");
  EXPECT_EQ(device("scalar", 2, true, true)->description(), "cpu scalar, 2 threads, exact");
  EXPECT_NE(device("scalar", 0)->description().find(" " + std::to_string(available_cores()) + " thread"),
            std::string::npos);
}

TEST(CpuDevice, RefusesUnknownInstructionSetsAndThreads) {
  EXPECT_THROW(device("abacus", 1), Error);
  EXPECT_THROW(device("scalar", -1), Error);
}

TEST(CpuDevice, ThreadsDoNotChangeBits) {
  for (const std::string& isa : names_of_isas()) {
    for (const TensorType type : {TensorType::q4_0, TensorType::bf16}) {
      for (const bool prompt : {false, true}) {  // with prompt: through BLAS where it is built in
        SCOPED_TRACE(isa + ", " + std::string(tensor_type_info(type).name) + (prompt ? ", prompt" : ""));
        const std::unique_ptr<Device> alone = device(isa, 1);
        const std::vector<float> expected = TinyLayer(*alone, type, KvType::f16).run(prompt_batch(37), prompt);
        for (const int threads : {2, 5}) {
          const std::unique_ptr<Device> shared = device(isa, threads);
          EXPECT_EQ(expected, TinyLayer(*shared, type, KvType::f16).run(prompt_batch(37), prompt)) << threads;
        }
      }
    }
  }
}

TEST(CpuDevice, WithoutBlasPromptsGiveTheSameBits) {
  for (const std::string& isa : names_of_isas()) {
    const std::unique_ptr<Device> plain = device(isa, 2, false);
    TinyLayer layer(*plain, TensorType::f32, KvType::f32);
    EXPECT_EQ(layer.run(prompt_batch(37), false), layer.run(prompt_batch(37), true));
  }
}

TEST(CpuDevice, QuantizedWeightsGiveTheSameBitsWithOrWithoutPrompt) {
  for (const std::string& isa : names_of_isas()) {
    const std::unique_ptr<Device> plain = device(isa, 2);
    TinyLayer layer(*plain, TensorType::q8_0, KvType::f16);
    EXPECT_EQ(layer.run(prompt_batch(37), false), layer.run(prompt_batch(37), true));
  }
}

TEST(CpuDevice, ExactDecodesWeightsAtLoad) {
  constexpr std::int32_t kRows = 37, kTokens = 3;
  for (const std::string& isa : names_of_isas()) {
    const std::unique_ptr<Device> exact = device(isa, 2, true, true);
    for (const Format& format : formats()) {
      const auto cols = static_cast<std::int32_t>(whole_blocks(format.type, 160));
      std::array<std::int32_t, kSlotCount> widths{};
      widths[static_cast<std::size_t>(Slot::normed)] = cols;
      widths[static_cast<std::size_t>(Slot::q)] = kRows;
      exact->reserve(widths, kTokens);
      RandomData data(5);
      const TestMatrix matrix(format.type, kRows, cols, data);
      const MatrixHandle handle = exact->add_matrix(matrix.view);
      const TestBatch batch = plain_batch(kTokens);
      exact->begin(batch.view());
      const std::vector<float> in = data.numbers(kTokens * cols);
      std::copy(in.begin(), in.end(), exact->map(Slot::normed, kTokens).begin());
      exact->matmul(Slot::normed, handle, {}, Slot::q);
      const std::span<float> out = exact->map(Slot::q);
      for (std::int32_t i = 0; i < kTokens * kRows; ++i) {
        double expected = 0;
        for (std::int32_t k = 0; k < cols; ++k) {
          expected += double{in[i / kRows * cols + k]} * matrix.values[i % kRows * cols + k];
        }
        // No room for activations quantized to int8: those would be off by some 0.01.
        ASSERT_NEAR(out[i], expected, 2e-5) << tensor_type_info(format.type).name;
      }
    }
  }
}

/// out (tokens, rows) of one product by a device.
std::vector<float> product_of(Device& on, const TestMatrix& matrix, std::int32_t tokens) {
  std::array<std::int32_t, kSlotCount> widths{};
  widths[static_cast<std::size_t>(Slot::normed)] = static_cast<std::int32_t>(matrix.view.cols);
  widths[static_cast<std::size_t>(Slot::q)] = static_cast<std::int32_t>(matrix.view.rows);
  on.reserve(widths, tokens);
  const MatrixHandle handle = on.add_matrix(matrix.view);
  const TestBatch batch = plain_batch(tokens);
  on.begin(batch.view());
  const std::vector<float> in = RandomData(8).numbers(tokens * matrix.view.cols);
  std::copy(in.begin(), in.end(), on.map(Slot::normed, tokens).begin());
  on.matmul(Slot::normed, handle, {}, Slot::q);
  const std::span<float> out = on.map(Slot::q);
  return {out.begin(), out.end()};
}

// Where an output is too large for the caches, instruction sets that can write around them do.
TEST(CpuDevice, LargeOutputsHaveTheBitsOfSmallOnes) {
  constexpr std::int32_t kRows = 4096, kTokens = 128;  // 2 MiB: one token less is written as usual
  for (const std::string& isa : names_of_isas()) {
    for (const TensorType type : {TensorType::q8_0, TensorType::q4_k}) {
      RandomData data(9);
      const TestMatrix matrix(type, kRows, static_cast<std::int32_t>(whole_blocks(type, 32)), data);
      const std::vector<float> large = product_of(*device(isa, 3), matrix, kTokens);
      const std::vector<float> small = product_of(*device(isa, 3), matrix, kTokens - 1);
      EXPECT_TRUE(std::equal(small.begin(), small.end(), large.begin())) << isa;
    }
  }
}

TEST(CpuDevice, WeightsLeftWhereTheyAreGiveTheSameBits) {
  for (const Format& format : formats()) {
    RandomData data(6);
    const TestMatrix matrix(format.type, 37, static_cast<std::int32_t>(whole_blocks(format.type, 160)), data);
    for (const std::int32_t tokens : {1, 19}) {
      CpuOptions options;
      options.threads = 2;
      const std::unique_ptr<Device> packed = make_cpu_device(options);
      options.repack = false;
      const std::unique_ptr<Device> in_place = make_cpu_device(options);
      EXPECT_EQ(product_of(*in_place, matrix, tokens), product_of(*packed, matrix, tokens))
          << tensor_type_info(format.type).name;
    }
  }
}

TEST(CpuDevice, SaysWhichBytesItIsDoneWith) {
  RandomData data(7);
  // 10 MB: more than is packed at a time.
  const TestMatrix matrix(TensorType::f32, 2500, 1024, data);
  const std::unique_ptr<Device> cpu = make_cpu_device({});
  const std::size_t stride = matrix.view.row_stride;
  std::size_t rows = 0;
  int reports = 0;
  cpu->add_matrix(matrix.view, [&](std::span<const std::byte> part) {
    EXPECT_EQ(part.data(), matrix.view.data + rows * stride);
    EXPECT_EQ(part.size() % stride, 1024 * sizeof(float) % stride) << "ends with a row's last weight";
    rows += part.size() / stride + (part.size() % stride != 0 ? 1 : 0);
    ++reports;
  });
  EXPECT_EQ(rows, 2500U);
  EXPECT_GT(reports, 1);
}

TEST(CpuDevice, QueryHeadsOfAShardFindTheirKvHead) {
  // Queries 2..6 of a model with 4 queries for each KV head.
  const AttendSpec spec{5, 2, 64, 4, 2, 1.0F};
  EXPECT_EQ(query_heads(spec, 0).first, 0);
  EXPECT_EQ(query_heads(spec, 0).last, 2);
  EXPECT_EQ(query_heads(spec, 1).first, 2);
  EXPECT_EQ(query_heads(spec, 1).last, 5);
}

}  // namespace
}  // namespace covey
