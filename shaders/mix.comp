// The weighted sum of what a token's experts have made of it, in their order.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "groups.glsl"

layout(std430, binding = 0) readonly buffer Parts { float parts[]; };    // (tokens, used, width)
layout(std430, binding = 1) readonly buffer Routes { uvec2 routes[]; };  // (tokens, used)
layout(std430, binding = 2) writeonly buffer Out { float values_out[]; };
layout(push_constant) uniform Shape {
  uint count;
  uint width;
  uint used;
  uint first_token;  // of these parts
};

void main() {
  uint i = invocation_number();
  if (i >= count) return;
  uint token = i / width, column = i % width;
  precise float sum = 0.0;
  for (uint n = 0u; n < used; ++n) {
    float part = parts[(token * used + n) * width + column];
    sum = fma(uintBitsToFloat(routes[(first_token + token) * used + n].y), part, sum);
  }
  values_out[first_token * width + i] = sum;
}
