// Matrix x few columns: generating tokens, and whatever must not depend on the size of its batch. A workgroup makes
// kRows rows for kColumns tokens; its lanes share the columns of a row. Every sum has one order whatever kRows and
// kColumns are, so a token's results have the same bits in every batch.
//
// Bytes a weight: those of the format, once for each group of kColumns tokens. Operations a weight: its decoding and one
// multiply-add for each token.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "groups.glsl"
#include "format.glsl"

layout(constant_id = 0) const uint kRows = 1;
layout(constant_id = 1) const uint kColumns = 1;
layout(constant_id = 2) const bool kWhole = false;    // rows are whole pieces of 32: activations are read as vectors
layout(constant_id = 3) const bool kExperts = false;  // each column has its own matrix: see route.comp

layout(std430, binding = 1) readonly buffer In { float values_in[]; };
layout(std430, binding = 1) readonly buffer InVectors { vec4 vectors_in[]; };
layout(std430, binding = 2) writeonly buffer Out { float values_out[]; };
layout(std430, binding = 3) readonly buffer Bias { float bias[]; };
layout(std430, binding = 4) readonly buffer Routes { uvec2 routes[]; };  // (tokens, used): expert, its weight
layout(push_constant) uniform Shape {
  uint cols;
  uint rows;         // in this part of the matrix
  uint first_row;    // of the part
  uint all_rows;     // the width of the output
  uint row_words;
  uint halves;       // word of a row where its scales stand apart
  uint columns;      // tokens; or pairs of token and expert
  uint biased;
  uint matrix_words; // of one expert
  uint first_column; // of those that the routes count
  uint in_share;     // so many neighbouring columns read the same row of the input
  uint first_in;     // the first of these rows
};

shared float partial[kRows * kColumns * kLanes];

void load(uint row, uint piece, uint j, out vec4 low, out vec4 high) {
  uint k = 32u * piece + 4u * j;
  if (kWhole) {
    uint at = (row * cols + k) >> 2;
    low = vectors_in[at];
    high = vectors_in[at + 4u];
    return;
  }
  uint at = row * cols;
  for (uint i = 0u; i < 4u; ++i) {
    low[i] = k + i < cols ? values_in[at + k + i] : 0.0;
    high[i] = k + 16u + i < cols ? values_in[at + k + 16u + i] : 0.0;
  }
}

void main() {
  uint row = group_number() * kRows;
  if (row >= rows) return;
  uint column = gl_WorkGroupID.z * kColumns;
  uint lane = lane_number();
  uint matrix = kExperts ? routes[first_column + column].x * matrix_words : 0u;
  precise float sum[kRows * kColumns];
  for (uint i = 0u; i < kRows * kColumns; ++i) sum[i] = 0.0;

  uint units = (cols + 31u) / 32u * 4u;
  for (uint unit = lane; unit < units; unit += kLanes) {
    vec4 x_low[kColumns], x_high[kColumns];
    for (uint c = 0u; c < kColumns; ++c) {
      load(first_in + min(column + c, columns - 1u) / in_share, unit >> 2, unit & 3u, x_low[c], x_high[c]);
    }
    for (uint r = 0u; r < kRows; ++r) {
      vec4 low, high;
      uint start = matrix + min(row + r, rows - 1u) * row_words;
      decode(start, start + halves, unit >> 2, unit & 3u, low, high);
      for (uint c = 0u; c < kColumns; ++c) {
        precise float s = sum[r * kColumns + c];
        s = fma(low.x, x_low[c].x, s);
        s = fma(low.y, x_low[c].y, s);
        s = fma(low.z, x_low[c].z, s);
        s = fma(low.w, x_low[c].w, s);
        s = fma(high.x, x_high[c].x, s);
        s = fma(high.y, x_high[c].y, s);
        s = fma(high.z, x_high[c].z, s);
        s = fma(high.w, x_high[c].w, s);
        sum[r * kColumns + c] = s;
      }
    }
  }

  for (uint i = 0u; i < kRows * kColumns; ++i) partial[i * kLanes + lane] = sum[i];
  barrier();
  for (uint half_of = kLanes / 2u; half_of > 0u; half_of >>= 1) {
    if (lane < half_of) {
      for (uint i = 0u; i < kRows * kColumns; ++i) partial[i * kLanes + lane] += partial[i * kLanes + lane + half_of];
    }
    barrier();
  }
  if (lane < kRows * kColumns) {
    uint r = row + lane / kColumns, c = column + lane % kColumns;
    if (r < rows && c < columns) {
      float value = partial[lane * kLanes];
      if (biased != 0u) value += bias[first_row + r];
      values_out[c * all_rows + first_row + r] = value;
    }
  }
}
