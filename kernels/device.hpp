// The seam between the model and the machine that computes it.
//
// A Device owns weights in the layout its kernels like, activations in numbered slots, and the storage of the KV cache.
// The model names slots and handles; it never sees a format or an instruction set. Operations are recorded in order and
// have happened when map() returns; a device may run them earlier.
//
// Reproducibility: on one device with a given instruction set, what is computed for a token depends only on that
// token's own sequence: never on which other tokens share its batch, nor on the number of threads. The single exception
// is BatchView::prompt, which lets a device use a product whose rounding depends on the shape of the batch.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "kernels/shortlist.hpp"
#include "third_party_free_formats/tensor_type.hpp"

namespace covey {

/// Activation buffers, each (rows, width) of F32, row-major. `width` is fixed by Device::reserve, `rows` by the
/// operation that writes the slot.
enum class Slot : std::uint8_t {
  residual,  ///< (tokens, n_embd)       the residual stream
  normed,    ///< (tokens, n_embd)       its normalised copy, input of matrices
  q,         ///< (tokens, heads * head_dim)
  k,         ///< (tokens, kv_heads * head_dim)
  v,         ///< (tokens, kv_heads * head_dim)
  heads,     ///< (tokens, heads * head_dim)   attention output, before its projection
  gate,      ///< (tokens, n_ff)
  up,        ///< (tokens, n_ff)
  partial,   ///< (tokens, n_embd)       output of a projection, summed over parts before it joins the residual
  picked,    ///< (picked, n_embd)       rows whose logits are wanted
  logits,    ///< (picked, n_vocab)
  router,    ///< (tokens, experts)      how well each expert suits each token
  routed,    ///< (rows, n_embd)         the tokens of one expert
  expert,    ///< (rows, n_embd)         what it makes of them
  squares,   ///< (tokens, 2)            sums of squares, summed over parts before they norm q and k;
             ///< (tokens, bands)        or of the bands of the residual stream
  band,      ///< (tokens, n_embd / bands)   neighbouring columns of `partial`, on their way while others are computed
  logits_band,  ///< (picked, a part's share of n_vocab)
};
inline constexpr std::size_t kSlotCount = 17;

/// Whether a slot is for few rows, which are long: it has no memory before it is written, and then as much as it needs.
constexpr bool grows(Slot slot) { return slot == Slot::logits || slot == Slot::logits_band; }

/// Neighbouring columns of a slot: [first, last).
struct Band {
  std::int32_t first;
  std::int32_t last;
};

/// A band of a matrix' rows begins at a multiple of so many.
inline constexpr std::int32_t kBandRows = 64;

/// Weights as they lie in a file: `rows` rows of `cols` elements of `type`; a row starts every `row_stride` bytes.
/// `cols` is a whole number of the type's blocks. A slice of a larger matrix is a view with an offset and a longer
/// stride.
struct MatrixView {
  const std::byte* data = nullptr;
  TensorType type = TensorType::f32;
  std::int64_t rows = 0;
  std::int64_t cols = 0;
  std::size_t row_stride = 0;
  std::int64_t column_band = 0;  ///< products may come with so many of the columns at a time; 0: with all
};

// Handles into a device; -1 is "none", allowed only where an operation says so.
struct MatrixHandle {
  std::int32_t id = -1;
  explicit operator bool() const { return id >= 0; }
};
struct TableHandle {
  std::int32_t id = -1;
  explicit operator bool() const { return id >= 0; }
};
struct VectorHandle {
  std::int32_t id = -1;
  explicit operator bool() const { return id >= 0; }
};
struct RopeHandle {
  std::int32_t id = -1;
  explicit operator bool() const { return id >= 0; }
};
struct ExpertsHandle {
  std::int32_t id = -1;
  explicit operator bool() const { return id >= 0; }
};

enum class NormKind : std::uint8_t {
  rms,    ///< x / sqrt(mean of x^2 + epsilon) * weight
  layer,  ///< (x - mean) / sqrt(variance + epsilon) * weight + bias
};
enum class Activation : std::uint8_t {
  silu,  ///< x / (1 + exp(-x))
  gelu,  ///< x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3)))
};

struct NormSpec {
  NormKind kind = NormKind::rms;
  VectorHandle weight;  ///< as long as a group, or as a row
  VectorHandle bias;    ///< NormKind::layer only; may be none
  float epsilon = 1e-5F;
  std::int32_t groups = 1;  ///< equal parts of a row, each normed by itself
};

/// How rotary embedding pairs the dimensions of a head.
enum class RopePairs : std::uint8_t {
  adjacent,  ///< (0,1), (2,3), …      llama's GGUF convention
  halves,    ///< (0,d/2), (1,d/2+1), …  NeoX
};

/// Rotary position embedding: pair i of a head turns by position * inverse_frequency[i]; both components are multiplied
/// by `magnitude`. Dimensions from 2 * inverse_frequency.size() on stay as they are.
struct RopeSpec {
  RopePairs pairs = RopePairs::adjacent;
  std::vector<float> inverse_frequency;
  float magnitude = 1.0F;
};

/// Shape of one attention operation. Query head h reads KV head (first_query + h) / group.
struct AttendSpec {
  std::int32_t heads = 0;
  std::int32_t kv_heads = 0;
  std::int32_t head_dim = 0;
  std::int32_t group = 1;        ///< query heads per KV head in the whole model
  std::int32_t first_query = 0;  ///< this shard's first query head, counted from the first query of its first KV head
  float scale = 1.0F;            ///< multiplies q . k
  float softcap = 0.0F;          ///< above 0: scores become softcap * tanh(score / softcap)
  std::int32_t window = 0;       ///< above 0: a token sees so many positions, its own the last of them
};

/// A mixture of experts: feed-forward networks of which each token runs a few.
struct ExpertsSpec {
  std::vector<MatrixHandle> gate, up, down;  ///< of each expert
  Activation activation = Activation::silu;
  std::int32_t used = 0;   ///< experts that a token runs
  bool normalise = false;  ///< whether their weights are made to add up to 1
};

/// Two products of the same input, of which one becomes the gate of the other, and who reads what comes out.
struct GatedProducts {
  MatrixHandle gate, up;
  Activation activation = Activation::silu;
  MatrixHandle reader;
};

enum class KvType : std::uint8_t { f32, f16, q8_0 };

/// Storage of the KV cache: `blocks` blocks of `block_tokens` tokens, in every layer.
struct KvLayout {
  std::int32_t layers = 0;
  std::int32_t kv_heads = 0;
  std::int32_t head_dim = 0;  ///< a multiple of 32 for KvType::q8_0
  std::int32_t blocks = 0;
  std::int32_t block_tokens = 0;
  KvType type = KvType::f32;
  std::int32_t window_layers = 0;  ///< so many of the layers, the last ones, can forget a block before the others
};

/// Bytes that one block of all layers takes.
std::size_t kv_block_bytes(const KvLayout& layout);

/// The tokens of one forward pass. Token t belongs to sequence `sequence[t]`, stands at `position[t]`, and its keys and
/// values go to cache place `place[t]` (= block * block_tokens + offset). It sees positions 0..position[t] of its
/// sequence, found through `block_tables[sequence[t]]` (block of position p: entry p / block_tokens). Sequences may
/// share blocks. Spans must stay valid until the next begin().
struct BatchView {
  std::span<const std::int32_t> token;     // (tokens)
  std::span<const std::int32_t> position;  // (tokens)
  std::span<const std::int32_t> sequence;  // (tokens) index into block_tables
  std::span<const std::int32_t> place;     // (tokens)
  std::span<const std::span<const std::int32_t>> block_tables;
  /// All tokens are one piece of one prompt, cut where it always would be: faster, shape-dependent products are
  /// allowed.
  bool prompt = false;

  std::size_t size() const { return token.size(); }
};

/// The least that a pass costs for the matrices it multiplies with.
struct MatrixCost {
  std::uint64_t int8_weights = 0;   ///< multiply-adds a token in int8
  std::uint64_t float_weights = 0;  ///< multiply-adds a token in F32
  std::uint64_t bytes = 0;          ///< read once in a pass, packed as they are

  MatrixCost& operator+=(const MatrixCost& other) {
    int8_weights += other.int8_weights;
    float_weights += other.float_weights;
    bytes += other.bytes;
    return *this;
  }
  /// `part` of `whole` equal parts.
  MatrixCost share(std::int32_t part, std::int32_t whole) const {
    const auto of = [&](std::uint64_t all) {
      return all / static_cast<std::uint64_t>(whole) * static_cast<std::uint64_t>(part);
    };
    return {of(int8_weights), of(float_weights), of(bytes)};
  }
  bool operator==(const MatrixCost&) const = default;
};

/// What operations of one kind took by the device's own clock.
struct OperationTime {
  std::string operation;  ///< "products", "attention", …
  double seconds = 0;
  std::uint64_t count = 0;
};

/// Setup functions throw covey::Error; operations assert their preconditions and do not fail.
class Device {
 public:
  virtual ~Device() = default;

  /// For people: "cpu avx2, 2 threads".
  virtual std::string description() const = 0;
  /// Bytes of weights, activations and KV cache held now (not counting memory-mapped files).
  virtual std::size_t memory_bytes() const = 0;
  virtual MatrixCost matrix_cost(MatrixHandle matrix) const = 0;
  /// What operations have taken since this was last asked, of those that have happened; nothing where no clock but the
  /// host's measures them.
  virtual std::vector<OperationTime> take_operation_times() { return {}; }

  // -- Setup ----------------------------------------------------------------------------------------------------------

  /// Packs a matrix. `packed`, if given, is called on this thread as it goes on, with bytes of the view, in their
  /// order, that are done with; the view may be invalid afterwards (but see CpuOptions::repack). Throws Error for a
  /// type without kernels here.
  using Packed = std::function<void(std::span<const std::byte>)>;
  virtual MatrixHandle add_matrix(const MatrixView& weights, const Packed& packed = {}) = 0;
  /// A matrix like `weights` that is not there yet: it may be used between fill_matrix(), which packs it, and
  /// empty_matrix(), after which its memory serves the next that is filled. These two may be called from another thread
  /// while the device computes with other matrices, but are not to overlap with each other. Throws Error where the
  /// device has no such matrices.
  virtual MatrixHandle declare_matrix(const MatrixView& weights);
  virtual void fill_matrix(MatrixHandle matrix, const MatrixView& weights, const Packed& packed);
  virtual void empty_matrix(MatrixHandle matrix);
  /// A matrix whose rows are looked up by token. The view must outlive the device (it is read in place).
  virtual TableHandle add_table(const MatrixView& weights) = 0;
  virtual VectorHandle add_vector(std::span<const float> values) = 0;
  virtual RopeHandle add_rope(RopeSpec spec) = 0;
  virtual ExpertsHandle add_experts(ExpertsSpec spec) = 0;
  /// Allocates slots of the given widths (0: slot unused) for up to `max_rows` rows, except those that grow.
  virtual void reserve(std::span<const std::int32_t, kSlotCount> widths, std::int32_t max_rows) = 0;
  virtual void reserve_kv(const KvLayout& layout) = 0;

  // -- One forward pass -----------------------------------------------------------------------------------------------

  virtual void begin(const BatchView& batch) = 0;

  /// out[t] = scale * table[token[t]]
  virtual void embed(TableHandle table, float scale, Slot out) = 0;
  /// into[t] += table[position[t]]
  virtual void add_positions(TableHandle table, Slot into) = 0;
  /// out = norm(in), row by row; `out` may be `in`.
  virtual void norm(const NormSpec& spec, Slot in, Slot out) = 0;
  /// sums[t][column] = sum of the squares of in[t][first .. last), for a norm over more than this part has.
  virtual void square_sums(Slot in, std::int32_t first, std::int32_t last, Slot sums, std::int32_t column) = 0;
  /// NormKind::rms in place, of rows of `width` values in all parts, whose squares add up to sums[t][column].
  virtual void norm_by_sums(Slot sums, std::int32_t column, std::int32_t width, VectorHandle weight, float epsilon,
                            Slot slot) = 0;
  /// out = in * matrix^T (+ bias, unless it is none). A matrix of no rows leaves `out` empty.
  virtual void matmul(Slot in, MatrixHandle matrix, VectorHandle bias, Slot out) = 0;
  /// The same with as many of the matrix' rows (and biases) as `out` is wide, from `first_row` on, a multiple of
  /// kBandRows: some columns of what matmul() gives, with its bits unless BatchView::prompt.
  virtual void matmul_band(Slot in, MatrixHandle matrix, std::int32_t first_row, VectorHandle bias, Slot out) = 0;

  // An RMS norm whose rows come band by band, from the left to the right, and products that begin before the last has
  // come: the norm is a factor of a row, which can as well multiply what the products give.
  //
  //   bands of x arrive   ->   x * weight   ->   products of these columns, added up   ->   / root of the mean of x^2
  //
  // Only on devices that say so, of a matrix that they say it of; else these throw Error.

  /// Whether matmul_columns() takes bands as wide as MatrixView::column_band, with the bits of one product.
  virtual bool multiplies_columns(MatrixHandle matrix) const;
  /// into[t][first + i] += values[t][i], (tokens, a band's width), of the host.
  virtual void add_columns(std::span<const float> values, std::int32_t first, Slot into);
  /// Of a band's columns: out = in * weight; and sums[t][column] = the sum of the squares of `in`.
  virtual void weigh_columns(VectorHandle weight, Slot in, const Band& columns, Slot out, Slot sums,
                             std::int32_t column);
  /// out += in * matrix^T, of a band or several of columns only; the first are not added to what was there.
  virtual void matmul_columns(Slot in, MatrixHandle matrix, const Band& columns, Slot out);
  /// slot = slot / sqrt(sum of sums[t] / width + epsilon) (+ bias, unless it is none)
  virtual void divide_by_norm(Slot sums, std::int32_t width, float epsilon, VectorHandle bias, Slot slot);

  /// into += from
  virtual void add(Slot from, Slot into) = 0;
  /// into += from, then out = norm(into), for products with `readers` alone if there are any: a device keeps no more of
  /// it than these read.
  virtual void add_norm(Slot from, Slot into, const NormSpec& spec, std::span<const MatrixHandle> readers, Slot out);
  /// slot *= factor
  virtual void scale(float factor, Slot slot) = 0;
  /// slot = cap * tanh(slot / cap)
  virtual void softcap(float cap, Slot slot) = 0;
  /// Turns each head of `slot` in place by its token's position.
  virtual void rope(RopeHandle rope, std::int32_t heads, std::int32_t head_dim, Slot slot) = 0;
  /// Puts each token's keys and values in the cache.
  virtual void store_kv(std::int32_t layer, Slot k, Slot v) = 0;
  /// out[t,h] = softmax(scale * q[t,h] . K) V over the positions token t sees; see AttendSpec for variants.
  virtual void attend(std::int32_t layer, const AttendSpec& spec, Slot q, Slot out) = 0;
  /// gate = activation(gate) * up
  virtual void gated(Activation activation, Slot gate, Slot up) = 0;
  /// gate = activation(in * products.gate^T) * (in * products.up^T), with the bits of two products and gated(), for
  /// products with `products.reader` alone: a device keeps no more of it than these read, and nothing in `up`.
  virtual void gated_products(const GatedProducts& products, Slot in, Slot gate, Slot up);
  /// slot = activation(slot)
  virtual void activate(Activation activation, Slot slot) = 0;
  /// The experts of highest softmax(router[t]) (the first of equals), weighted by it:
  /// out[t] = sum of weight * down(activation(gate(in[t])) * up(in[t])), in order of the experts. Overwrites `router`
  /// and the slots gate, up, routed and expert.
  virtual void mix_experts(ExpertsHandle experts, Slot in, Slot router, Slot out) = 0;
  /// out[i] = in[rows[i]]
  virtual void pick(std::span<const std::int32_t> rows, Slot in, Slot out) = 0;

  /// Copies one block of every layer (copy-on-write of the paged cache). Allowed between passes.
  virtual void copy_kv_block(std::int32_t from, std::int32_t to) = 0;
  /// What window layers hold of a block will not be read before it is written again: its memory may serve others.
  virtual void forget_kv_block(std::int32_t block) = 0;

  // -- Host access ----------------------------------------------------------------------------------------------------

  /// Completes what was recorded and gives the slot's rows to the host, (rows, width), to read and to write. The view
  /// lasts until the next operation on the device.
  virtual std::span<float> map(Slot slot) = 0;
  /// The same for a slot about to be filled by the host with `rows` rows.
  virtual std::span<float> map(Slot slot, std::int32_t rows) = 0;
  /// Completes what was recorded and gives the likeliest of each row of logits in `slot`, (rows,
  /// shortlist_width(count)): see kernels/shortlist.hpp. `count` is at least 1, at most kMostShortlisted and the slot's
  /// width, and that at most kMostShortlistedFrom. The view lasts until the next operation on the device.
  virtual std::span<const float> shortlist(Slot slot, std::int32_t count) = 0;
};

struct CpuOptions {
  /// 0: all cores this process may run on.
  int threads = 0;
  /// Instruction set by name ("scalar", "avx2", "avx512vnni", "amx", "neon", "neon_dotprod", "neon_i8mm"); empty:
  /// $COVEY_ISA, else the best that runs here.
  std::string isa;
  /// Use OpenBLAS, where it was built in, for large products of float weights.
  bool blas = true;
  /// Keep weights in the layout that kernels like best. Otherwise they are read where they lie, which must then outlive
  /// the device, and packed for every use: slow, but nothing is kept twice, and there is nothing to do at load.
  bool repack = true;
  /// Decode quantized matrices to F32 at load and compute in F32: exact, slow and large. For tests of accuracy.
  bool exact = false;
};

/// Throws Error if `options.isa` is unknown or does not run here.
std::unique_ptr<Device> make_cpu_device(const CpuOptions& options);

}  // namespace covey
