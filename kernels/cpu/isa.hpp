// What an instruction set provides to the CPU device: one table of function pointers, filled by one file
// (isa/<name>.cpp), which instantiates the shared kernel templates with its primitives.
//
// Only the tables are exported. Best first, the first that runs here wins; COVEY_ISA or CpuOptions::isa forces one.
//
// Contract of all functions: noexcept, no allocation, no threads, no alignment asked of pointers, any n >= 0 (tails are
// handled), outputs never overlap inputs unless the parameter is said to be in place.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "kernels/device.hpp"
#include "kernels/quant/format_list.hpp"

namespace covey {

/// Rows of a matrix that are packed, and computed, together: SIMD lanes are rows.
inline constexpr int kPanelRows = 16;

/// Activations are quantized to int8 in blocks of this many columns,
inline constexpr int kActivationBlock = 32;

/// or of this many, for formats whose scales are integers with a common unit for as many weights.
inline constexpr int kWideActivationBlock = 256;

/// Tokens whose activations lie interleaved, so that a kernel finds the same columns of all of them close together.
inline constexpr int kTokenGroup = 16;

/// x[i] ~ scale * q[i]. The sums correct for weights that are stored with an offset, or that have a minimum.
///
///   | f32 scale | f32 scaled_sum | i32 negative_sum | 4 bytes | q0 q1 … q31 (int8, -127..127) |             48 bytes
struct ActivationBlock {
  float scale;
  float scaled_sum;           ///< scale * sum of q
  std::int32_t negative_sum;  ///< -(sum of q)
  std::int32_t unused;
  std::int8_t q[kActivationBlock];
};
static_assert(sizeof(ActivationBlock) == 48);

/// The same with one scale for 256 columns: products with weights whose scales are integers then add up to one integer.
/// The sums are of pieces p of 32 columns, or of half pieces. Values begin on whole cache lines.
///
///   | q0 q1 … q255 (int8, -127..127) | i32 negative_sums[8] | i32 negative_first_sums[8] | i16 half_sums[16] |
///   | i16 sums[8] | f32 scale | 12 bytes |                                                              384 bytes
struct WideActivationBlock {
  static constexpr int kPieces = kWideActivationBlock / kActivationBlock;

  std::int8_t q[kWideActivationBlock];
  std::int32_t negative_sums[kPieces];        ///< -(sum of q[32 p .. 32 p + 31])
  std::int32_t negative_first_sums[kPieces];  ///< -(sum of q[32 p .. 32 p + 15])
  std::int16_t half_sums[2 * kPieces];        ///< sum of q[16 h .. 16 h + 15]
  std::int16_t sums[kPieces];
  float scale;
  float unused[3];
};
static_assert(sizeof(WideActivationBlock) == 384);

/// What a format's product reads: rows of F32, ActivationBlocks, or WideActivationBlocks.
///
/// Blocks of many tokens lie in groups of kTokenGroup tokens (the last group may be smaller), one after the other; in a
/// group, block b of all its tokens comes before block b + 1: (groups, blocks, tokens of the group). So the group that
/// begins with token t begins t * blocks * (bytes of a block) from the first. A column takes as many bytes of either.
enum class ActivationKind : std::uint8_t { f32, int8, wide_int8 };
static_assert(sizeof(WideActivationBlock) == WideActivationBlock::kPieces * sizeof(ActivationBlock));

/// Columns of a block; of F32 there are none.
constexpr int activation_block(ActivationKind kind) {
  return kind == ActivationKind::wide_int8 ? kWideActivationBlock : kActivationBlock;
}

/// Panels that a product reads side by side, at most. Each is a sequence of its own, and memory serves several
/// sequences faster than one: a processor fetches ahead in each of them.
inline constexpr std::int32_t kMostPanels = 4;

/// Panels of one matrix, at equal distances. Their columns come in bands, of all panels one band after the other.
struct Panels {
  const std::byte* first;
  std::int64_t band_cols;  ///< of a band
  std::size_t band_step;   ///< bytes from one to the next
  std::size_t step;        ///< bytes from one to the next
  std::ptrdiff_t then;   ///< bytes from the first to that of the panels that will probably be read after these columns
  std::size_t out_step;  ///< outputs from the first row of one to the first of the next
  std::int32_t count;    ///< 1..kMostPanels
  std::int32_t rows;     ///< of each: kPanelRows, or fewer if count is 1

  /// Where the first has the columns from `column` on, a block boundary of a format with so many bytes a block.
  [[gnu::always_inline]] const std::byte* at(std::int64_t column, std::int64_t block_elements,
                                             std::ptrdiff_t block_bytes) const noexcept {
    const std::int64_t band = column / band_cols;
    return first + static_cast<std::size_t>(band) * band_step +
           (column - band * band_cols) / block_elements * block_bytes;
  }
};

/// Columns of a matrix, in whole bands. Sums over them go on from those over the columns before: from what is in the
/// output, unless `first` is 0.
struct ColumnRange {
  std::int64_t first;
  std::int64_t last;
};

/// out[t * out_stride + p * panels.out_step + r] = dot(row r of panel p, in row t), for r < panels.rows and t < tokens.
/// `in` points to F32 rows, one every `in_stride` bytes, or to the first of groups of blocks. Each output is
/// computed in the same order of operations whatever `tokens` and the other panels are; from int8, whatever pieces the
/// columns come in, too. From F32 they come in one.
using PanelMatmul = void (*)(const Panels& panels, const ColumnRange& cols, const std::byte* in, std::size_t in_stride,
                             std::int32_t tokens, float* out, std::size_t out_stride) noexcept;

/// Keys are cached in tiles of so many tokens.
inline constexpr std::int32_t kKeyTileTokens = 16;

/// Queries that pass over a run together, at most.
inline constexpr std::int32_t kMostAttendQueries = 64;

/// Positions whose scores lie side by side for a tile of queries.
inline constexpr std::int32_t kAttendGroup = 32;

/// Rows of cached values, and of their weighted sums, are filled up with zeros to whole lanes.
constexpr std::int32_t padded_head_dim(std::int32_t head_dim) { return (head_dim + 15) / 16 * 16; }

/// Positions whose keys, or values, are widened to F32 at a time: 32 KiB of them, which stay in a first-level cache
/// while queries pass over them, or would soon be back there; for few, each tile's sums would be loaded and stored too
/// often.
constexpr std::int32_t attend_piece(std::int32_t head_dim) {
  constexpr std::int32_t kPieceFloats = 8192;
  const std::int32_t groups = kPieceFloats / (padded_head_dim(head_dim) * kAttendGroup);
  return (groups > 0 ? groups : 1) * kAttendGroup;
}

/// What AttendRun works in, for runs of up to `tokens` positions: a piece, and all scores; or fewer scores, and what
/// tiles hold, from whole lines on.
constexpr std::size_t attend_scratch_floats(std::int32_t head_dim, std::int32_t tokens) {
  constexpr std::size_t kTileFloats = 256;
  const auto width = static_cast<std::size_t>(padded_head_dim(head_dim));
  const std::size_t groups = static_cast<std::size_t>(tokens + kAttendGroup - 1) / kAttendGroup;
  const std::size_t stride = groups * kAttendGroup;
  return static_cast<std::size_t>(attend_piece(head_dim)) * width + std::size_t{kMostAttendQueries} * stride +
         5 * kTileFloats;
}

/// How far a block of the cache lies behind the first, for one head of one layer: 2^log2_group blocks, a group, are one
/// after the other.
struct KvSteps {
  std::size_t block;  ///< bytes
  std::size_t group;
  std::int32_t log2_group;

  std::size_t to(std::int32_t number) const noexcept {
    const std::int32_t in_group = number & ((1 << log2_group) - 1);
    return static_cast<std::size_t>(number >> log2_group) * group + static_cast<std::size_t>(in_group) * block;
  }
};

/// Consecutive positions of one KV head in the cache: entry i of `blocks` has positions i * block_tokens to
/// (i + 1) * block_tokens of the run. The keys of a block, in tiles, begin at keys(i), its values, in rows, `to_values`
/// bytes behind them.
struct KvRun {
  const std::byte* first_keys;
  KvSteps steps;
  std::size_t to_values;
  const std::int32_t* blocks;
  std::int32_t block_tokens;
  // What the thread will read next, worth fetching before the run ends: blocks as above.
  const std::byte* then_keys;
  std::span<const std::int32_t> then_blocks;  ///< at least one

  const std::byte* keys(std::int32_t i) const noexcept { return first_keys + steps.to(blocks[i]); }
  const std::byte* then(std::size_t i) const noexcept { return then_keys + steps.to(then_blocks[i]); }
};

/// What attention makes of a run for some query heads, and of several runs in order: for each the maximum of its
/// scores, the sum of exp(score - maximum), and the values' sum weighted by the same.
struct AttendSums {
  float* maximum;   // (queries)
  float* sum;       // (queries)
  float* weighted;  // (queries, dimensions)
};

/// A query over the positions first .. tokens of a run, at least one, and where its sums go.
struct AttendQuery {
  const float* q;  // (head_dim)
  std::int32_t tokens;
  float* maximum;   // 1
  float* sum;       // 1
  float* weighted;  // (padded_head_dim)
  std::int32_t first = 0;
};

/// What becomes of q . k: scale times it, then, unless softcap is 0, softcap * tanh(that / softcap).
struct ScoreRule {
  float scale;
  float softcap = 0.0F;
};

/// The sums of up to kMostAttendQueries queries over a run. What is computed for one does not depend on the others, nor
/// on what the cache holds where it does not look. `scratch` has attend_scratch_floats().
using AttendRun = void (*)(const KvRun& run, std::int32_t head_dim, const ScoreRule& rule, const AttendQuery* queries,
                           std::int32_t count, float* scratch) noexcept;

/// Joins the sums over a run (rows of padded_head_dim) to those over all before it (rows of head_dim), which begin as
/// -inf, 0, 0, or as those over the first. After the last, attention is weighted / sum.
using JoinSums = void (*)(std::int32_t queries, std::int32_t head_dim, const AttendSums& run,
                          const AttendSums& before) noexcept;

/// Writes head_dim floats as the keys of one token, lane `lane` of a tile.
using StoreKey = void (*)(const float* in, std::int32_t head_dim, std::byte* tile, std::int32_t lane) noexcept;
/// Writes head_dim floats as the values of one token, row `row` of a block's.
using StoreValue = void (*)(const float* in, std::int32_t head_dim, std::byte* rows, std::int32_t row) noexcept;

/// One way to lay keys and values out: how they are written and read.
struct KvKernels {
  AttendRun attend;
  StoreKey store_key;
  StoreValue store_value;
};

inline constexpr std::size_t kKvTypeCount = 3;

/// Variants of one measuring loop; the fastest counts.
inline constexpr std::size_t kPeakVariants = 3;

/// Does `rounds` rounds of arithmetic on registers and returns the operations that were: a multiply-add is two.
using PeakLoop = std::int64_t (*)(std::int64_t rounds) noexcept;

/// Reads `bytes` bytes, a multiple of this.
inline constexpr std::size_t kPeakReadBytes = 512;
using PeakRead = void (*)(const std::byte* from, std::size_t bytes) noexcept;

struct IsaTable {
  std::string_view name;
  bool (*runs_here)() noexcept;

  std::array<PanelMatmul, kFormatCount> matmul;  ///< by index in the format list
  /// Tokens to give matmul at a time, where there are more: their activations are in the second-level cache, or where
  /// they are longer, come from the next one faster than they are used.
  std::int32_t tile_tokens = 64;

  /// n a multiple of 32; nearest-even. Block b goes to out[b * stride].
  void (*quantize)(const float* in, std::int64_t n, ActivationBlock* out, std::size_t stride) noexcept;
  /// The same, n a multiple of 256.
  void (*quantize_wide)(const float* in, std::int64_t n, WideActivationBlock* out, std::size_t stride) noexcept;
  /// Norms may be in place. `bias` may be nullptr.
  void (*rms_norm)(const float* in, const float* weight, float epsilon, std::int64_t n, float* out) noexcept;
  void (*layer_norm)(const float* in, const float* weight, const float* bias, float epsilon, std::int64_t n,
                     float* out) noexcept;
  float (*sum_squares)(const float* in, std::int64_t n) noexcept;
  /// values = values * factor * weight, in place: rms_norm() with the factor from elsewhere.
  void (*scale_by)(float factor, const float* weight, std::int64_t n, float* values) noexcept;
  void (*add)(const float* from, std::int64_t n, float* into) noexcept;     ///< in place
  void (*silu_mul)(const float* up, std::int64_t n, float* gate) noexcept;  ///< gate = silu(gate) * up, in place
  void (*gelu_mul)(const float* up, std::int64_t n, float* gate) noexcept;
  void (*silu)(std::int64_t n, float* values) noexcept;  ///< in place
  void (*gelu)(std::int64_t n, float* values) noexcept;
  void (*softcap)(float cap, std::int64_t n, float* values) noexcept;  ///< cap * tanh(value / cap), in place
  void (*softmax)(std::int64_t n, float* values) noexcept;             ///< in place, n > 0
  /// Turns `pairs` pairs of one head in place; cosine and sine: (pairs), magnitude included.
  void (*rope_adjacent)(const float* cosine, const float* sine, std::int32_t pairs, float* head) noexcept;
  void (*rope_halves)(const float* cosine, const float* sine, std::int32_t pairs, float* head) noexcept;
  void (*scale)(float factor, std::int64_t n, float* values) noexcept;  ///< in place

  /// The sum of exp(value - from), of which none may be NaN; a few thousand values at a time, it is one in F32.
  float (*exponential_sum)(const float* values, std::int64_t n, float from) noexcept;

  // Fewer bits, for the way between ranks; every set makes the same bits.
  /// fp16, what lies beyond +-65504 as that.
  void (*to_f16)(const float* in, std::int64_t n, std::byte* out) noexcept;
  void (*from_f16)(const std::byte* in, std::int64_t n, float* out) noexcept;
  /// n a multiple of 32: blocks | scale, fp16 | q0 q1 … q31 (int8, -127..127) |, value i = scale * qi. `values` become
  /// what is read back; what that takes away is added to `lost`, unless that is nullptr. The scale is NaN where a value
  /// is not finite, or beyond 127 * 65504.
  void (*to_q8)(float* values, float* lost, std::int64_t n, std::byte* out) noexcept;
  void (*from_q8)(const std::byte* in, std::int64_t n, float* out) noexcept;

  std::array<KvKernels, kKvTypeCount> kv;  ///< by KvType
  /// A faster way for F16 where head dimensions and blocks are multiples of kAttendGroup; none if empty. Its sums are
  /// rounded otherwise.
  std::optional<KvKernels> kv_tiles{};
  JoinSums join_sums;

  // What the instruction set can do at most: see machine_limits.hpp.
  std::array<PeakLoop, kPeakVariants> peak_int8{};  ///< int8 x int8 -> int32 dot products
  std::array<PeakLoop, kPeakVariants> peak_fma{};   ///< fp32 multiply-adds
  std::array<PeakRead, kPeakVariants> peak_read{};
};

/// How `isa` keeps a cache.
const KvKernels& kv_kernels(const IsaTable& isa, const KvLayout& layout) noexcept;

/// All tables built for this processor family, best first.
std::span<const IsaTable* const> isa_tables();

/// The table called `name`, or the best that runs here if `name` and $COVEY_ISA are empty. Throws Error listing the
/// choices if it is unknown or does not run here.
const IsaTable& select_isa(std::string_view name);

/// The same as select_isa({}), for work of the host, which has the same bits with every set: the scalar one where
/// $COVEY_ISA names none.
const IsaTable& host_isa() noexcept;

}  // namespace covey
