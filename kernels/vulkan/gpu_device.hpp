// The Vulkan device: records operations as dispatches of shaders. See docs/vulkan.md.
#pragma once

#include <array>
#include <cassert>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kernels/cpu/rope_table.hpp"
#include "kernels/device.hpp"
#include "kernels/vulkan/gpu_kv.hpp"
#include "kernels/vulkan/gpu_matrix.hpp"
#include "kernels/vulkan/gpu_slots.hpp"
#include "kernels/vulkan/vulkan_context.hpp"
#include "kernels/vulkan/vulkan_memory.hpp"
#include "kernels/vulkan/vulkan_pipelines.hpp"
#include "kernels/vulkan/vulkan_recorder.hpp"

namespace covey {

class GpuDevice final : public Device {
 public:
  explicit GpuDevice(const VulkanOptions& options);
  ~GpuDevice() override;

  std::string description() const override;
  std::size_t memory_bytes() const override { return memory_.device_bytes(); }
  MatrixCost matrix_cost(MatrixHandle matrix) const override;
  std::vector<OperationTime> take_operation_times() override;

  MatrixHandle add_matrix(const MatrixView& weights, const Packed& packed) override;
  TableHandle add_table(const MatrixView& weights) override;
  VectorHandle add_vector(std::span<const float> values) override;
  RopeHandle add_rope(RopeSpec spec) override;
  ExpertsHandle add_experts(ExpertsSpec spec) override;
  void reserve(std::span<const std::int32_t, kSlotCount> widths, std::int32_t max_rows) override;
  void reserve_kv(const KvLayout& layout) override;

  void begin(const BatchView& batch) override;
  void embed(TableHandle table, float scale, Slot out) override;
  void add_positions(TableHandle table, Slot into) override;
  void norm(const NormSpec& spec, Slot in, Slot out) override;
  void square_sums(Slot in, std::int32_t first, std::int32_t last, Slot sums, std::int32_t column) override;
  void norm_by_sums(Slot sums, std::int32_t column, std::int32_t width, VectorHandle weight, float epsilon,
                    Slot slot) override;
  void matmul(Slot in, MatrixHandle matrix, VectorHandle bias, Slot out) override;
  void matmul_band(Slot in, MatrixHandle matrix, std::int32_t first_row, VectorHandle bias, Slot out) override;
  void add(Slot from, Slot into) override;
  void scale(float factor, Slot slot) override;
  void softcap(float cap, Slot slot) override;
  void rope(RopeHandle rope, std::int32_t heads, std::int32_t head_dim, Slot slot) override;
  void store_kv(std::int32_t layer, Slot k, Slot v) override;
  void attend(std::int32_t layer, const AttendSpec& spec, Slot q, Slot out) override;
  void gated(Activation activation, Slot gate, Slot up) override;
  void activate(Activation activation, Slot slot) override;
  void mix_experts(ExpertsHandle experts, Slot in, Slot router, Slot out) override;
  void pick(std::span<const std::int32_t> rows, Slot in, Slot out) override;

  void copy_kv_block(std::int32_t from, std::int32_t to) override;
  void forget_kv_block(std::int32_t block) override;
  std::span<float> map(Slot slot) override;
  std::span<float> map(Slot slot, std::int32_t rows) override;
  std::span<const float> shortlist(Slot slot, std::int32_t count) override;

 private:
  /// Numbered as shaders/elementwise.comp numbers them.
  enum class ElementOperation : std::uint32_t { add, scale, softcap, silu, gelu, gated_silu, gated_gelu };

  /// Memory that grows when more is asked for; what it held is lost then.
  struct Scratch {
    const char* purpose;
    VulkanMemory::Allocation memory = {};
  };
  struct Rope {
    RopeTable table;
    Scratch turns{"rotary embedding"};  // (tokens, pairs, 2)
    std::uint64_t pass = 0;             // that turns_ are of
  };
  struct Experts {
    ExpertsSpec spec;
    GpuMatrix gate, up, down;  // of all experts, one after the other
  };
  /// Where what shaders know of a batch begins, in words of batch_memory_: positions come first.
  struct BatchWords {
    std::uint32_t places = 0, tables = 0;
  };
  struct Input {
    VulkanBinding binding;
    std::uint32_t columns = 0;  // tokens, or pairs of token and expert
    std::uint32_t rows = 0;     // that are there: the same, or tokens, each read by several pairs
    std::uint64_t version = 0;  // of the slot's values; 0: no slot
  };
  /// A copy of a product's input in another type.
  struct Prepared {
    Scratch memory;
    std::uint64_t version = 0;  // of the slot's values that it was made of
  };
  struct Quantized {
    VulkanBinding binding;
    std::uint32_t scales_at = 0;
  };
  struct Halved {
    VulkanBinding binding, units;
    std::uint32_t padded = 0;
  };
  /// How a product is computed: shaders matmul_decode, with INTEGER_DOT, matmul_prefill, matmul_cooperative.
  enum class Way : std::uint8_t { floats, integer_dot, tiles, cooperative };
  struct Routed {
    VulkanBinding routes;
    std::uint32_t matrix_words = 0;  // of one expert
    std::uint32_t first = 0;         // pair
    std::uint32_t in_share = 1;      // pairs that read one row of the input
    std::uint32_t first_in = 0;      // row of the input
  };

  static std::size_t index_of(std::int32_t id) {
    assert(id >= 0);
    return static_cast<std::size_t>(id);
  }
  std::uint32_t tokens() const { return static_cast<std::uint32_t>(batch_.size()); }

  const VulkanRange& room(Scratch& scratch, std::size_t bytes);
  void run(std::string_view shader, std::span<const VulkanBinding> bindings, std::span<const std::uint32_t> push,
           VulkanGrid grid, std::span<const std::uint32_t> constants = {});
  /// An invocation for each of `count` values.
  static VulkanGrid each(std::uint32_t count) { return {(count + 63) / 64, 1}; }
  void elementwise(ElementOperation operation, const VulkanBinding& into, const VulkanBinding& from,
                   std::uint32_t count, float factor = 0.0F);
  /// Decodes rows of a table into a slot: `scale` times these, or added to what is there.
  void look_up(TableHandle table, std::span<const std::int32_t> rows, float scale, bool added,
               const VulkanBinding& out);
  void multiply(const GpuMatrix& matrix, const Input& in, const VulkanRange* bias, const VulkanBinding& out,
                const Routed* routed);
  /// `shape`: what all shaders of products are told first; `first`: weights, input, output, bias.
  void multiply_few(const GpuMatrix& matrix, std::span<const std::uint32_t, 8> shape,
                    std::array<VulkanBinding, 4> first, const Input& in, const Routed* routed, Way way);
  Way way_of(const GpuMatrix& matrix, const Input& in, bool routed) const;
  std::string cooperative_name(const std::string& format) const;
  static bool is_prepared(Prepared& prepared, const Input& in);
  Quantized quantize(const Input& in, std::uint32_t cols);
  Halved halve(const Input& in, std::uint32_t cols);
  /// The variant of a shader that adds up over lanes as this device does best.
  std::string for_lanes(std::string shader) const {
    return context_.features().subgroups ? shader + "_subgroups" : std::move(shader);
  }
  GpuMatrix lay_together(const std::vector<MatrixHandle>& experts);
  void upload_turns(Rope& rope);
  /// What was recorded is done; good until the next call.
  std::span<const float> download(const VulkanRange& from);

  VulkanContext context_;
  VulkanMemory memory_;
  VulkanPipelines pipelines_;
  VulkanRecorder recorder_;
  GpuSlots slots_;
  GpuKv kv_;

  std::vector<GpuMatrix> matrices_;
  std::vector<MatrixView> tables_;
  std::vector<VulkanMemory::Allocation> vectors_;
  std::vector<std::size_t> vector_sizes_;
  std::vector<Rope> ropes_;
  std::vector<Experts> experts_;
  Scratch batch_memory_{"the batch"};
  Scratch gathered_{"embedded rows"};
  Scratch picked_rows_{"the numbers of rows"};
  Scratch spans_{"attention"};
  Scratch routes_{"the routes to experts"};
  Prepared quantized_{{"activations in int8"}};
  Prepared halved_{{"activations in fp16"}};
  Scratch units_{"activations in fp16"};
  Scratch shortlists_[2] = {{"the likeliest tokens"}, {"the likeliest tokens"}};  // of a round, and of the next
  VulkanMemory::Allocation downloaded_;
  Scratch hidden_{"experts"}, hidden_up_{"experts"}, made_{"experts"};

  BatchView batch_;
  BatchWords words_;
  std::uint64_t pass_ = 0;
};

}  // namespace covey
