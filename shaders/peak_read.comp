// How fast memory is read: for `covey bench`.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "groups.glsl"

layout(std430, binding = 0) readonly buffer Data { uvec4 data[]; };
layout(std430, binding = 1) writeonly buffer Out { uint out_word[]; };
layout(push_constant) uniform Shape {
  uint vectors;
  uint each;  // read by an invocation
};

void main() {
  // Neighbours read neighbours, group after group.
  uint at = group_number() * kLanes * each + lane_number();
  uvec4 sum = uvec4(0u);
  for (uint i = 0u; i < each; ++i, at += kLanes) {
    if (at < vectors) sum ^= data[at];
  }
  uint all = sum.x ^ sum.y ^ sum.z ^ sum.w;
  if (all == 0x9e3779b9u) out_word[0] = all;  // never, but the reader of this code must not know that
}
