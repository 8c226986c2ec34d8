// Matrix x many columns by cooperative matrices: prompts. A workgroup makes a tile of 64 rows x 64 tokens, which are 16
// matrices of 16 x 16; its subgroups share them out. 32 columns of weights at a time are decoded to fp16 in shared
// memory; halve.comp has made activations fp16.
//
// Bytes a weight: those of the format for each 64 tokens. Operations a weight: its decoding and a store for each 64
// tokens, and one multiply-add for each token, in fp16 with sums in F32.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#extension GL_EXT_shader_16bit_storage : require
#extension GL_EXT_shader_explicit_arithmetic_types_float16 : require
#ifdef COOPERATIVE_SUBGROUPS
#extension GL_KHR_shader_subgroup_basic : require
#endif
#include "groups.glsl"
#include "format.glsl"

layout(constant_id = 0) const uint kSubgroups = 2;  // in a workgroup: 1, 2, 4 or 8

layout(std430, binding = 1) readonly buffer In { float16_t halves_in[]; };  // (tokens, padded)
layout(std430, binding = 2) writeonly buffer Out { float values_out[]; };
layout(std430, binding = 3) readonly buffer Bias { float bias[]; };
layout(std430, binding = 4) readonly buffer Units { float units[]; };  // (tokens)
layout(push_constant) uniform Shape {
  uint cols;
  uint rows;       // in this part of the matrix
  uint first_row;  // of the part
  uint all_rows;   // the width of the output
  uint row_words;
  uint halves;     // word of a row where its scales stand apart
  uint columns;    // tokens; those up to a multiple of 64 are there, with any values
  uint biased;
  uint padded;     // cols, up to a multiple of 32
};

const uint kTile = 64u;
const uint kDepth = 32u;
const uint kWeightStride = kDepth + 8u;  // rows begin at different banks of shared memory
const uint kAcross = kSubgroups > 4u ? 16u / kSubgroups : 4u;  // matrices of a subgroup, side by side
const uint kDown = kSubgroups > 4u ? 1u : 4u / kSubgroups;
shared float16_t weights16[kTile * kWeightStride];
shared float sums_out[kSubgroups * 256u];

#include "cooperative.glsl"

void store(uint row, uint k, vec4 four) {
  for (uint i = 0u; i < 4u; ++i) weights16[row * kWeightStride + k + i] = float16_t(four[i]);
}

void load_weights(uint row, uint piece) {
  for (uint unit = lane_number(); unit < kTile * 4u; unit += kLanes) {
    uint r = unit >> 2, j = unit & 3u, start = min(row + r, rows - 1u) * row_words;
    vec4 low, high;
    decode(start, start + halves, piece, j, low, high);
    store(r, 4u * j, low);
    store(r, 16u + 4u * j, high);
  }
}

// What a subgroup has left in shared memory, to where it belongs: rows `row` on, tokens `column` on.
void put(uint of_subgroup, uint row, uint column) {
  uint lanes = kLanes / kSubgroups;
  for (uint i = lane_number() % lanes; i < 256u; i += lanes) {
    uint r = row + (i & 15u), c = column + (i >> 4);
    if (r >= rows || c >= columns) continue;
    float added = biased != 0u ? bias[first_row + r] : 0.0;
    values_out[c * all_rows + first_row + r] = fma(sums_out[of_subgroup * 256u + i], units[c], added);
  }
}

void main() {
  uint row = group_number() * kTile, column = gl_WorkGroupID.z * kTile;
  if (row >= rows) return;
#ifdef COOPERATIVE_SUBGROUPS
  uint subgroup = gl_SubgroupID;
#else
  uint subgroup = lane_number() / (kLanes / kSubgroups);
#endif
  // The first of a subgroup's matrices, in units of 16 rows and tokens.
  uint down = subgroup * kDown * kAcross / 4u, across = subgroup * kDown * kAcross % 4u;
  SumMatrix sums[kDown * kAcross];
  for (uint i = 0u; i < kDown * kAcross; ++i) sums[i] = NO_SUM;

  for (uint piece = 0u; piece < padded / kDepth; ++piece) {
    load_weights(row, piece);
    barrier();
    LOOP for (uint k = 0u; k < kDepth; k += 16u) {
      ActivationMatrix x[kAcross];
      for (uint c = 0u; c < kAcross; ++c) {
        LOAD_ACTIVATIONS(x[c], (column + 16u * (across + c)) * padded + piece * kDepth + k);
      }
      LOOP for (uint r = 0u; r < kDown; ++r) {
        WeightMatrix w;
        LOAD_WEIGHTS(w, 16u * (down + r) * kWeightStride + k);
        LOOP for (uint c = 0u; c < kAcross; ++c) MULTIPLY_ADD(sums[r * kAcross + c], w, x[c]);
      }
    }
    barrier();
  }
  LOOP for (uint r = 0u; r < kDown; ++r) {
    LOOP for (uint c = 0u; c < kAcross; ++c) {
      STORE_SUMS(sums[r * kAcross + c], subgroup * 256u);
      barrier();
      put(subgroup, row + 16u * (down + r), column + 16u * (across + c));
      barrier();
    }
  }
}
