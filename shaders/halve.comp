// Activations to fp16, for products by cooperative matrices: a workgroup a token. A power of two of its own keeps a
// token's values within fp16's range, and rows are padded with zeros to whole pieces of 32.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "groups.glsl"
#include "sums.glsl"
#include "half_bits.glsl"

layout(std430, binding = 0) readonly buffer In { float values_in[]; };
layout(std430, binding = 1) writeonly buffer Out { uint words_out[]; };    // (tokens, padded / 2): two to a word
layout(std430, binding = 2) writeonly buffer Units { float units_out[]; };  // (tokens): what to multiply results with
layout(push_constant) uniform Shape {
  uint tokens;
  uint cols;
  uint padded;
};

float value_of(uint token, uint k) { return k < cols ? values_in[token * cols + k] : 0.0; }

void main() {
  uint token = group_number(), lane = lane_number();
  if (token >= tokens) return;
  float largest = 0.0;
  for (uint k = lane; k < cols; k += kLanes) largest = max(largest, abs(values_in[token * cols + k]));
  largest = largest_over_lanes(largest);
  // 2^10 or less remains: far from fp16's ends on both sides. A sum of no values, or one that is infinite, stays as it is.
  int exponent = largest > 0.0 && largest < 3e38 ? 9 - int(floor(log2(largest))) : 0;
  exponent = clamp(exponent, -120, 120);
  float unit = ldexp(1.0, exponent);
  for (uint i = lane; i < padded / 2u; i += kLanes) {
    vec2 both = unit * vec2(value_of(token, 2u * i), value_of(token, 2u * i + 1u));
    words_out[token * (padded / 2u) + i] = half_bits(both.x) | half_bits(both.y) << 16;
  }
  if (lane == 0u) units_out[token] = ldexp(1.0, -exponent);
}
