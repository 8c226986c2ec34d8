// How fast bytes are multiplied and added by integer dot products: for `covey bench`. Chains that do not wait for each
// other.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "groups.glsl"
#include "integer_dot.glsl"

layout(std430, binding = 0) writeonly buffer Out { int out_value[]; };
layout(push_constant) uniform Shape {
  uint rounds;
  uint factor;
};

void main() {
  ivec4 a = ivec4(int(invocation_number())), b = a + 1, c = a + 2, d = a + 3;
  for (uint i = 0u; i < rounds; ++i) {
    for (uint n = 0u; n < 4u; ++n) {
      a[n] += signed_dot(uint(a[n]), factor, 0);
      b[n] += signed_dot(uint(b[n]), factor, 0);
      c[n] += signed_dot(uint(c[n]), factor, 0);
      d[n] += signed_dot(uint(d[n]), factor, 0);
    }
  }
  ivec4 sum = a ^ b ^ c ^ d;
  if ((sum.x ^ sum.y ^ sum.z ^ sum.w) == 0x5e3779b9) out_value[0] = sum.x;  // so that it must be computed
}
