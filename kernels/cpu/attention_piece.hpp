// Pieces of a run: where their keys or values lie in the cache, and how they are widened to F32.
#pragma once

#include "kernels/cpu/isa.hpp"
#include "kernels/cpu/kv_rows.hpp"

namespace covey {

/// The keys, or values, of the positions from, from + 1, … of a run.
struct AttendPiece {
  static constexpr int kGroups = kAttendPiece / 16;

  float* numbers;  // widened; keys: (tiles, head_dim, 16), values: (tokens, padded_head_dim)
  std::int32_t from;
  std::int32_t tokens;
  // In the cache, 16 tokens each: tiles of keys, or rows of values. `bytes` are a tile's dimension, or a row.
  const std::byte* source[kGroups];
  std::size_t bytes;
  // What memory should fetch meanwhile. The machine sees no pattern in blocks; waiting for them would take longer than
  // all the rest.
  const std::byte* ahead[kGroups];
};

template <class Rows>
struct AttendPieces {
  const KvRun& run;
  std::int32_t head_dim;
  std::int32_t tokens;  // of the run
  float* numbers;

  AttendPiece keys(std::int32_t from) const noexcept {
    AttendPiece piece{
        numbers, from, length(from), {}, Rows::key_tile_bytes(head_dim) / static_cast<std::size_t>(head_dim), {}};
    for (std::int32_t i = 0; i < AttendPiece::kGroups; ++i) {
      const std::int32_t at = from + 16 * i;
      const std::int32_t next = at + kAttendPiece;
      piece.source[i] = at < tokens ? key_tile(at) : key_tile(from);
      piece.ahead[i] = next < tokens ? key_tile(next) : value_row(16 * i < tokens ? 16 * i : 0);
    }
    return piece;
  }

  AttendPiece values(std::int32_t from) const noexcept {
    AttendPiece piece{numbers, from, length(from), {}, Rows::value_row_bytes(head_dim), {}};
    for (std::int32_t i = 0; i < AttendPiece::kGroups; ++i) {
      const std::int32_t at = from + 16 * i;
      const std::int32_t next = at + kAttendPiece;
      piece.source[i] = at < tokens ? value_row(at) : value_row(from);
      piece.ahead[i] = next < tokens ? value_row(next) : then_keys() + static_cast<std::size_t>(i) * tile_bytes();
    }
    return piece;
  }

  /// Whether each 16 tokens of a piece lie together in one block.
  bool groups_are_whole() const noexcept { return run.block_tokens % 16 == 0; }

  void widen_keys(const AttendPiece& piece) const noexcept {
    if (groups_are_whole()) {
      for (std::int32_t at = 0; at < piece.tokens; at += 16) {
        load_keys<Rows>(piece.source[at / 16], head_dim, piece.numbers + std::ptrdiff_t{at} * head_dim);
      }
      return;
    }
    for (std::int32_t at = 0; at < piece.tokens;) {
      const std::int32_t offset = (piece.from + at) % run.block_tokens;
      const std::int32_t lane = offset % 16;
      const std::int32_t left = least(run.block_tokens - offset, piece.tokens - at);
      const std::int32_t here = least(16 - lane, left);
      shift_keys(key_tile(piece.from + at), lane, here, at);
      at += here;
    }
  }

  void widen_values(const AttendPiece& piece) const noexcept {
    float* out = piece.numbers;
    for (std::int32_t at = 0; at < piece.tokens;) {
      const std::byte* row = value_row(piece.from + at);
      const std::int32_t offset = (piece.from + at) % run.block_tokens;
      const std::int32_t end = at + least(run.block_tokens - offset, piece.tokens - at);
      for (; at < end; ++at, row += piece.bytes, out += (head_dim + 15) / 16 * 16) load_value<Rows>(row, head_dim, out);
    }
  }

 private:
  static std::int32_t least(std::int32_t a, std::int32_t b) noexcept { return a < b ? a : b; }
  std::int32_t length(std::int32_t from) const noexcept { return least(kAttendPiece, tokens - from); }
  std::size_t tile_bytes() const noexcept { return Rows::key_tile_bytes(head_dim); }

  const std::byte* block(std::int32_t position) const noexcept {
    return run.first_keys + static_cast<std::size_t>(run.blocks[position / run.block_tokens]) * run.block_bytes;
  }
  const std::byte* then_keys() const noexcept {
    return run.then_keys + static_cast<std::size_t>(run.then_blocks[0]) * run.block_bytes;
  }
  const std::byte* key_tile(std::int32_t position) const noexcept {
    return block(position) + static_cast<std::size_t>(position % run.block_tokens / 16) * tile_bytes();
  }
  const std::byte* value_row(std::int32_t position) const noexcept {
    return block(position) + run.to_values +
           static_cast<std::size_t>(position % run.block_tokens) * Rows::value_row_bytes(head_dim);
  }

  /// Where blocks are not whole tiles: lanes `lane` to `lane + count` of a tile become the piece's from `at` on.
  void shift_keys(const std::byte* tile, std::int32_t lane, std::int32_t count, std::int32_t at) const noexcept {
    constexpr std::int32_t kRows = 32;  // the most that Rows read at a time
    float widened[kRows * 16];
    for (std::int32_t first = 0; first < head_dim; first += kRows) {
      const std::int32_t rows = least(kRows, head_dim - first);
      load_keys<Rows>(tile + Rows::key_tile_bytes(first), rows, widened);
      for (std::int32_t t = 0; t < count; ++t) {
        float* const to = numbers + (std::ptrdiff_t{(at + t) / 16} * head_dim + first) * 16 + (at + t) % 16;
        for (std::ptrdiff_t d = 0; d < rows; ++d) to[16 * d] = widened[16 * d + lane + t];
      }
    }
  }
};

}  // namespace covey
