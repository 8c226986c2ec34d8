// Products of the Vulkan device, and mixtures of experts, which are products.
#include <algorithm>
#include <array>
#include <cassert>
#include <string>

#include "covey/error.hpp"
#include "kernels/vulkan/gpu_device.hpp"
#include "kernels/vulkan/vulkan_shaders.hpp"

namespace covey {
namespace {

constexpr std::uint32_t kTile = 64;  // rows and tokens of a workgroup that takes many

}  // namespace

ExpertsHandle GpuDevice::add_experts(ExpertsSpec spec) {
  const std::size_t experts = spec.gate.size();
  if (spec.up.size() != experts || spec.down.size() != experts || spec.used < 1 ||
      static_cast<std::size_t>(spec.used) > experts) {
    throw Error("a mixture of " + std::to_string(experts) + " experts, " + std::to_string(spec.used) +
                " of them for each token, cannot be");
  }
  Experts added;
  added.gate = lay_together(spec.gate);
  added.up = lay_together(spec.up);
  added.down = lay_together(spec.down);
  added.spec = std::move(spec);
  experts_.push_back(std::move(added));
  return {static_cast<std::int32_t>(experts_.size()) - 1};
}

// A shader sees one binding, and chooses an expert in it. The single matrices give their memory back.
GpuMatrix GpuDevice::lay_together(const std::vector<MatrixHandle>& experts) {
  const GpuMatrix& first = matrices_[index_of(experts.front().id)];
  GpuMatrix all;
  all.shape = first.shape;
  all.rows = first.rows;
  const std::size_t each = first.bytes();
  if (each == 0) return all;
  const std::uint64_t bytes = std::uint64_t{each} * experts.size();
  const std::uint64_t most = std::min<std::uint64_t>(context_.largest_binding(), context_.largest_allocation());
  if (bytes > most) {
    throw Error("Vulkan device " + context_.physical().info.name + " sees at most " + in_binary_units(most) +
                " at once, and the experts of a layer take " + in_binary_units(bytes) +
                ": use a smaller type of weights or another device");
  }
  GpuMatrix::Part part;
  part.memory = memory_.allocate(VulkanMemoryKind::device, bytes, "weights of experts");
  part.range = part.memory.range();
  part.rows = all.rows;
  for (std::size_t e = 0; e < experts.size(); ++e) {
    const GpuMatrix& one = matrices_[index_of(experts[e].id)];
    assert(one.rows == all.rows && one.shape.cols == all.shape.cols && one.shape.type == all.shape.type);
    std::size_t at = e * each;
    for (const GpuMatrix::Part& from : one.parts) {
      recorder_.copy(from.range, part.range.part(at, from.range.size));
      at += static_cast<std::size_t>(from.range.size);
    }
  }
  recorder_.finish();
  for (std::size_t e = 0; e < experts.size(); ++e) {
    GpuMatrix& one = matrices_[index_of(experts[e].id)];
    GpuMatrix::Part now;
    now.range = part.range.part(e * each, each);
    now.rows = all.rows;
    // Of a matrix that is several experts, the last of its copies.
    one.parts.clear();
    one.parts.push_back(std::move(now));
  }
  all.parts.push_back(std::move(part));
  return all;
}

void GpuDevice::matmul(Slot in, MatrixHandle matrix, VectorHandle bias, Slot out) {
  const GpuMatrix& weights = matrices_[index_of(matrix.id)];
  assert(in != out && weights.shape.cols == slots_.width(in));
  assert(weights.rows == 0 || weights.rows == slots_.width(out));
  // Without rows, a slot that has a width must not seem to hold results. One of no width keeps count of the tokens.
  const bool none = weights.rows == 0 && slots_.width(out) > 0;
  const VulkanBinding from = slots_.read(in);
  const VulkanBinding to = slots_.overwrite(out, none ? 0 : slots_.rows(in));
  if (weights.rows == 0) return;
  const auto rows = static_cast<std::uint32_t>(slots_.rows(in));
  const VulkanRange* const biases = bias ? &vectors_[index_of(bias.id)].range() : nullptr;
  multiply(weights, {from, rows, rows, slots_.version(in)}, biases, to, nullptr);
}

// Of parts that begin at multiples of kBandRows rows, as bands do: a binding may begin at any.
void GpuDevice::matmul_band(Slot in, MatrixHandle matrix, std::int32_t first_row, VectorHandle bias, Slot out) {
  const GpuMatrix& whole = matrices_[index_of(matrix.id)];
  const std::int64_t first = first_row, count = slots_.width(out);
  assert(in != out && whole.shape.cols == slots_.width(in));
  assert(first >= 0 && first % kBandRows == 0 && first + count <= whole.rows);
  GpuMatrix band;
  band.shape = whole.shape;
  band.rows = count;
  for (const GpuMatrix::Part& part : whole.parts) {
    const std::int64_t from = std::max(first, part.first_row), to = std::min(first + count, part.first_row + part.rows);
    if (from >= to) continue;
    GpuMatrix::Part& rows = band.parts.emplace_back();
    const std::size_t row_bytes = whole.shape.row_bytes();
    rows.range = part.range.part(static_cast<std::size_t>(from - part.first_row) * row_bytes,
                                 static_cast<std::size_t>(to - from) * row_bytes);
    rows.first_row = from - first;
    rows.rows = to - from;
  }
  VulkanRange biases;
  if (bias) {
    biases = vectors_[index_of(bias.id)].range().part(static_cast<std::size_t>(first) * sizeof(float),
                                                      static_cast<std::size_t>(count) * sizeof(float));
  }
  const VulkanBinding from = slots_.read(in);
  const VulkanBinding to = slots_.overwrite(out, slots_.rows(in));
  const auto tokens = static_cast<std::uint32_t>(slots_.rows(in));
  multiply(band, {from, tokens, tokens, slots_.version(in)}, bias ? &biases : nullptr, to, nullptr);
}

// Of what a slot holds now, made once for all products with it; of what is no slot, every time.
bool GpuDevice::is_prepared(Prepared& prepared, const Input& in) {
  const bool same = in.version != 0 && prepared.version == in.version;
  prepared.version = in.version;
  return same;
}

// In int8: see shaders/quantize.comp.
GpuDevice::Quantized GpuDevice::quantize(const Input& in, std::uint32_t cols) {
  const std::uint32_t pieces = in.rows * ((cols + 31) / 32);
  const std::uint32_t scales_at = 8 * pieces;
  const std::size_t bytes = std::size_t{pieces} * 36;
  const VulkanRange range = room(quantized_.memory, bytes);
  if (!is_prepared(quantized_, in)) {
    const VulkanBinding bindings[] = {in.binding, {range, true}};
    const std::uint32_t push[] = {pieces, cols, scales_at};
    run("quantize", bindings, push, each(pieces));
  }
  return {{range, false}, scales_at};
}

// In fp16: see shaders/halve.comp.
GpuDevice::Halved GpuDevice::halve(const Input& in, std::uint32_t cols) {
  const std::uint32_t padded = (cols + 31) / 32 * 32;
  const std::size_t rows = (std::size_t{in.rows} + kTile - 1) / kTile * kTile;
  const VulkanRange units = room(units_, rows * sizeof(float));
  const VulkanRange range = room(halved_.memory, rows * padded * 2);
  if (!is_prepared(halved_, in)) {
    const VulkanBinding bindings[] = {in.binding, {range, true}, {units, true}};
    const std::uint32_t push[] = {in.rows, cols, padded};
    run(for_lanes("halve"), bindings, push, {in.rows, 1});
  }
  return {{range, false}, {units, false}, padded};
}

GpuDevice::Way GpuDevice::way_of(const GpuMatrix& matrix, const Input& in, bool routed) const {
  // Fewer columns than this go through the other shader faster.
  constexpr std::uint32_t kPrefillColumns = 12;
  const TensorType type = matrix.shape.type;
  const bool blocks = tensor_type_info(type).block_elements > 1;
  const VulkanFeatures& features = context_.features();
  if (matrix.parts.empty()) return Way::floats;
  if (routed || !batch_.prompt || in.columns < kPrefillColumns) {
    return blocks && features.integer_dot ? Way::integer_dot : Way::floats;
  }
  // None for BF16 and F32: fp16 has not the range of the one, nor the digits of the other.
  const bool cooperative =
      features.cooperative != Cooperative::none && has_vulkan_shader(cooperative_name(matrix.shape.format_name()));
  return cooperative ? Way::cooperative : Way::tiles;
}

std::string GpuDevice::cooperative_name(const std::string& format) const {
  return cooperative_shader("matmul_cooperative_" + format, context_.features());
}

void GpuDevice::multiply(const GpuMatrix& matrix, const Input& in, const VulkanRange* bias, const VulkanBinding& out,
                         const Routed* routed) {
  // A matrix of no columns has no memory: products with it are zeros, and the bias.
  GpuMatrix::Part nothing;
  nothing.range = in.binding.range;
  nothing.rows = matrix.rows;
  const std::span<const GpuMatrix::Part> parts =
      matrix.parts.empty() ? std::span(&nothing, 1) : std::span(matrix.parts);
  const Way way = way_of(matrix, in, routed != nullptr);
  const auto cols = static_cast<std::uint32_t>(matrix.shape.cols);
  for (const GpuMatrix::Part& part : parts) {
    const VulkanBinding weights{part.range, false};
    const VulkanBinding biases{bias != nullptr ? *bias : part.range, false};
    const std::uint32_t shape[] = {cols,
                                   static_cast<std::uint32_t>(part.rows),
                                   static_cast<std::uint32_t>(part.first_row),
                                   static_cast<std::uint32_t>(matrix.rows),
                                   matrix.shape.row_words,
                                   matrix.shape.halves,
                                   in.columns,
                                   bias != nullptr ? 1U : 0U};
    const VulkanGrid tiles{(shape[1] + kTile - 1) / kTile, (in.columns + kTile - 1) / kTile};
    if (way == Way::tiles) {
      const VulkanBinding bindings[] = {weights, in.binding, out, biases};
      run("matmul_prefill_" + matrix.shape.format_name(), bindings, shape, tiles);
    } else if (way == Way::cooperative) {
      const Halved halved = halve(in, cols);
      const VulkanBinding bindings[] = {weights, halved.binding, out, biases, halved.units};
      std::array<std::uint32_t, 9> push{};
      std::ranges::copy(shape, push.begin());
      push.back() = halved.padded;
      const std::uint32_t constants[] = {context_.features().cooperative_subgroups()};
      run(cooperative_name(matrix.shape.format_name()), bindings, push, tiles, constants);
    } else {
      multiply_few(matrix, shape, {weights, in.binding, out, biases}, in, routed, way);
    }
  }
}

void GpuDevice::multiply_few(const GpuMatrix& matrix, std::span<const std::uint32_t, 8> shape,
                             std::array<VulkanBinding, 4> first, const Input& in, const Routed* routed, Way way) {
  const std::uint32_t columns = routed != nullptr || in.columns == 1 ? 1
                                : in.columns == 2                    ? 2
                                : in.columns <= 4                    ? 4
                                                                     : 8;
  const std::uint32_t rows = columns <= 2 ? 4 : 2;
  const std::uint32_t cols = shape[0], part_rows = shape[1];
  std::uint32_t scales_at = 0;
  if (way == Way::integer_dot) {
    const Quantized quantized = quantize(in, cols);
    first[1] = quantized.binding;
    scales_at = quantized.scales_at;
  }
  const VulkanBinding bindings[] = {first[0], first[1], first[2], first[3],
                                    routed != nullptr ? routed->routes : first[0]};
  const Routed whole;
  const Routed& of = routed != nullptr ? *routed : whole;
  const std::uint32_t push[] = {shape[0], shape[1],        shape[2], shape[3],    shape[4],    shape[5], shape[6],
                                shape[7], of.matrix_words, of.first, of.in_share, of.first_in, scales_at};
  // The fewer lanes share a piece of 32 columns, the less is computed twice; but all 64 of them should have something.
  const std::uint32_t share = cols >= 2048 ? 1 : cols >= 1024 ? 2 : 4;
  const std::uint32_t constants[] = {rows, columns, cols % 32 == 0 ? 1U : 0U, routed != nullptr ? 1U : 0U, share};
  const std::string format = matrix.shape.format_name();
  run(way == Way::integer_dot ? "matmul_int8_" + format : for_lanes("matmul_decode_" + format), bindings, push,
      {(part_rows + rows - 1) / rows, (in.columns + columns - 1) / columns}, constants);
}

// Every pair of token and expert is a column with a matrix of its own; a token's pairs are neighbours.
void GpuDevice::mix_experts(ExpertsHandle experts, Slot in, Slot router, Slot out) {
  constexpr std::uint32_t kMostTokens = 32;  // at once: what they make lies in memory beside the slots
  const Experts& of = experts_[index_of(experts.id)];
  const auto all = static_cast<std::uint32_t>(slots_.rows(in));
  const auto used = static_cast<std::uint32_t>(of.spec.used);
  const auto width = static_cast<std::uint32_t>(slots_.width(out));
  const auto hidden = static_cast<std::uint32_t>(of.gate.rows);
  const VulkanBinding from = slots_.read(in);
  const VulkanBinding weights = slots_.change(router);
  const VulkanBinding to = slots_.overwrite(out, static_cast<std::int32_t>(all));
  if (all == 0 || width == 0) return;

  const std::uint32_t most = std::min(all, kMostTokens) * used;
  VulkanBinding routes{room(routes_, std::size_t{all} * used * 8), true};
  const VulkanBinding gate{room(hidden_, std::max<std::size_t>(4, std::size_t{most} * hidden * 4)), true};
  const VulkanBinding up{room(hidden_up_, std::max<std::size_t>(4, std::size_t{most} * hidden * 4)), true};
  const VulkanBinding made{room(made_, std::size_t{most} * width * 4), true};
  const auto reading = [](const VulkanBinding& binding) { return VulkanBinding{binding.range, false}; };

  const VulkanBinding routing[] = {weights, routes};
  const std::uint32_t shape[] = {all, static_cast<std::uint32_t>(of.spec.gate.size()), used,
                                 of.spec.normalise ? 1U : 0U};
  run("route", routing, shape, each(all));
  routes.written = false;

  for (std::uint32_t first = 0; first < all; first += kMostTokens) {
    const std::uint32_t count = std::min(kMostTokens, all - first);
    const std::uint32_t pairs = count * used;
    const auto words = [](const GpuMatrix& matrix) { return static_cast<std::uint32_t>(matrix.bytes() / 4); };
    Routed routed{routes, words(of.gate), first * used, used, first};
    const Input input{from, pairs, all, slots_.version(in)};
    multiply(of.gate, input, nullptr, gate, &routed);
    routed.matrix_words = words(of.up);
    multiply(of.up, input, nullptr, up, &routed);
    const bool silu = of.spec.activation == Activation::silu;
    elementwise(silu ? ElementOperation::gated_silu : ElementOperation::gated_gelu, gate, reading(up), pairs * hidden);
    routed.matrix_words = words(of.down);
    routed.in_share = 1;
    routed.first_in = 0;
    multiply(of.down, {reading(gate), pairs, pairs, 0}, nullptr, made, &routed);
    const VulkanBinding mixing[] = {reading(made), routes, to};
    const std::uint32_t mix[] = {count * width, width, used, first};
    run("mix", mixing, mix, each(count * width));
  }
}

}  // namespace covey
