#include "kernels/cpu/cpu_device.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <optional>
#include <utility>

#include "covey/error.hpp"

namespace covey {
namespace {

template <class Handle, class T>
Handle append(std::vector<T>& list, T value) {
  list.push_back(std::move(value));
  return {static_cast<std::int32_t>(list.size()) - 1};
}

[[maybe_unused]] bool consistent(const BatchView& batch, std::int32_t max_rows) {
  const std::size_t size = batch.token.size();
  if (size > static_cast<std::size_t>(max_rows)) return false;
  if (batch.position.size() != size || batch.sequence.size() != size || batch.place.size() != size) return false;
  for (std::size_t t = 0; t < size; ++t) {
    const std::int32_t sequence = batch.sequence[t];
    if (batch.position[t] < 0 || sequence < 0) return false;
    if (static_cast<std::size_t>(sequence) >= batch.block_tables.size()) return false;
  }
  return true;
}

// Blocks of so many tokens lie together: of a head of one layer, some 100 KiB. More would be read no faster, and would
// have the shortest prompt touch memory for as many tokens.
constexpr std::int32_t kGroupTokens = 512;

std::int32_t log2_group(std::int32_t block_tokens) {
  std::int32_t log2 = 0;
  while (block_tokens > 0 && (std::int64_t{block_tokens} << (log2 + 1)) <= kGroupTokens) ++log2;
  return log2;
}

}  // namespace

CpuDevice::CpuDevice(const CpuOptions& options)
    : options_(options),
      isa_(select_isa(options.isa)),
      pool_(options.threads),
      blas_(options.blas ? open_blas_sgemm() : nullptr, pool_.size()) {}

std::string CpuDevice::description() const {
  return "cpu " + std::string(isa_.name) + ", " + std::to_string(pool_.size()) +
         (pool_.size() == 1 ? " thread" : " threads") +
         (options_.exact    ? ", exact"
          : options_.repack ? ""
                            : ", not repacked");
}

std::size_t CpuDevice::memory_bytes() const {
  std::size_t bytes = activations_.memory_bytes() + kv_.memory_bytes() + window_kv_.memory_bytes() +
                      attention_.memory_bytes() + blas_.memory_bytes() + scratch_.memory_bytes() +
                      declared_.memory_bytes();
  for (std::size_t i = 0; i < matrices_.size(); ++i) {
    if (!declared_.contains(i)) bytes += matrices_[i].panels.size();
  }
  for (const std::vector<float>& vector : vectors_) bytes += vector.size() * sizeof(float);
  for (const RopeTable& rope : ropes_) bytes += rope.memory_bytes();
  return bytes;
}

MatrixCost CpuDevice::matrix_cost(MatrixHandle matrix) const {
  const PackedMatrix& packed = matrices_[index_of(matrix.id)];
  const auto weights = static_cast<std::uint64_t>(packed.rows) * static_cast<std::uint64_t>(packed.cols);
  const bool int8 = packed.rows > 0 && packed.format->activations != ActivationKind::f32;
  // Without panels of its own it is read as it lies; each panel then stays in a cache until it is used.
  const std::uint64_t read = packed.is_packed() ? packed_bytes(packed)
                                                : weights * tensor_type_info(packed.source.type).block_bytes /
                                                      tensor_type_info(packed.source.type).block_elements;
  return {int8 ? weights : 0, int8 ? 0 : weights, read};
}

// -- Setup ------------------------------------------------------------------------------------------------------------

MatrixHandle CpuDevice::add_matrix(const MatrixView& weights, const Packed& packed) {
  if (!options_.repack && !options_.exact) {
    PackedMatrix matrix = unpacked_matrix(weights);
    scratch_.fit(matrix.panel_bytes, pool_.size());
    return append<MatrixHandle>(matrices_, std::move(matrix));
  }
  return append<MatrixHandle>(matrices_, pack_matrix(weights, options_.exact, pool_, packed));
}

MatrixHandle CpuDevice::declare_matrix(const MatrixView& weights) {
  declared_.add(matrices_.size());
  return append<MatrixHandle>(matrices_, matrix_to_pack(weights, options_.exact));
}

void CpuDevice::fill_matrix(MatrixHandle matrix, const MatrixView& weights, const Packed& packed) {
  declared_.fill(matrices_[index_of(matrix.id)], weights, packed);
}

void CpuDevice::empty_matrix(MatrixHandle matrix) { declared_.empty(matrices_[index_of(matrix.id)]); }

TableHandle CpuDevice::add_table(const MatrixView& weights) {
  return append<TableHandle>(tables_, Table{&checked_format(weights), weights});
}

VectorHandle CpuDevice::add_vector(std::span<const float> values) {
  return append<VectorHandle>(vectors_, std::vector<float>(values.begin(), values.end()));
}

RopeHandle CpuDevice::add_rope(RopeSpec spec) {
  RopeTable rope(std::move(spec));
  rope.reserve(activations_.max_rows());
  return append<RopeHandle>(ropes_, std::move(rope));
}

ExpertsHandle CpuDevice::add_experts(ExpertsSpec spec) {
  const std::size_t experts = spec.gate.size();
  if (spec.up.size() != experts || spec.down.size() != experts || spec.used < 1 ||
      static_cast<std::size_t>(spec.used) > experts) {
    throw Error("a mixture of " + std::to_string(experts) + " experts, " + std::to_string(spec.used) +
                " of them for each token, cannot be");
  }
  return append<ExpertsHandle>(experts_, std::move(spec));
}

void CpuDevice::reserve(std::span<const std::int32_t, kSlotCount> widths, std::int32_t max_rows) {
  activations_.reserve(widths, max_rows);
  for (RopeTable& rope : ropes_) rope.reserve(max_rows);
  reserve_attention();
}

void CpuDevice::reserve_kv(const KvLayout& layout) {
  if (layout.window_layers < 0 || layout.window_layers > layout.layers) {
    throw Error("a KV cache of " + std::to_string(layout.layers) + " layers, " + std::to_string(layout.window_layers) +
                " of them with a window, cannot be");
  }
  KvLayout part = layout;
  part.window_layers = 0;
  part.layers = layout.layers - layout.window_layers;
  kv_ = KvStore(part, log2_group(layout.block_tokens));
  part.layers = layout.window_layers;
  window_kv_ = KvStore(part);  // its blocks are given back one by one
  reserve_attention();
}

std::pair<KvStore&, std::int32_t> CpuDevice::store_of(std::int32_t layer) {
  const std::int32_t others = kv_.layout().layers;
  if (layer < others) return {kv_, layer};
  return {window_kv_, layer - others};
}

void CpuDevice::reserve_attention() {
  const KvLayout& layout = kv_.layout();
  if (layout.head_dim == 0) return;
  attention_.reserve(layout, activations_.width(Slot::q) / layout.head_dim, activations_.max_rows(), pool_.size());
}

// -- One forward pass -------------------------------------------------------------------------------------------------

const std::vector<float>& CpuDevice::vector(VectorHandle handle) const { return vectors_[index_of(handle.id)]; }

void CpuDevice::begin(const BatchView& batch) {
  assert(consistent(batch, activations_.max_rows()));
  batch_ = batch;
  ++pass_;
}

ProductInput CpuDevice::product_input(Slot slot, ActivationKind kind, std::int64_t columns) {
  const std::int32_t rows = activations_.rows(slot);
  const std::int64_t width = activations_.width(slot);
  if (kind == ActivationKind::f32) {
    return {reinterpret_cast<const std::byte*>(activations_.row(slot, 0)),
            static_cast<std::size_t>(width) * sizeof(float), rows};
  }
  const Activations::Int8Copy copy = activations_.int8_copy(slot, kind, columns);
  const std::int64_t missing = columns - copy.valid;
  if (missing > 0) {
    each_row(rows, missing / kElementsPerNanosecond, [&](std::int64_t t) {
      quantize_part(copy, kind, rows, t, copy.valid, missing, activations_.row(slot, t) + copy.valid);
    });
  }
  return {copy.blocks, copy.row_bytes, rows};
}

std::optional<ActivationKind> CpuDevice::int8_kind_of(std::span<const MatrixHandle> readers) const {
  std::optional<ActivationKind> all;
  for (const MatrixHandle reader : readers) {
    const ActivationKind kind = matrices_[index_of(reader.id)].format->activations;
    if (kind == ActivationKind::f32 || all.value_or(kind) != kind) return {};
    all = kind;
  }
  return all;
}

void CpuDevice::quantize_part(const Activations::Int8Copy& copy, ActivationKind kind, std::int64_t rows, std::int64_t t,
                              std::int64_t first, std::int64_t count, const float* values) const noexcept {
  const std::int64_t group_first = t / kTokenGroup * kTokenGroup;  // of the token's group
  const auto group = static_cast<std::size_t>(std::min<std::int64_t>(kTokenGroup, rows - group_first));
  std::byte* const blocks = copy.blocks + static_cast<std::size_t>(group_first) * copy.row_bytes;
  const std::size_t block =
      static_cast<std::size_t>(first / activation_block(kind)) * group + static_cast<std::size_t>(t - group_first);
  if (kind == ActivationKind::int8) {
    isa_.quantize(values, count, reinterpret_cast<ActivationBlock*>(blocks) + block, group);
  } else {
    isa_.quantize_wide(values, count, reinterpret_cast<WideActivationBlock*>(blocks) + block, group);
  }
}

// As it was the last time. Not one that comes and goes: another thread may just be filling it.
const PackedMatrix* CpuDevice::next_after(std::size_t matrix) {
  followers_.resize(matrices_.size(), 0);
  if (matrix != last_product_) followers_[last_product_] = matrix;  // bands of one matrix follow each other
  last_product_ = matrix;
  const std::size_t next = followers_[matrix];
  return declared_.contains(next) ? nullptr : &matrices_[next];
}

// Without rows, a slot that has a width must not seem to hold results. One of no width keeps count of the tokens.
float* CpuDevice::overwrite_for(const PackedMatrix& matrix, Slot in, Slot out) {
  const bool none = matrix.rows == 0 && activations_.width(out) > 0;
  return activations_.overwrite(out, none ? 0 : activations_.rows(in));
}

void CpuDevice::matmul(Slot in, MatrixHandle matrix, VectorHandle bias, Slot out) {
  const PackedMatrix& weights = matrices_[index_of(matrix.id)];
  assert(in != out && weights.cols == activations_.width(in));
  assert(weights.rows == 0 || weights.rows == activations_.width(out));
  float* const result = overwrite_for(weights, in, out);
  if (weights.rows == 0) return;
  const float* added = nullptr;
  if (bias) {
    assert(vector(bias).size() == static_cast<std::size_t>(weights.rows));
    added = vector(bias).data();
  }
  const ProductInput input = product_input(in, weights.format->activations, weights.cols);
  if (batch_.prompt && weights.is_packed() && blas_.suits(weights, input.tokens)) {
    blas_.multiply(weights, input, added, result, isa_, pool_);
  } else {
    multiply(weights, {0, weights.rows}, {0, weights.cols}, input, added, result, isa_, pool_, scratch_,
             next_after(index_of(matrix.id)));
  }
}

void CpuDevice::matmul_band(Slot in, MatrixHandle matrix, std::int32_t first_row, VectorHandle bias, Slot out) {
  const PackedMatrix& weights = matrices_[index_of(matrix.id)];
  const std::int64_t rows = activations_.width(out);
  assert(in != out && weights.cols == activations_.width(in));
  assert(first_row >= 0 && first_row % kBandRows == 0 && first_row + rows <= weights.rows);
  assert(rows % kPanelRows == 0 || first_row + rows == weights.rows);
  float* const result = activations_.overwrite(out, activations_.rows(in));
  const float* const added = bias ? vector(bias).data() + first_row : nullptr;
  const PackedMatrix* const next = next_after(index_of(matrix.id));
  const bool last = first_row + rows == weights.rows;
  multiply(weights, {first_row, rows}, {0, weights.cols}, product_input(in, weights.format->activations, weights.cols),
           added, result, isa_, pool_, scratch_, last ? next : nullptr);
}

void CpuDevice::store_kv(std::int32_t layer, Slot k, Slot v) {
  const std::int64_t width = std::int64_t{kv_.layout().kv_heads} * kv_.layout().head_dim;
  assert(activations_.width(k) == width && activations_.width(v) == width);
  if (width == 0) return;
  assert(static_cast<std::size_t>(activations_.rows(k)) == batch_.size() &&
         activations_.rows(v) == activations_.rows(k));
  auto& store = store_of(layer).first;
  const std::int32_t index = store_of(layer).second;
  each_row(activations_.rows(k), 2 * width / kElementsPerNanosecond, [&](std::int64_t t) {
    store.store(index, batch_.place[static_cast<std::size_t>(t)], activations_.row(k, t), activations_.row(v, t), isa_);
  });
}

void CpuDevice::attend(std::int32_t layer, const AttendSpec& spec, Slot q, Slot out) {
  assert(q != out && activations_.width(q) == std::int64_t{spec.heads} * spec.head_dim);
  assert(activations_.width(out) == activations_.width(q));
  assert(spec.heads == 0 || static_cast<std::size_t>(activations_.rows(q)) == batch_.size());
  assert(spec.heads == 0 || (spec.kv_heads == kv_.layout().kv_heads && spec.head_dim == kv_.layout().head_dim));
  float* const result = activations_.overwrite(out, static_cast<std::int32_t>(batch_.size()));
  const auto [store, index] = store_of(layer);
  attention_.attend(store, index, spec, pass_, batch_, activations_.row(q, 0), result, isa_, pool_);
}

// Expert by expert, each for all tokens that chose it. A token's experts add up in their own order, whoever else there
// is.
void CpuDevice::mix_experts(ExpertsHandle experts, Slot in, Slot router, Slot out) {
  const ExpertsSpec& spec = experts_[index_of(experts.id)];
  const std::int32_t tokens = activations_.rows(in);
  const std::int64_t width = activations_.width(out);
  assert(activations_.width(router) == static_cast<std::int32_t>(spec.gate.size()));
  assert(activations_.rows(router) == tokens && activations_.width(Slot::expert) == width);
  activations_.change(router);
  routes_.choose(spec, activations_.row(router, 0), tokens, isa_);
  std::fill_n(activations_.overwrite(out, tokens), tokens * width, 0.0F);
  for (std::size_t e = 0; e < spec.gate.size(); ++e) {
    const auto chosen = routes_.tokens(static_cast<std::int32_t>(e));
    const auto weights = routes_.weights(static_cast<std::int32_t>(e));
    if (chosen.empty()) continue;
    pick(chosen, in, Slot::routed);
    gated_products({spec.gate[e], spec.up[e], spec.activation, spec.down[e]}, Slot::routed, Slot::gate, Slot::up);
    matmul(Slot::gate, spec.down[e], {}, Slot::expert);
    activations_.change(Slot::expert);
    each_row(static_cast<std::int32_t>(chosen.size()), 2 * width / kElementsPerNanosecond, [&](std::int64_t i) {
      float* const part = activations_.row(Slot::expert, i);
      isa_.scale(weights[static_cast<std::size_t>(i)], width, part);
      isa_.add(part, width, activations_.row(out, chosen[static_cast<std::size_t>(i)]));
    });
  }
}

void CpuDevice::copy_kv_block(std::int32_t from, std::int32_t to) {
  kv_.copy_block(from, to);
  window_kv_.copy_block(from, to);
}

void CpuDevice::forget_kv_block(std::int32_t block) { window_kv_.forget_block(block); }

// -- Host access ------------------------------------------------------------------------------------------------------

std::span<float> CpuDevice::map(Slot slot) { return map(slot, activations_.rows(slot)); }

std::span<float> CpuDevice::map(Slot slot, std::int32_t rows) {
  float* const data = activations_.overwrite(slot, rows);
  return {data, static_cast<std::size_t>(rows) * static_cast<std::size_t>(activations_.width(slot))};
}

std::span<const float> CpuDevice::shortlist(Slot slot, std::int32_t count) {
  const std::int32_t width = activations_.width(slot), rows = activations_.rows(slot);
  assert(count >= 1 && count <= std::min(kMostShortlisted, width) && width <= kMostShortlistedFrom);
  const auto row_width = static_cast<std::size_t>(shortlist_width(count));
  shortlists_.resize(static_cast<std::size_t>(rows) * row_width);
  each_row(rows, width * kNanosecondsPerLogit, [&](std::int64_t t) {
    make_shortlist({activations_.row(slot, t), static_cast<std::size_t>(width)}, count,
                   std::span(shortlists_).subspan(static_cast<std::size_t>(t) * row_width, row_width));
  });
  return shortlists_;
}

std::unique_ptr<Device> make_cpu_device(const CpuOptions& options) { return std::make_unique<CpuDevice>(options); }

}  // namespace covey
