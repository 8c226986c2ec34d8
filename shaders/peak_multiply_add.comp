// How fast F32 is multiplied and added: for `covey bench`. Chains that do not wait for each other.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "groups.glsl"

layout(std430, binding = 0) writeonly buffer Out { float out_value[]; };
layout(push_constant) uniform Shape {
  uint rounds;
  float factor;  // such that nothing becomes known, infinite or subnormal
};

void main() {
  vec4 a = vec4(float(invocation_number())), b = a + 1.0, c = a + 2.0, d = a + 3.0;
  for (uint i = 0u; i < rounds; ++i) {
    a = fma(a, vec4(factor), vec4(1.0));
    b = fma(b, vec4(factor), vec4(1.0));
    c = fma(c, vec4(factor), vec4(1.0));
    d = fma(d, vec4(factor), vec4(1.0));
  }
  vec4 sum = a + b + c + d;
  if (sum.x + sum.y + sum.z + sum.w == 12345.678) out_value[0] = sum.x;  // so that it must be computed
}
