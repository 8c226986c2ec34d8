// What the Vulkan device does to rows of slots, each by itself: no products, no attention.
#include <array>
#include <bit>
#include <cassert>
#include <cstring>

#include "kernels/vulkan/gpu_device.hpp"

namespace covey {
namespace {

std::uint32_t bits(float value) { return std::bit_cast<std::uint32_t>(value); }
std::uint32_t u32(std::int64_t value) { return static_cast<std::uint32_t>(value); }

}  // namespace

// Tables stay in the file: the host gathers the rows that a batch asks for.
void GpuDevice::look_up(TableHandle table, std::span<const std::int32_t> rows, float scale, bool added,
                        const VulkanBinding& out) {
  const MatrixView& from = tables_[index_of(table.id)];
  const GpuRows shape(from);
  const std::size_t bytes = rows.size() * shape.row_bytes();
  if (bytes == 0) return;
  const VulkanRange gathered = room(gathered_, bytes).part(0, bytes);
  const VulkanRange staged = recorder_.stage(bytes);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    assert(rows[i] >= 0 && rows[i] < from.rows);
    shape.repack(from.data + static_cast<std::size_t>(rows[i]) * from.row_stride, staged.host + i * shape.row_bytes());
  }
  recorder_.copy(staged, gathered);
  const VulkanBinding bindings[] = {{gathered_.memory.range(), false}, out};
  const std::uint32_t push[] = {u32(shape.cols), u32(static_cast<std::int64_t>(rows.size())),
                                shape.row_words, shape.halves,
                                bits(scale),     added ? 1U : 0U};
  const std::uint32_t units = (u32(shape.cols) + 31) / 32 * 4;
  run("embed_" + shape.format_name(), bindings, push, each(units * u32(static_cast<std::int64_t>(rows.size()))));
}

void GpuDevice::embed(TableHandle table, float scale, Slot out) {
  assert(tables_[index_of(table.id)].cols == slots_.width(out));
  look_up(table, batch_.token, scale, false, slots_.overwrite(out, static_cast<std::int32_t>(batch_.size())));
}

void GpuDevice::add_positions(TableHandle table, Slot into) {
  assert(tables_[index_of(table.id)].cols == slots_.width(into));
  assert(static_cast<std::size_t>(slots_.rows(into)) == batch_.size());
  look_up(table, batch_.position, 1.0F, true, slots_.change(into));
}

void GpuDevice::norm(const NormSpec& spec, Slot in, Slot out) {
  const std::int64_t width = slots_.width(in);
  assert(slots_.width(out) == width && (spec.kind == NormKind::layer || !spec.bias));
  const VulkanBinding from = slots_.read(in);
  const VulkanBinding to = in == out ? slots_.change(out) : slots_.overwrite(out, slots_.rows(in));
  if (width == 0) return;
  assert(width % spec.groups == 0);
  const std::int64_t group = width / spec.groups;
  const std::size_t weights = vector_sizes_[index_of(spec.weight.id)];
  const std::int64_t step = static_cast<std::int64_t>(weights) == width ? group : 0;
  assert(static_cast<std::int64_t>(weights) == (step == 0 ? group : width));
  const VulkanRange weight = vectors_[index_of(spec.weight.id)].range();
  const VulkanBinding bindings[] = {
      from, to, {weight, false}, {spec.bias ? vectors_[index_of(spec.bias.id)].range() : weight, false}};
  const std::uint32_t parts = u32(std::int64_t{slots_.rows(in)} * spec.groups);
  const std::uint32_t push[] = {parts,
                                u32(group),
                                u32(spec.groups),
                                u32(step),
                                bits(spec.epsilon),
                                spec.kind == NormKind::layer ? 1U : 0U,
                                spec.bias ? 1U : 0U};
  run(for_lanes("norm"), bindings, push, {parts, 1});
}

void GpuDevice::square_sums(Slot in, std::int32_t first, std::int32_t last, Slot sums, std::int32_t column) {
  assert(first >= 0 && first <= last && last <= slots_.width(in) && column < slots_.width(sums));
  const VulkanBinding from = slots_.read(in);
  // Another column may hold sums of this pass already.
  VulkanBinding to = slots_.change(sums);
  if (slots_.rows(sums) != static_cast<std::int32_t>(batch_.size())) {
    to = slots_.overwrite(sums, static_cast<std::int32_t>(batch_.size()));
  }
  const VulkanBinding bindings[] = {from, to};
  const std::uint32_t push[] = {tokens(),  u32(slots_.width(in)),   u32(first),
                                u32(last), u32(slots_.width(sums)), u32(column)};
  run(for_lanes("square_sums"), bindings, push, {tokens(), 1});
}

void GpuDevice::norm_by_sums(Slot sums, std::int32_t column, std::int32_t width, VectorHandle weight, float epsilon,
                             Slot slot) {
  assert(vector_sizes_[index_of(weight.id)] == static_cast<std::size_t>(slots_.width(slot)));
  const VulkanBinding of = slots_.read(sums);
  const VulkanBinding bindings[] = {slots_.change(slot), of, {vectors_[index_of(weight.id)].range(), false}};
  const std::uint32_t push[] = {slots_.count(slot), u32(slots_.width(slot)),         u32(slots_.width(sums)),
                                u32(column),        bits(static_cast<float>(width)), bits(epsilon)};
  run("norm_by_sums", bindings, push, each(slots_.count(slot)));
}

void GpuDevice::elementwise(ElementOperation operation, const VulkanBinding& into, const VulkanBinding& from,
                            std::uint32_t count, float factor) {
  const VulkanBinding bindings[] = {into, from};
  const std::uint32_t push[] = {count, static_cast<std::uint32_t>(operation), bits(factor)};
  run("elementwise", bindings, push, each(count));
}

void GpuDevice::add(Slot from, Slot into) {
  assert(from != into && slots_.width(from) == slots_.width(into) && slots_.rows(from) == slots_.rows(into));
  const VulkanBinding added = slots_.read(from);
  elementwise(ElementOperation::add, slots_.change(into), added, slots_.count(into));
}

void GpuDevice::scale(float factor, Slot slot) {
  const VulkanBinding values = slots_.change(slot);
  elementwise(ElementOperation::scale, values, values, slots_.count(slot), factor);
}

void GpuDevice::softcap(float cap, Slot slot) {
  const VulkanBinding values = slots_.change(slot);
  elementwise(ElementOperation::softcap, values, values, slots_.count(slot), cap);
}

void GpuDevice::gated(Activation activation, Slot gate, Slot up) {
  assert(gate != up && slots_.width(gate) == slots_.width(up) && slots_.rows(gate) == slots_.rows(up));
  const VulkanBinding by = slots_.read(up);
  elementwise(activation == Activation::silu ? ElementOperation::gated_silu : ElementOperation::gated_gelu,
              slots_.change(gate), by, slots_.count(gate));
}

void GpuDevice::activate(Activation activation, Slot slot) {
  const VulkanBinding values = slots_.change(slot);
  elementwise(activation == Activation::silu ? ElementOperation::silu : ElementOperation::gelu, values, values,
              slots_.count(slot));
}

void GpuDevice::upload_turns(Rope& rope) {
  if (rope.pass == pass_) return;
  rope.pass = pass_;
  rope.table.prepare(pass_, batch_.position);
  const auto pairs = static_cast<std::size_t>(rope.table.pairs());
  const std::size_t bytes = batch_.size() * pairs * 2 * sizeof(float);
  const VulkanRange to = room(rope.turns, bytes).part(0, bytes);
  const VulkanRange staged = recorder_.stage(bytes);
  for (std::size_t t = 0; t < batch_.size(); ++t) {
    const float* const cosine = rope.table.cosine(static_cast<std::int32_t>(t));
    const float* const sine = rope.table.sine(static_cast<std::int32_t>(t));
    for (std::size_t i = 0; i < pairs; ++i) {
      const float turn[] = {cosine[i], sine[i]};
      std::memcpy(staged.host + (t * pairs + i) * sizeof(turn), turn, sizeof(turn));
    }
  }
  recorder_.copy(staged, to);
}

void GpuDevice::rope(RopeHandle rope, std::int32_t heads, std::int32_t head_dim, Slot slot) {
  Rope& of = ropes_[index_of(rope.id)];
  const std::uint32_t pairs = u32(of.table.pairs());
  assert(slots_.width(slot) == heads * head_dim && 2 * of.table.pairs() <= head_dim);
  const VulkanBinding values = slots_.change(slot);
  if (slots_.width(slot) == 0 || pairs == 0 || batch_.size() == 0) return;
  assert(static_cast<std::size_t>(slots_.rows(slot)) == batch_.size());
  upload_turns(of);
  const VulkanBinding bindings[] = {values, {of.turns.memory.range(), false}};
  const std::uint32_t count = tokens() * u32(heads) * pairs;
  const std::uint32_t push[] = {count, pairs, u32(heads), u32(head_dim),
                                of.table.spec().pairs == RopePairs::halves ? 1U : 0U};
  run("rope", bindings, push, each(count));
}

void GpuDevice::pick(std::span<const std::int32_t> rows, Slot in, Slot out) {
  assert(in != out && slots_.width(out) == slots_.width(in));
  const VulkanBinding from = slots_.read(in);
  const VulkanBinding to = slots_.overwrite(out, static_cast<std::int32_t>(rows.size()));
  if (slots_.count(out) == 0) return;
  recorder_.upload(std::as_bytes(rows), room(picked_rows_, rows.size_bytes()));
  const VulkanBinding bindings[] = {from, to, {picked_rows_.memory.range(), false}};
  const std::uint32_t push[] = {slots_.count(out), u32(slots_.width(out))};
  run("pick", bindings, push, each(slots_.count(out)));
}

}  // namespace covey
