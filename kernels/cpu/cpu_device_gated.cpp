// The first half of a feed-forward layer on the CPU device: two products, one the gate of the other, block of rows by
// block of rows.
//
//   rows 0 .. 255 of gate  ->  256 columns  --.
//                                             +-->  activation(gate) * up  ->  int8, as the next product reads it
//   rows 0 .. 255 of up    ->  256 columns  --'
//
// For many tokens the whole of both would be several MB, written to memory, read, written and read again.
#include <algorithm>
#include <cassert>
#include <optional>

#include "kernels/cpu/cpu_device.hpp"

namespace covey {
namespace {

// What is between the products stays in a second-level cache: two times so many columns of so many tokens, in F32.
constexpr std::int64_t kMostRows = 256;
constexpr std::int32_t kMostTokens = 256;

// For fewer, all of it stays there.
constexpr std::int32_t kLeastTokens = 32;

// Claims for each thread, at least, or threads would wait for one that has a block more.
constexpr std::int64_t kClaimsForEach = 4;

/// Rows that are claimed together at least: whole bands, and whole blocks of what they become.
std::int64_t rows_of_claim(ActivationKind kind) { return std::max(kBandRows, activation_block(kind)); }

}  // namespace

bool CpuDevice::multiplies_gated(const GatedProducts& products, std::int32_t tokens) const {
  const PackedMatrix& gate = matrices_[index_of(products.gate.id)];
  const PackedMatrix& up = matrices_[index_of(products.up.id)];
  const MatrixHandle both[] = {products.gate, products.up};
  const std::optional<ActivationKind> read = int8_kind_of({&products.reader, 1});
  return tokens >= kLeastTokens && gate.is_packed() && up.is_packed() && int8_kind_of(both) && read &&
         gate.rows / rows_of_claim(*read) >= kClaimsForEach * pool_.size();
}

void CpuDevice::gated_products(const GatedProducts& products, Slot in, Slot gate, Slot up) {
  const std::int32_t tokens = activations_.rows(in);
  if (!multiplies_gated(products, tokens)) return Device::gated_products(products, in, gate, up);

  const PackedMatrix& gate_weights = matrices_[index_of(products.gate.id)];
  const PackedMatrix& up_weights = matrices_[index_of(products.up.id)];
  const std::int64_t width = activations_.width(gate);
  assert(in != gate && in != up && gate != up && activations_.width(up) == width);
  assert(gate_weights.cols == activations_.width(in) && up_weights.cols == gate_weights.cols);
  assert(gate_weights.rows == width && up_weights.rows == width);
  const ActivationKind read = matrices_[index_of(products.reader.id)].format->activations;
  const ProductInput input = product_input(in, gate_weights.format->activations, gate_weights.cols);
  // Threads work where the slots would be.
  float* const gates = activations_.overwrite_without_floats(gate, tokens);
  float* const ups = activations_.overwrite_without_floats(up, tokens);
  const std::int64_t room = kMostRows * std::min(tokens, kMostTokens);
  assert(room * pool_.size() <= tokens * width);
  const Activations::Int8Copy copy = activations_.int8_copy(gate, read, width);
  const auto gate_by = products.activation == Activation::silu ? isa_.silu_mul : isa_.gelu_mul;
  for (const MatrixHandle matrix : {products.gate, products.up}) next_after(index_of(matrix.id));
  pool_.expect(0, {}, {});

  const std::int64_t claim = rows_of_claim(read);
  const auto multiply_part = [&](std::int64_t begin, std::int64_t end, int thread) noexcept {
    const std::int64_t first = begin * claim, count = std::min(end * claim, width) - first;
    float* const gate_part = gates + thread * room;
    float* const up_part = ups + thread * room;
    for (std::int32_t token = 0; token < tokens; token += kMostTokens) {
      const ProductInput some = input.part(token, std::min(kMostTokens, tokens - token));
      multiply_here(gate_weights, {first, count}, some, gate_part, isa_);
      multiply_here(up_weights, {first, count}, some, up_part, isa_);
      for (std::int64_t t = 0; t < some.tokens; ++t) {
        float* const values = gate_part + t * count;
        gate_by(up_part + t * count, count, values);
        quantize_part(copy, read, tokens, token + t, first, count, values);
      }
    }
  };
  pool_.parallel_for((width + claim - 1) / claim, {.least = 1, .most = kMostRows / claim}, multiply_part);
}

}  // namespace covey
