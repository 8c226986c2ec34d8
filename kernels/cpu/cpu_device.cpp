#include "kernels/cpu/cpu_device.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstring>
#include <utility>

#include "covey/error.hpp"

namespace covey {
namespace {

// What a nanosecond does, for the size of chunks only.
constexpr std::int64_t kElementsPerNanosecond = 4;
constexpr std::int64_t kExponentialsPerNanosecond = 1;

std::size_t index_of(std::int32_t id) {
  assert(id >= 0);
  return static_cast<std::size_t>(id);
}

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
  std::size_t bytes = activations_.memory_bytes() + kv_.memory_bytes() + attention_.memory_bytes() +
                      blas_.memory_bytes() + scratch_.memory_bytes();
  for (const PackedMatrix& matrix : matrices_) bytes += matrix.panels.size();
  for (const std::vector<float>& vector : vectors_) bytes += vector.size() * sizeof(float);
  for (const RopeTable& rope : ropes_) bytes += rope.memory_bytes();
  return bytes;
}

MatrixCost CpuDevice::matrix_cost(MatrixHandle matrix) const {
  const PackedMatrix& packed = matrices_[index_of(matrix.id)];
  const auto weights = static_cast<std::uint64_t>(packed.rows) * static_cast<std::uint64_t>(packed.cols);
  const bool int8 = packed.rows > 0 && packed.format->activations == ActivationKind::int8;
  // Without panels of its own it is read as it lies; each panel then stays in a cache until it is used.
  const std::uint64_t read = packed.is_packed() ? packed.panels.size()
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
  kv_ = KvStore(layout);
  reserve_attention();
}

void CpuDevice::reserve_attention() {
  const KvLayout& layout = kv_.layout();
  if (layout.head_dim == 0) return;
  attention_.reserve(layout, activations_.width(Slot::q) / layout.head_dim, activations_.max_rows(), pool_.size());
}

// -- One forward pass -------------------------------------------------------------------------------------------------

template <class Body>
void CpuDevice::each_row(std::int32_t rows, std::int64_t cost, const Body& body) {
  pool_.parallel_for(rows, pool_.grain(rows, cost), [&](std::int64_t begin, std::int64_t end, int) noexcept {
    for (std::int64_t row = begin; row < end; ++row) body(row);
  });
}

template <class F>
void CpuDevice::change_rows(Slot slot, std::int64_t per_nanosecond, const F& f) {
  const std::int64_t width = activations_.width(slot);
  activations_.change(slot);
  each_row(activations_.rows(slot), width / per_nanosecond,
           [&](std::int64_t t) { f(activations_.row(slot, t), width); });
}

const std::vector<float>& CpuDevice::vector(VectorHandle handle) const { return vectors_[index_of(handle.id)]; }

void CpuDevice::begin(const BatchView& batch) {
  assert(consistent(batch, activations_.max_rows()));
  batch_ = batch;
  ++pass_;
}

void CpuDevice::embed(TableHandle table, float scale, Slot out) {
  const Table& from = tables_[index_of(table.id)];
  assert(from.weights.cols == activations_.width(out));
  activations_.overwrite(out, static_cast<std::int32_t>(batch_.size()));
  for (std::size_t t = 0; t < batch_.size(); ++t) {
    const std::int32_t token = batch_.token[t];
    assert(token >= 0 && token < from.weights.rows);
    float* const row = activations_.row(out, static_cast<std::int64_t>(t));
    from.format->decode(from.weights.data + static_cast<std::size_t>(token) * from.weights.row_stride,
                        from.weights.cols, row);
    if (scale != 1.0F) isa_.scale(scale, from.weights.cols, row);
  }
}

void CpuDevice::add_positions(TableHandle table, Slot into) {
  const Table& from = tables_[index_of(table.id)];
  assert(from.weights.cols == activations_.width(into));
  assert(static_cast<std::size_t>(activations_.rows(into)) == batch_.size());
  std::vector<float> row(static_cast<std::size_t>(from.weights.cols));
  activations_.change(into);
  for (std::size_t t = 0; t < batch_.size(); ++t) {
    const std::int32_t position = batch_.position[t];
    assert(position < from.weights.rows);
    from.format->decode(from.weights.data + static_cast<std::size_t>(position) * from.weights.row_stride,
                        from.weights.cols, row.data());
    isa_.add(row.data(), from.weights.cols, activations_.row(into, static_cast<std::int64_t>(t)));
  }
}

void CpuDevice::norm(const NormSpec& spec, Slot in, Slot out) {
  const std::vector<float>& weights = vector(spec.weight);
  const std::int64_t width = activations_.width(in);
  assert(activations_.width(out) == width && (spec.kind == NormKind::layer || !spec.bias));
  in == out ? activations_.change(out) : activations_.overwrite(out, activations_.rows(in));
  if (width == 0) return;
  assert(width % spec.groups == 0);
  const std::int64_t group = width / spec.groups;
  const std::int64_t step = static_cast<std::int64_t>(weights.size()) == width ? group : 0;  // of weights
  assert(static_cast<std::int64_t>(weights.size()) == (step == 0 ? group : width));
  assert(!spec.bias || vector(spec.bias).size() == weights.size());
  const float* const bias = spec.bias ? vector(spec.bias).data() : nullptr;
  each_row(activations_.rows(in), 2 * width / kElementsPerNanosecond, [&](std::int64_t t) {
    const float* const from = activations_.row(in, t);
    float* const to = activations_.row(out, t);
    for (std::int64_t g = 0; g < spec.groups; ++g) {
      const float* const weight = weights.data() + g * step;
      if (spec.kind == NormKind::rms) {
        isa_.rms_norm(from + g * group, weight, spec.epsilon, group, to + g * group);
      } else {
        isa_.layer_norm(from + g * group, weight, bias == nullptr ? nullptr : bias + g * step, spec.epsilon, group,
                        to + g * group);
      }
    }
  });
}

void CpuDevice::square_sums(Slot in, std::int32_t first, std::int32_t last, Slot sums, std::int32_t column) {
  assert(first >= 0 && first <= last && last <= activations_.width(in) && column < activations_.width(sums));
  const auto tokens = static_cast<std::int32_t>(batch_.size());
  activations_.overwrite(sums, tokens);
  each_row(tokens, (last - first) / kElementsPerNanosecond, [&](std::int64_t t) {
    activations_.row(sums, t)[column] =
        first == last ? 0.0F : isa_.sum_squares(activations_.row(in, t) + first, last - first);
  });
}

void CpuDevice::norm_by_sums(Slot sums, std::int32_t column, std::int32_t width, VectorHandle weight, float epsilon,
                             Slot slot) {
  const std::int64_t here = activations_.width(slot);
  assert(static_cast<std::int64_t>(vector(weight).size()) == here && column < activations_.width(sums));
  activations_.change(slot);
  each_row(activations_.rows(slot), here / kElementsPerNanosecond, [&](std::int64_t t) {
    const float mean = activations_.row(sums, t)[column] / static_cast<float>(width);
    isa_.scale_by(1.0F / std::sqrt(mean + epsilon), vector(weight).data(), here, activations_.row(slot, t));
  });
}

ProductInput CpuDevice::product_input(Slot slot, ActivationKind kind) {
  const std::int32_t rows = activations_.rows(slot);
  const std::int64_t width = activations_.width(slot);
  if (kind == ActivationKind::f32) {
    return {reinterpret_cast<const std::byte*>(activations_.row(slot, 0)),
            static_cast<std::size_t>(width) * sizeof(float), rows};
  }
  const Activations::Int8Copy copy = activations_.int8_copy(slot);
  if (!copy.valid) {
    each_row(rows, width / kElementsPerNanosecond, [&](std::int64_t t) {
      const std::int64_t first = t / kTokenGroup * kTokenGroup;  // of the token's group
      const auto group = static_cast<std::size_t>(std::min<std::int64_t>(kTokenGroup, rows - first));
      ActivationBlock* const blocks = copy.blocks + static_cast<std::size_t>(first) * copy.row_blocks + (t - first);
      isa_.quantize(activations_.row(slot, t), width, blocks, group);
    });
  }
  return {reinterpret_cast<const std::byte*>(copy.blocks), copy.row_blocks * sizeof(ActivationBlock), rows};
}

void CpuDevice::matmul(Slot in, MatrixHandle matrix, VectorHandle bias, Slot out) {
  const PackedMatrix& weights = matrices_[index_of(matrix.id)];
  assert(in != out && weights.cols == activations_.width(in));
  assert(weights.rows == 0 || weights.rows == activations_.width(out));
  // Without rows, a slot that has a width must not seem to hold results. One of no width keeps count of the tokens.
  const bool none = weights.rows == 0 && activations_.width(out) > 0;
  float* const result = activations_.overwrite(out, none ? 0 : activations_.rows(in));
  if (weights.rows == 0) return;
  const float* added = nullptr;
  if (bias) {
    assert(vector(bias).size() == static_cast<std::size_t>(weights.rows));
    added = vector(bias).data();
  }
  const ProductInput input = product_input(in, weights.format->activations);
  if (batch_.prompt && weights.is_packed() && blas_.suits(weights, input.tokens)) {
    blas_.multiply(weights, input, added, result, isa_, pool_);
  } else {
    multiply(weights, input, added, result, isa_, pool_, scratch_);
  }
}

void CpuDevice::add(Slot from, Slot into) {
  const std::int64_t width = activations_.width(into);
  assert(from != into && activations_.width(from) == width && activations_.rows(from) == activations_.rows(into));
  activations_.change(into);
  each_row(activations_.rows(into), width / kElementsPerNanosecond,
           [&](std::int64_t t) { isa_.add(activations_.row(from, t), width, activations_.row(into, t)); });
}

void CpuDevice::scale(float factor, Slot slot) {
  change_rows(slot, kElementsPerNanosecond, [&](float* values, std::int64_t n) { isa_.scale(factor, n, values); });
}

void CpuDevice::softcap(float cap, Slot slot) {
  change_rows(slot, kExponentialsPerNanosecond, [&](float* values, std::int64_t n) { isa_.softcap(cap, n, values); });
}

void CpuDevice::rope(RopeHandle rope, [[maybe_unused]] std::int32_t heads, std::int32_t head_dim, Slot slot) {
  RopeTable& table = ropes_[index_of(rope.id)];
  const std::int32_t pairs = table.pairs();
  const std::int64_t width = activations_.width(slot);
  assert(width == std::int64_t{heads} * head_dim && 2 * pairs <= head_dim);
  assert(width == 0 || static_cast<std::size_t>(activations_.rows(slot)) == batch_.size());
  if (width == 0) return;
  table.prepare(pass_, batch_.position);
  activations_.change(slot);
  const auto turn = table.spec().pairs == RopePairs::adjacent ? isa_.rope_adjacent : isa_.rope_halves;
  each_row(activations_.rows(slot), width / kElementsPerNanosecond, [&](std::int64_t t) {
    const auto token = static_cast<std::int32_t>(t);
    float* const row = activations_.row(slot, t);
    for (std::int64_t head = 0; head < heads; ++head) {
      turn(table.cosine(token), table.sine(token), pairs, row + head * head_dim);
    }
  });
}

void CpuDevice::store_kv(std::int32_t layer, Slot k, Slot v) {
  const std::int64_t width = std::int64_t{kv_.layout().kv_heads} * kv_.layout().head_dim;
  assert(activations_.width(k) == width && activations_.width(v) == width);
  if (width == 0) return;
  assert(static_cast<std::size_t>(activations_.rows(k)) == batch_.size() &&
         activations_.rows(v) == activations_.rows(k));
  each_row(activations_.rows(k), 2 * width / kElementsPerNanosecond, [&](std::int64_t t) {
    kv_.store(layer, batch_.place[static_cast<std::size_t>(t)], activations_.row(k, t), activations_.row(v, t), isa_);
  });
}

void CpuDevice::attend(std::int32_t layer, const AttendSpec& spec, Slot q, Slot out) {
  assert(q != out && activations_.width(q) == std::int64_t{spec.heads} * spec.head_dim);
  assert(activations_.width(out) == activations_.width(q));
  assert(spec.heads == 0 || static_cast<std::size_t>(activations_.rows(q)) == batch_.size());
  assert(spec.heads == 0 || (spec.kv_heads == kv_.layout().kv_heads && spec.head_dim == kv_.layout().head_dim));
  float* const result = activations_.overwrite(out, static_cast<std::int32_t>(batch_.size()));
  attention_.attend(kv_, layer, spec, pass_, batch_, activations_.row(q, 0), result, isa_, pool_);
}

void CpuDevice::gated(Activation activation, Slot gate, Slot up) {
  const std::int64_t width = activations_.width(gate);
  assert(gate != up && activations_.width(up) == width && activations_.rows(up) == activations_.rows(gate));
  activations_.change(gate);
  const auto gate_by = activation == Activation::silu ? isa_.silu_mul : isa_.gelu_mul;
  each_row(activations_.rows(gate), width / kExponentialsPerNanosecond,
           [&](std::int64_t t) { gate_by(activations_.row(up, t), width, activations_.row(gate, t)); });
}

void CpuDevice::activate(Activation activation, Slot slot) {
  const auto bend = activation == Activation::silu ? isa_.silu : isa_.gelu;
  change_rows(slot, kExponentialsPerNanosecond, [&](float* values, std::int64_t n) { bend(n, values); });
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
    matmul(Slot::routed, spec.gate[e], {}, Slot::gate);
    matmul(Slot::routed, spec.up[e], {}, Slot::up);
    gated(spec.activation, Slot::gate, Slot::up);
    matmul(Slot::gate, spec.down[e], {}, Slot::expert);
    activations_.change(Slot::expert);
    each_row(static_cast<std::int32_t>(chosen.size()), 2 * width / kElementsPerNanosecond, [&](std::int64_t i) {
      float* const part = activations_.row(Slot::expert, i);
      isa_.scale(weights[static_cast<std::size_t>(i)], width, part);
      isa_.add(part, width, activations_.row(out, chosen[static_cast<std::size_t>(i)]));
    });
  }
}

void CpuDevice::pick(std::span<const std::int32_t> rows, Slot in, Slot out) {
  const auto width = static_cast<std::size_t>(activations_.width(in));
  assert(in != out && activations_.width(out) == activations_.width(in));
  activations_.overwrite(out, static_cast<std::int32_t>(rows.size()));
  if (width == 0) return;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    assert(rows[i] >= 0 && rows[i] < activations_.rows(in));
    std::memcpy(activations_.row(out, static_cast<std::int64_t>(i)), activations_.row(in, rows[i]),
                width * sizeof(float));
  }
}

void CpuDevice::copy_kv_block(std::int32_t from, std::int32_t to) { kv_.copy_block(from, to); }

// -- Host access ------------------------------------------------------------------------------------------------------

std::span<float> CpuDevice::map(Slot slot) { return map(slot, activations_.rows(slot)); }

std::span<float> CpuDevice::map(Slot slot, std::int32_t rows) {
  float* const data = activations_.overwrite(slot, rows);
  return {data, static_cast<std::size_t>(rows) * static_cast<std::size_t>(activations_.width(slot))};
}

std::unique_ptr<Device> make_cpu_device(const CpuOptions& options) { return std::make_unique<CpuDevice>(options); }

}  // namespace covey
