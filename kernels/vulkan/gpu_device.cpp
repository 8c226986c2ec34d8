#include "kernels/vulkan/gpu_device.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "covey/error.hpp"
#include "kernels/cpu/packed_matrix.hpp"

namespace covey {
namespace {

template <class Handle, class T>
Handle appended(std::vector<T>& list, T value) {
  list.push_back(std::move(value));
  return {static_cast<std::int32_t>(list.size()) - 1};
}

}  // namespace

GpuDevice::GpuDevice(const VulkanOptions& options)
    : context_(options),
      memory_(context_),
      pipelines_(context_),
      recorder_(context_, memory_, pipelines_),
      slots_(memory_, recorder_) {}

GpuDevice::~GpuDevice() {
  context_.api().DeviceWaitIdle(context_.device());  // before members give their memory back
}

std::string GpuDevice::description() const { return "vulkan " + context_.physical().info.name; }

MatrixCost GpuDevice::matrix_cost(MatrixHandle matrix) const {
  const GpuMatrix& of = matrices_[index_of(matrix.id)];
  return {0, static_cast<std::uint64_t>(of.rows) * static_cast<std::uint64_t>(of.shape.cols), of.bytes()};
}

// -- Setup ------------------------------------------------------------------------------------------------------------

MatrixHandle GpuDevice::add_matrix(const MatrixView& weights, const Packed& packed) {
  return appended<MatrixHandle>(matrices_, upload_matrix(weights, packed, context_, memory_, recorder_));
}

TableHandle GpuDevice::add_table(const MatrixView& weights) {
  checked_format(weights);
  GpuRows{weights};  // refuses rows that are too long
  return appended<TableHandle>(tables_, weights);
}

VectorHandle GpuDevice::add_vector(std::span<const float> values) {
  VulkanMemory::Allocation vector = memory_.allocate(VulkanMemoryKind::device, values.size_bytes(), "weights");
  recorder_.upload(std::as_bytes(values), vector.range());
  vector_sizes_.push_back(values.size());
  return appended<VectorHandle>(vectors_, std::move(vector));
}

RopeHandle GpuDevice::add_rope(RopeSpec spec) { return appended<RopeHandle>(ropes_, Rope{RopeTable(std::move(spec))}); }

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
  return appended<ExpertsHandle>(experts_, std::move(added));
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

void GpuDevice::reserve(std::span<const std::int32_t, kSlotCount> widths, std::int32_t max_rows) {
  slots_.reserve(widths, max_rows);
  for (Rope& rope : ropes_) rope.table.reserve(max_rows);
}

void GpuDevice::reserve_kv(const KvLayout& layout) {
  recorder_.finish();
  kv_.reserve(layout, context_, memory_);
}

// -- One forward pass -------------------------------------------------------------------------------------------------

const VulkanRange& GpuDevice::room(Scratch& scratch, std::size_t bytes) {
  if (!scratch.memory || scratch.memory.range().size < bytes) {
    recorder_.finish();
    scratch.memory.reset();
    scratch.memory = memory_.allocate(VulkanMemoryKind::device, bytes, scratch.purpose);
  }
  return scratch.memory.range();
}

void GpuDevice::run(std::string_view shader, std::span<const VulkanBinding> bindings,
                    std::span<const std::uint32_t> push, VulkanGrid grid, std::span<const std::uint32_t> constants) {
  if (grid.count == 0 || grid.layers == 0) return;
  recorder_.dispatch(pipelines_.get(shader, constants), bindings, push, grid);
}

// The words of a batch:  | positions | places | where each token's table begins | tables of blocks |
void GpuDevice::begin(const BatchView& batch) {
  recorder_.submit();  // the pass before runs while this one is recorded
  batch_ = batch;
  ++pass_;
  const std::size_t size = batch.size();
  words_ = {static_cast<std::uint32_t>(size), static_cast<std::uint32_t>(2 * size)};
  std::vector<std::int32_t> words;
  words.insert(words.end(), batch.position.begin(), batch.position.end());
  words.insert(words.end(), batch.place.begin(), batch.place.end());
  words.resize(3 * size);
  std::vector<std::int32_t> table_at(batch.block_tables.size(), -1);
  for (std::size_t t = 0; t < size; ++t) {
    const auto sequence = static_cast<std::size_t>(batch.sequence[t]);
    if (table_at[sequence] < 0) {
      table_at[sequence] = static_cast<std::int32_t>(words.size());
      words.insert(words.end(), batch.block_tables[sequence].begin(), batch.block_tables[sequence].end());
    }
    words[2 * size + t] = table_at[sequence];
  }
  if (words.empty()) return;
  const auto bytes = std::as_bytes(std::span(words));
  recorder_.upload(bytes, room(batch_memory_, bytes.size()));
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
  multiply(weights, {from, static_cast<std::uint32_t>(slots_.rows(in))}, bias, to, nullptr);
}

void GpuDevice::multiply(const GpuMatrix& matrix, const Input& in, VectorHandle bias, const VulkanBinding& out,
                         const Routed* routed) {
  // Fewer columns than this go through the other shader faster.
  constexpr std::uint32_t kPrefillColumns = 12;
  constexpr std::uint32_t kTile = 64;
  const bool prefill = routed == nullptr && batch_.prompt && in.columns >= kPrefillColumns;
  const std::uint32_t columns = routed != nullptr || in.columns == 1 ? 1
                                : in.columns == 2                    ? 2
                                : in.columns <= 4                    ? 4
                                                                     : 8;
  const std::uint32_t rows = columns <= 2 ? 4 : 2;
  const auto cols = static_cast<std::uint32_t>(matrix.shape.cols);

  // A matrix of no columns has no memory: products with it are zeros, and the bias.
  GpuMatrix::Part nothing;
  nothing.range = in.binding.range;
  nothing.rows = matrix.rows;
  const std::span<const GpuMatrix::Part> parts =
      matrix.parts.empty() ? std::span(&nothing, 1) : std::span(matrix.parts);
  for (const GpuMatrix::Part& part : parts) {
    const VulkanBinding bindings[] = {{part.range, false},
                                      in.binding,
                                      out,
                                      {bias ? vectors_[index_of(bias.id)].range() : part.range, false},
                                      routed != nullptr ? routed->routes : VulkanBinding{part.range, false}};
    const std::uint32_t push[] = {cols,
                                  static_cast<std::uint32_t>(part.rows),
                                  static_cast<std::uint32_t>(part.first_row),
                                  static_cast<std::uint32_t>(matrix.rows),
                                  matrix.shape.row_words,
                                  matrix.shape.halves,
                                  in.columns,
                                  bias ? 1U : 0U,
                                  routed != nullptr ? routed->matrix_words : 0U,
                                  routed != nullptr ? routed->first : 0U,
                                  routed != nullptr ? routed->in_share : 1U,
                                  routed != nullptr ? routed->first_in : 0U};
    const auto part_rows = static_cast<std::uint32_t>(part.rows);
    if (prefill) {
      run("matmul_prefill_" + matrix.shape.format_name(), bindings, std::span(push).first(8),
          {(part_rows + kTile - 1) / kTile, (in.columns + kTile - 1) / kTile});
    } else {
      const std::uint32_t constants[] = {rows, columns, cols % 32 == 0 ? 1U : 0U, routed != nullptr ? 1U : 0U};
      run("matmul_decode_" + matrix.shape.format_name(), bindings, push,
          {(part_rows + rows - 1) / rows, (in.columns + columns - 1) / columns}, constants);
    }
  }
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
    const Input input{from, pairs};
    multiply(of.gate, input, {}, gate, &routed);
    routed.matrix_words = words(of.up);
    multiply(of.up, input, {}, up, &routed);
    const bool silu = of.spec.activation == Activation::silu;
    elementwise(silu ? ElementOperation::gated_silu : ElementOperation::gated_gelu, gate, reading(up), pairs * hidden);
    routed.matrix_words = words(of.down);
    routed.in_share = 1;
    routed.first_in = 0;
    multiply(of.down, {reading(gate), pairs}, {}, made, &routed);
    const VulkanBinding mixing[] = {reading(made), routes, to};
    const std::uint32_t mix[] = {count * width, width, used, first};
    run("mix", mixing, mix, each(count * width));
  }
}

void GpuDevice::copy_kv_block(std::int32_t from, std::int32_t to) { kv_.copy_block(from, to, recorder_); }

// What a window has left behind stays allocated: memory of a device is not given back in pieces.
void GpuDevice::forget_kv_block(std::int32_t /*block*/) {}

// -- Host access ------------------------------------------------------------------------------------------------------

std::span<float> GpuDevice::map(Slot slot) { return slots_.map(slot); }
std::span<float> GpuDevice::map(Slot slot, std::int32_t rows) { return slots_.map(slot, rows); }

}  // namespace covey
