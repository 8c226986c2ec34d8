// What the CPU device does to rows of slots, each by itself: no products, no attention.
#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstring>
#include <optional>

#include "kernels/cpu/cpu_device.hpp"

namespace covey {

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

void CpuDevice::check_norm([[maybe_unused]] const NormSpec& spec, [[maybe_unused]] std::int64_t width) const {
  [[maybe_unused]] const auto weights = static_cast<std::int64_t>(vector(spec.weight).size());
  assert(spec.kind == NormKind::layer || !spec.bias);
  assert(width % spec.groups == 0 && (weights == width || weights == width / spec.groups));
  assert(!spec.bias || vector(spec.bias).size() == vector(spec.weight).size());
}

void CpuDevice::norm_row(const NormSpec& spec, const float* in, std::int64_t width, float* out) const noexcept {
  const std::vector<float>& weights = vector(spec.weight);
  const float* const bias = spec.bias ? vector(spec.bias).data() : nullptr;
  const std::int64_t group = width / spec.groups;
  const std::int64_t step = static_cast<std::int64_t>(weights.size()) == width ? group : 0;  // of weights
  for (std::int64_t g = 0; g < spec.groups; ++g, in += group, out += group) {
    const float* const weight = weights.data() + g * step;
    if (spec.kind == NormKind::rms) {
      isa_.rms_norm(in, weight, spec.epsilon, group, out);
    } else {
      isa_.layer_norm(in, weight, bias == nullptr ? nullptr : bias + g * step, spec.epsilon, group, out);
    }
  }
}

void CpuDevice::norm(const NormSpec& spec, Slot in, Slot out) {
  const std::int64_t width = activations_.width(in);
  assert(activations_.width(out) == width);
  in == out ? activations_.change(out) : activations_.overwrite(out, activations_.rows(in));
  if (width == 0) return;
  check_norm(spec, width);
  each_row(activations_.rows(in), 2 * width / kElementsPerNanosecond,
           [&](std::int64_t t) { norm_row(spec, activations_.row(in, t), width, activations_.row(out, t)); });
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

void CpuDevice::add(Slot from, Slot into) {
  const std::int64_t width = activations_.width(into);
  assert(from != into && activations_.width(from) == width && activations_.rows(from) == activations_.rows(into));
  activations_.change(into);
  each_row(activations_.rows(into), width / kElementsPerNanosecond,
           [&](std::int64_t t) { isa_.add(activations_.row(from, t), width, activations_.row(into, t)); });
}

// Row by row, so that a row is near from the first step to the last.
void CpuDevice::add_norm(Slot from, Slot into, const NormSpec& spec, std::span<const MatrixHandle> readers, Slot out) {
  const std::int32_t rows = activations_.rows(into);
  const std::int64_t width = activations_.width(into);
  const std::optional<ActivationKind> kind = int8_kind_of(readers);
  if (width == 0 || !kind) return Device::add_norm(from, into, spec, readers, out);
  assert(from != into && into != out && activations_.rows(from) == rows);
  assert(activations_.width(from) == width && activations_.width(out) == width);
  check_norm(spec, width);
  activations_.change(into);
  float* const normed = activations_.overwrite_without_floats(out, rows);
  const Activations::Int8Copy copy = activations_.int8_copy(out, *kind, width);
  pool_.parallel_for(rows, ThreadPool::chunks(4 * width / kElementsPerNanosecond),
                     [&](std::int64_t begin, std::int64_t end, int) noexcept {
                       float* const row = normed + begin * width;  // one after the other in the same place
                       for (std::int64_t t = begin; t < end; ++t) {
                         isa_.add(activations_.row(from, t), width, activations_.row(into, t));
                         norm_row(spec, activations_.row(into, t), width, row);
                         quantize_part(copy, *kind, rows, t, 0, width, row);
                       }
                     });
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

}  // namespace covey
