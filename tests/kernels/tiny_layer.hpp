// One transformer layer with random weights, as a model would drive a device: to compare whole passes bit by bit.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

#include "kernels/device.hpp"
#include "tests/kernels/device_cases.hpp"
#include "tests/kernels/random_data.hpp"

namespace covey {

class TinyLayer {
 public:
  static constexpr std::int32_t kEmbd = 256, kFf = 512, kHeads = 8, kKvHeads = 2, kHeadDim = 32, kVocab = 200;
  static constexpr std::int32_t kMaxTokens = 64, kBlockTokens = 8, kBlocks = 32;

  TinyLayer(Device& device, TensorType type, KvType kv) : device_(device) {
    RandomData data(7);
    embedding_ = TestMatrix(type, kVocab, kEmbd, data);
    table_ = device.add_table(embedding_.view);
    const auto matrix = [&](std::int32_t rows, std::int32_t cols) {
      return device.add_matrix(TestMatrix(type, rows, cols, data).view);
    };
    q_ = matrix(kHeads * kHeadDim, kEmbd);
    k_ = matrix(kKvHeads * kHeadDim, kEmbd);
    v_ = matrix(kKvHeads * kHeadDim, kEmbd);
    projection_ = matrix(kEmbd, kHeads * kHeadDim);
    gate_ = matrix(kFf, kEmbd);
    up_ = matrix(kFf, kEmbd);
    down_ = matrix(kEmbd, kFf);
    output_ = matrix(kVocab, kEmbd);
    bias_ = device.add_vector(data.numbers(kHeads * kHeadDim));
    norm_ = device.add_vector(data.numbers(kEmbd));
    std::vector<float> frequencies;
    for (int i = 0; i < kHeadDim / 2; ++i) frequencies.push_back(std::pow(0.8F, static_cast<float>(i)));
    rope_ = device.add_rope({RopePairs::adjacent, frequencies, 1.0F});
    const std::array<std::int32_t, kSlotCount> widths = {
        kEmbd, kEmbd, kHeads * kHeadDim, kKvHeads * kHeadDim, kKvHeads * kHeadDim, kHeads * kHeadDim, kFf, kFf, kEmbd,
        kEmbd, kVocab};
    device.reserve(widths, kMaxTokens);
    device.reserve_kv({1, kKvHeads, kHeadDim, kBlocks, kBlockTokens, kv});
  }

  /// Logits of all tokens, (tokens, kVocab).
  std::vector<float> run(const TestBatch& batch, bool prompt = false) {
    const BatchView view = batch.view(prompt);
    device_.begin(view);
    device_.embed(table_, 1.0F, Slot::residual);
    device_.norm({NormKind::rms, norm_, {}, 1e-5F}, Slot::residual, Slot::normed);
    device_.matmul(Slot::normed, q_, bias_, Slot::q);
    device_.matmul(Slot::normed, k_, {}, Slot::k);
    device_.matmul(Slot::normed, v_, {}, Slot::v);
    device_.rope(rope_, kHeads, kHeadDim, Slot::q);
    device_.rope(rope_, kKvHeads, kHeadDim, Slot::k);
    device_.store_kv(0, Slot::k, Slot::v);
    device_.attend(0, {kHeads, kKvHeads, kHeadDim, kHeads / kKvHeads, 0, 0.125F}, Slot::q, Slot::heads);
    device_.matmul(Slot::heads, projection_, {}, Slot::partial);
    device_.add(Slot::partial, Slot::residual);
    device_.norm({NormKind::rms, norm_, {}, 1e-5F}, Slot::residual, Slot::normed);
    device_.matmul(Slot::normed, gate_, {}, Slot::gate);
    device_.matmul(Slot::normed, up_, {}, Slot::up);
    device_.gated(Activation::silu, Slot::gate, Slot::up);
    device_.matmul(Slot::gate, down_, {}, Slot::partial);
    device_.add(Slot::partial, Slot::residual);
    std::vector<std::int32_t> all(view.size());
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<std::int32_t>(i);
    device_.pick(all, Slot::residual, Slot::picked);
    device_.norm({NormKind::rms, norm_, {}, 1e-5F}, Slot::picked, Slot::normed);
    device_.matmul(Slot::normed, output_, {}, Slot::logits);
    const std::span<float> logits = device_.map(Slot::logits);
    return {logits.begin(), logits.end()};
  }

 private:
  Device& device_;
  TestMatrix embedding_;
  TableHandle table_;
  MatrixHandle q_, k_, v_, projection_, gate_, up_, down_, output_;
  VectorHandle bias_, norm_;
  RopeHandle rope_;
};

}  // namespace covey
