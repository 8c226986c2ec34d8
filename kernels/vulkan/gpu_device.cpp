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

/// As --stats calls it.
std::string_view work_of(std::string_view shader) {
  struct Work {
    std::string_view start, name;
  };
  constexpr Work kWorks[] = {{"matmul", "products"},   {"quantize", "products"},  {"halve", "products"},
                             {"attend", "attention"},  {"store_kv", "attention"}, {"norm", "norms"},
                             {"square_sums", "norms"}, {"route", "experts"},      {"mix", "experts"},
                             {"embed", "embeddings"}};
  for (const Work& work : kWorks) {
    if (shader.starts_with(work.start)) return work.name;
  }
  return "values one by one";
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

std::vector<OperationTime> GpuDevice::take_operation_times() { return recorder_.take_times(); }

MatrixCost GpuDevice::matrix_cost(MatrixHandle matrix) const {
  const GpuMatrix& of = matrices_[index_of(matrix.id)];
  const auto weights = static_cast<std::uint64_t>(of.rows) * static_cast<std::uint64_t>(of.shape.cols);
  const VulkanFeatures& features = context_.features();
  const bool blocks = tensor_type_info(of.shape.type).block_elements > 1;
  const bool int8 = blocks && features.integer_dot && features.cooperative == Cooperative::none;
  return {int8 ? weights : 0, int8 ? 0 : weights, of.bytes()};
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
  recorder_.dispatch(pipelines_.get(shader, constants), bindings, push, grid, work_of(shader));
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

void GpuDevice::copy_kv_block(std::int32_t from, std::int32_t to) { kv_.copy_block(from, to, recorder_); }

// Nothing is kept of it that must be forgotten, and nothing to be had by it: a layer's cache is one binding, of which
// Vulkan takes no part back unless the device has sparse memory, and those that are short of memory mostly don't.
void GpuDevice::forget_kv_block(std::int32_t /*block*/) {}

// -- Host access ------------------------------------------------------------------------------------------------------

std::span<float> GpuDevice::map(Slot slot) { return slots_.map(slot); }
std::span<float> GpuDevice::map(Slot slot, std::int32_t rows) { return slots_.map(slot, rows); }

}  // namespace covey
