// Matrix x many columns: prompts. A workgroup makes a tile of 64 rows x 64 tokens; each lane 8 x 8 of them, in
// registers. 32 columns of weights, decoded, and of activations at a time lie in 16 KiB of shared memory.
//
// Bytes a weight: those of the format for each 64 tokens. Operations a weight: its decoding, a store and 8 loads of
// shared memory for each 64 tokens, and one multiply-add for each token.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "groups.glsl"
#include "format.glsl"

layout(std430, binding = 1) readonly buffer In { float values_in[]; };
layout(std430, binding = 2) writeonly buffer Out { float values_out[]; };
layout(std430, binding = 3) readonly buffer Bias { float bias[]; };
layout(push_constant) uniform Shape {
  uint cols;
  uint rows;       // in this part of the matrix
  uint first_row;  // of the part
  uint all_rows;   // the width of the output
  uint row_words;
  uint halves;     // word of a row where its scales stand apart
  uint columns;    // tokens
  uint biased;
};

const uint kTile = 64u;
const uint kDepth = 32u;
shared float w[kDepth * kTile];  // (columns of the matrix, rows)
shared float x[kDepth * kTile];  // (columns of the matrix, tokens)

void store(uint k, uint row, vec4 four) {
  for (uint i = 0u; i < 4u; ++i) w[(k + i) * kTile + row] = four[i];
}

void main() {
  uint row = group_number() * kTile, column = gl_WorkGroupID.z * kTile;
  if (row >= rows) return;
  uint lane = lane_number();
  uint my_rows = (lane >> 3) * 8u, my_columns = (lane & 7u) * 8u;
  float sum[64];
  for (uint i = 0u; i < 64u; ++i) sum[i] = 0.0;

  uint pieces = (cols + kDepth - 1u) / kDepth;
  for (uint piece = 0u; piece < pieces; ++piece) {
    for (uint unit = lane; unit < kTile * 4u; unit += kLanes) {
      uint r = unit >> 2, j = unit & 3u;
      vec4 low = vec4(0.0), high = vec4(0.0);
      uint start = min(row + r, rows - 1u) * row_words;
      decode(start, start + halves, piece, j, low, high);
      store(4u * j, r, low);
      store(16u + 4u * j, r, high);
    }
    for (uint i = lane; i < kTile * kDepth; i += kLanes) {
      uint k = i & 31u, c = i >> 5, at = piece * kDepth + k;
      x[k * kTile + c] = at < cols && column + c < columns ? values_in[(column + c) * cols + at] : 0.0;
    }
    barrier();
    for (uint k = 0u; k < kDepth; ++k) {
      float of_rows[8], of_columns[8];
      for (uint i = 0u; i < 8u; ++i) {
        of_rows[i] = w[k * kTile + my_rows + i];
        of_columns[i] = x[k * kTile + my_columns + i];
      }
      for (uint r = 0u; r < 8u; ++r) {
        for (uint c = 0u; c < 8u; ++c) sum[r * 8u + c] = fma(of_rows[r], of_columns[c], sum[r * 8u + c]);
      }
    }
    barrier();
  }
  for (uint r = 0u; r < 8u; ++r) {
    uint at = row + my_rows + r;
    if (at >= rows) break;
    float added = biased != 0u ? bias[first_row + at] : 0.0;
    for (uint c = 0u; c < 8u; ++c) {
      uint token = column + my_columns + c;
      if (token < columns) values_out[token * all_rows + first_row + at] = sum[r * 8u + c] + added;
    }
  }
}
