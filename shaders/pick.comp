// Rows of a slot, in the order given.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "groups.glsl"

layout(std430, binding = 0) readonly buffer In { uint values_in[]; };
layout(std430, binding = 1) writeonly buffer Out { uint values_out[]; };
layout(std430, binding = 2) readonly buffer Rows { uint rows[]; };
layout(push_constant) uniform Shape {
  uint count;
  uint width;
};

void main() {
  uint i = invocation_number();
  if (i < count) values_out[i] = values_in[rows[i / width] * width + i % width];
}
