// Activations to int8, for products by integer dot products: an invocation makes 32 of one token, with a scale of their
// own, the largest of them over 127. As the CPU does.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "groups.glsl"

layout(std430, binding = 0) readonly buffer In { float values_in[]; };
layout(std430, binding = 1) writeonly buffer Out { uint words_out[]; };  // (tokens, pieces, 8), then (tokens, pieces)
layout(push_constant) uniform Shape {
  uint count;  // of pieces, in all tokens
  uint cols;
  uint scales_at;
};

vec4 four(uint row, uint k) {
  vec4 result = vec4(0.0);
  for (uint i = 0u; i < 4u; ++i) {
    if (k + i < cols) result[i] = values_in[row * cols + k + i];
  }
  return result;
}

void main() {
  uint i = invocation_number();
  if (i >= count) return;
  uint pieces = (cols + 31u) >> 5, row = i / pieces, k = 32u * (i % pieces);
  vec4 all[8];
  vec4 most = vec4(0.0);
  for (uint n = 0u; n < 8u; ++n) {
    all[n] = four(row, k + 4u * n);
    most = max(most, abs(all[n]));
  }
  float largest = max(max(most.x, most.y), max(most.z, most.w));
  float inverse = largest > 1e-30 ? 127.0 / largest : 0.0;
  for (uint n = 0u; n < 8u; ++n) {
    uvec4 bytes = uvec4(clamp(ivec4(roundEven(all[n] * inverse)), -127, 127)) & 255u;
    words_out[8u * i + n] = bytes.x | bytes.y << 8 | bytes.z << 16 | bytes.w << 24;
  }
  words_out[scales_at + i] = floatBitsToUint(largest / 127.0);
}
