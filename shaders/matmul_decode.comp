// Matrix x few columns: generating tokens, and whatever must not depend on the size of its batch. A workgroup makes
// kRows rows for kColumns tokens; its lanes share the columns of a row, 32 of them to a lane where there are enough. Every sum has one order whatever kRows and
// kColumns are, so a token's results have the same bits in every batch.
//
// Bytes a weight: those of the format, once for each group of kColumns tokens. Operations a weight: its decoding and one
// multiply-add for each token; with INTEGER_DOT a quarter of an integer dot product, of codes with activations that
// quantize.comp has made int8.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#ifdef SUBGROUPS
#extension GL_KHR_shader_subgroup_arithmetic : require
#endif
#include "groups.glsl"
#include "format.glsl"
#ifdef INTEGER_DOT
#include "integer_dot.glsl"
#endif

layout(constant_id = 0) const uint kRows = 1;
layout(constant_id = 1) const uint kColumns = 1;
layout(constant_id = 2) const bool kWhole = false;    // rows are whole pieces of 32: activations are read as vectors
layout(constant_id = 3) const bool kExperts = false;  // each column has its own matrix: see route.comp
layout(constant_id = 4) const uint kShare = 4;        // lanes that share a piece of 32 columns: 1, 2 or 4

#ifdef INTEGER_DOT
layout(std430, binding = 1) readonly buffer In { uint words_in[]; };  // (tokens, pieces, 8), then (tokens, pieces) scales
#else
layout(std430, binding = 1) readonly buffer In { float values_in[]; };
layout(std430, binding = 1) readonly buffer InVectors { vec4 vectors_in[]; };
#endif
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
  uint scales_at;    // INTEGER_DOT: in words_in
};

shared float partial[kRows * kColumns * kLanes];  // what lanes, or subgroups of them, add up to

#ifdef INTEGER_DOT
struct Activations {
  uvec2 both;  // eight of them
  float scale;
  vec2 sums;  // scale * the sum of either four: what minima are multiplied with
};

Activations load(uint row, uint piece, uint j) {
  uint at = row * ((cols + 31u) >> 5) + piece;
  Activations x;
  x.both = uvec2(words_in[8u * at + j], words_in[8u * at + 4u + j]);
  x.scale = uintBitsToFloat(words_in[scales_at + at]);
#ifdef FORMAT_HAS_MINIMA
  x.sums = x.scale * vec2(signed_dot(x.both.x, kOne, 0), signed_dot(x.both.y, kOne, 0));
#endif
  return x;
}

struct Coded {
  uvec2 both;
  vec2 of_low, of_high;
};

Coded weights_at(uint row, uint piece, uint j) {
  Coded w;
  codes(row, row + halves, piece, j, w.both, w.of_low, w.of_high);
  return w;
}

float multiply_add(Coded w, Activations x, float sum) {
  precise float s = sum;
  s = fma(w.of_low.x * x.scale, float(signed_dot(w.both.x, x.both.x, 0)), s);
  s = fma(w.of_high.x * x.scale, float(signed_dot(w.both.y, x.both.y, 0)), s);
#ifdef FORMAT_HAS_MINIMA
  s = fma(w.of_low.y, x.sums.x, s);
  s = fma(w.of_high.y, x.sums.y, s);
#endif
  return s;
}
#else
#define Activations Eight
#define Coded Eight
struct Eight {
  vec4 low, high;
};

Eight load(uint row, uint piece, uint j) {
  uint k = 32u * piece + 4u * j;
  Eight x;
  if (kWhole) {
    uint at = (row * cols + k) >> 2;
    x.low = vectors_in[at];
    x.high = vectors_in[at + 4u];
    return x;
  }
  uint at = row * cols;
  for (uint i = 0u; i < 4u; ++i) {
    x.low[i] = k + i < cols ? values_in[at + k + i] : 0.0;
    x.high[i] = k + 16u + i < cols ? values_in[at + k + 16u + i] : 0.0;
  }
  return x;
}

Eight weights_at(uint row, uint piece, uint j) {
  Eight w;
  decode(row, row + halves, piece, j, w.low, w.high);
  return w;
}

float multiply_add(Eight w, Eight x, float sum) {
  precise float s = sum;
  s = fma(w.low.x, x.low.x, s);
  s = fma(w.low.y, x.low.y, s);
  s = fma(w.low.z, x.low.z, s);
  s = fma(w.low.w, x.low.w, s);
  s = fma(w.high.x, x.high.x, s);
  s = fma(w.high.y, x.high.y, s);
  s = fma(w.high.z, x.high.z, s);
  s = fma(w.high.w, x.high.w, s);
  return s;
}
#endif

void main() {
  uint row = group_number() * kRows;
  if (row >= rows) return;
  uint column = gl_WorkGroupID.z * kColumns;
  uint lane = lane_number();
  uint matrix = kExperts ? routes[first_column + column].x * matrix_words : 0u;
  precise float sum[kRows * kColumns];
  for (uint i = 0u; i < kRows * kColumns; ++i) sum[i] = 0.0;

  uint units = (cols + 31u) / 32u * kShare;
  for (uint unit = lane; unit < units; unit += kLanes) {
    uint piece = unit / kShare;
    [[unroll]] for (uint n = 0u; n < 4u / kShare; ++n) {
      uint j = unit % kShare * (4u / kShare) + n;
      Activations x[kColumns];
      for (uint c = 0u; c < kColumns; ++c) {
        x[c] = load(first_in + min(column + c, columns - 1u) / in_share, piece, j);
      }
      for (uint r = 0u; r < kRows; ++r) {
        Coded w = weights_at(matrix + min(row + r, rows - 1u) * row_words, piece, j);
        for (uint c = 0u; c < kColumns; ++c) sum[r * kColumns + c] = multiply_add(w, x[c], sum[r * kColumns + c]);
      }
    }
  }

#ifdef SUBGROUPS
  for (uint i = 0u; i < kRows * kColumns; ++i) {
    float part = subgroupAdd(sum[i]);
    if (subgroupElect()) partial[i * kLanes + gl_SubgroupID] = part;
  }
  barrier();
  uint parts = gl_NumSubgroups;
#else
  for (uint i = 0u; i < kRows * kColumns; ++i) partial[i * kLanes + lane] = sum[i];
  barrier();
  for (uint half_of = kLanes / 2u; half_of > 0u; half_of >>= 1) {
    if (lane < half_of) {
      for (uint i = 0u; i < kRows * kColumns; ++i) partial[i * kLanes + lane] += partial[i * kLanes + lane + half_of];
    }
    barrier();
  }
  uint parts = 1u;
#endif
  if (lane < kRows * kColumns) {
    uint r = row + lane / kColumns, c = column + lane % kColumns;
    if (r < rows && c < columns) {
      float value = partial[lane * kLanes];
      for (uint i = 1u; i < parts; ++i) value += partial[lane * kLanes + i];
      if (biased != 0u) value += bias[first_row + r];
      values_out[c * all_rows + first_row + r] = value;
    }
  }
}
