// Where the keys and values of a run lie in the cache, and how pieces of them are widened to F32.
#pragma once

#include "kernels/cpu/isa.hpp"
#include "kernels/cpu/kv_rows.hpp"

namespace covey {

/// Consecutive positions of a run.
struct AttendPiece {
  std::int32_t from;
  std::int32_t tokens;
};

// Where something lies, and what lies there in the run after this one: what memory should fetch meanwhile. The machine
// sees no pattern in blocks; waiting for them would take longer than all the rest.

/// A tile of keys.
struct CachedTile {
  const std::byte* here;
  const std::byte* ahead;
};

/// Rows of values, from one on to the end of its block.
struct CachedRows {
  const std::byte* here;
  const std::byte* ahead;  // the first row of the block
  std::int32_t before;     // rows in the block
  std::int32_t count;
};

template <class Rows>
struct AttendPieces {
  const KvRun& run;
  std::int32_t head_dim;
  std::int32_t tokens;  // of the run
  float* numbers;       // a piece, widened. Keys: (tiles, head_dim, 16), values: (tokens, padded_head_dim)

  AttendPiece piece(std::int32_t from, std::int32_t most) const noexcept { return {from, least(most, tokens - from)}; }

  /// Whether 16 tokens from a multiple of 16 on lie together in one block.
  bool tiles_are_whole() const noexcept { return run.block_tokens % 16 == 0; }

  /// Where a position lies. Steps from one place to another divide nothing.
  struct Place {
    std::int32_t index;   // in the run's blocks
    std::int32_t offset;  // in the block
  };
  Place place_of(std::int32_t position) const noexcept {
    return {position / run.block_tokens, position % run.block_tokens};
  }
  /// Where tiles are whole: of the tile after that of `place`.
  Place after_tile(const Place& place) const noexcept {
    return place.offset + 16 < run.block_tokens ? Place{place.index, place.offset + 16} : after_block(place);
  }
  static Place after_block(const Place& place) noexcept { return {place.index + 1, 0}; }

  CachedTile key_tile(const Place& place) const noexcept {
    const std::size_t offset = static_cast<std::size_t>(place.offset / 16) * tile_bytes();
    return {block(place) + offset, then_block(place) + offset};
  }
  CachedRows value_rows(const Place& place) const noexcept {
    const std::size_t before = static_cast<std::size_t>(place.offset) * Rows::value_row_bytes(head_dim);
    return {block(place) + run.to_values + before, then_block(place) + run.to_values, place.offset,
            run.block_tokens - place.offset};
  }

  void widen_keys(const AttendPiece& piece) const noexcept {
    if (tiles_are_whole()) {
      Place place = place_of(piece.from);
      for (std::int32_t at = 0; at < piece.tokens; at += 16, place = after_tile(place)) {
        load_keys<Rows>(key_tile(place).here, head_dim, numbers + std::ptrdiff_t{at} * head_dim);
      }
      return;
    }
    for (std::int32_t at = 0; at < piece.tokens;) {
      const Place place = place_of(piece.from + at);
      const std::int32_t lane = place.offset % 16;
      const std::int32_t left = least(run.block_tokens - place.offset, piece.tokens - at);
      const std::int32_t here = least(16 - lane, left);
      shift_keys(key_tile(place).here, lane, here, at);
      at += here;
    }
  }

  void widen_values(const AttendPiece& piece) const noexcept {
    float* out = numbers;
    Place place = place_of(piece.from);
    for (std::int32_t at = 0; at < piece.tokens; place = after_block(place)) {
      const CachedRows rows = value_rows(place);
      const std::int32_t here = least(rows.count, piece.tokens - at);
      for (std::int32_t i = 0; i < here; ++i, out += padded_head_dim(head_dim)) {
        load_value<Rows>(rows.here + static_cast<std::size_t>(i) * Rows::value_row_bytes(head_dim), head_dim, out);
      }
      at += here;
    }
  }

 private:
  static std::int32_t least(std::int32_t a, std::int32_t b) noexcept { return a < b ? a : b; }
  std::size_t tile_bytes() const noexcept { return Rows::key_tile_bytes(head_dim); }

  const std::byte* block(const Place& place) const noexcept { return run.keys(place.index); }
  const std::byte* then_block(const Place& place) const noexcept {
    const auto index = static_cast<std::size_t>(place.index);
    const std::size_t last = run.then_blocks.size() - 1;
    return run.then(index < last ? index : last);
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
