// The CPU device: puts pool, packed weights, activations and KV cache together. Numbers are made by the instruction
// set's table.
#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "kernels/cpu/activations.hpp"
#include "kernels/cpu/blas_product.hpp"
#include "kernels/cpu/cpu_attention.hpp"
#include "kernels/cpu/declared_matrices.hpp"
#include "kernels/cpu/expert_routes.hpp"
#include "kernels/cpu/isa.hpp"
#include "kernels/cpu/kv_store.hpp"
#include "kernels/cpu/packed_matrix.hpp"
#include "kernels/cpu/rope_table.hpp"
#include "kernels/cpu/thread_pool.hpp"
#include "kernels/device.hpp"

namespace covey {

class CpuDevice final : public Device {
 public:
  explicit CpuDevice(const CpuOptions& options);

  std::string description() const override;
  std::size_t memory_bytes() const override;
  MatrixCost matrix_cost(MatrixHandle matrix) const override;

  MatrixHandle add_matrix(const MatrixView& weights, const Packed& packed) override;
  MatrixHandle declare_matrix(const MatrixView& weights) override;
  void fill_matrix(MatrixHandle matrix, const MatrixView& weights, const Packed& packed) override;
  void empty_matrix(MatrixHandle matrix) override;
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
  bool multiplies_columns(MatrixHandle matrix) const override;
  void add_columns(std::span<const float> values, std::int32_t first, Slot into) override;
  void weigh_columns(VectorHandle weight, Slot in, const Band& columns, Slot out, Slot sums,
                     std::int32_t column) override;
  void matmul_columns(Slot in, MatrixHandle matrix, const Band& columns, Slot out) override;
  void divide_by_norm(Slot sums, std::int32_t width, float epsilon, VectorHandle bias, Slot slot) override;
  void add(Slot from, Slot into) override;
  void add_norm(Slot from, Slot into, const NormSpec& spec, std::span<const MatrixHandle> readers, Slot out) override;
  void scale(float factor, Slot slot) override;
  void softcap(float cap, Slot slot) override;
  void rope(RopeHandle rope, std::int32_t heads, std::int32_t head_dim, Slot slot) override;
  void store_kv(std::int32_t layer, Slot k, Slot v) override;
  void attend(std::int32_t layer, const AttendSpec& spec, Slot q, Slot out) override;
  void gated(Activation activation, Slot gate, Slot up) override;
  void gated_products(const GatedProducts& products, Slot in, Slot gate, Slot up) override;
  void activate(Activation activation, Slot slot) override;
  void mix_experts(ExpertsHandle experts, Slot in, Slot router, Slot out) override;
  void pick(std::span<const std::int32_t> rows, Slot in, Slot out) override;

  void copy_kv_block(std::int32_t from, std::int32_t to) override;
  void forget_kv_block(std::int32_t block) override;
  std::span<float> map(Slot slot) override;
  std::span<float> map(Slot slot, std::int32_t rows) override;
  std::span<const float> shortlist(Slot slot, std::int32_t count) override;

 private:
  struct Table {
    const Format* format;
    MatrixView weights;
  };

  // What a nanosecond does, for the size of chunks only.
  static constexpr std::int64_t kElementsPerNanosecond = 4;
  static constexpr std::int64_t kExponentialsPerNanosecond = 1;
  static constexpr std::int64_t kNanosecondsPerLogit = 8;

  static std::size_t index_of(std::int32_t id) {
    assert(id >= 0);
    return static_cast<std::size_t>(id);
  }

  /// body(row) for every row, on the pool; `cost` is one row's, about, in nanoseconds.
  template <class Body>
  void each_row(std::int32_t rows, std::int64_t cost, const Body& body) {
    pool_.parallel_for(rows, ThreadPool::chunks(cost), [&](std::int64_t begin, std::int64_t end, int) noexcept {
      for (std::int64_t row = begin; row < end; ++row) body(row);
    });
  }
  /// f(values, width) for every row of a slot, in place.
  template <class F>
  void change_rows(Slot slot, std::int64_t per_nanosecond, const F& f) {
    const std::int64_t width = activations_.width(slot);
    activations_.change(slot);
    each_row(activations_.rows(slot), width / per_nanosecond,
             [&](std::int64_t t) { f(activations_.row(slot, t), width); });
  }
  const std::vector<float>& vector(VectorHandle handle) const;
  /// A slot as the input of products with `kind` of its first `columns`; quantizes those whose int8 copy is not there.
  ProductInput product_input(Slot slot, ActivationKind kind, std::int64_t columns);
  /// What all these matrices read, if they read int8, and the same.
  std::optional<ActivationKind> int8_kind_of(std::span<const MatrixHandle> readers) const;
  void check_norm(const NormSpec& spec, std::int64_t width) const;
  void norm_row(const NormSpec& spec, const float* in, std::int64_t width, float* out) const noexcept;
  /// Of row `t` of `rows` rows: `count` values, from column `first` on, to its copy.
  void quantize_part(const Activations::Int8Copy& copy, ActivationKind kind, std::int64_t rows, std::int64_t t,
                     std::int64_t first, std::int64_t count, const float* values) const noexcept;
  /// Whether gated_products() goes row by row of the matrices for so many tokens.
  bool multiplies_gated(const GatedProducts& products, std::int32_t tokens) const;
  /// A slot for the product of `in` with the matrix.
  float* overwrite_for(const PackedMatrix& matrix, Slot in, Slot out);
  /// The matrix that is probably multiplied after this one, whose turn it is.
  const PackedMatrix* next_after(std::size_t matrix);
  /// Where a layer's keys and values are, and its number there.
  std::pair<KvStore&, std::int32_t> store_of(std::int32_t layer);
  /// Once slots and KV cache are both known.
  void reserve_attention();

  const CpuOptions options_;
  const IsaTable& isa_;
  ThreadPool pool_;
  BlasProduct blas_;

  std::vector<PackedMatrix> matrices_;
  std::vector<std::size_t> followers_;  // of each matrix, the one multiplied after it the last time
  std::size_t last_product_ = 0;
  DeclaredMatrices declared_;
  PanelScratch scratch_;
  std::vector<Table> tables_;
  std::vector<std::vector<float>> vectors_;
  std::vector<RopeTable> ropes_;
  std::vector<ExpertsSpec> experts_;
  ExpertRoutes routes_;
  Activations activations_;
  KvStore kv_;         // of layers that keep all blocks
  KvStore window_kv_;  // of those after them
  CpuAttention attention_;
  std::vector<float> shortlists_;  // (rows, shortlist_width)

  BatchView batch_;
  std::uint64_t pass_ = 0;
};

}  // namespace covey
