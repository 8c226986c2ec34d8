// How fast cooperative matrices are multiplied and added: for `covey bench`. Four sums that do not wait for each other.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#extension GL_EXT_shader_16bit_storage : require
#extension GL_EXT_shader_explicit_arithmetic_types_float16 : require
#include "groups.glsl"

layout(constant_id = 0) const uint kSubgroups = 2;

layout(std430, binding = 0) readonly buffer In { float16_t halves_in[]; };  // 16 x 16
layout(std430, binding = 1) writeonly buffer Out { float out_value[]; };
layout(push_constant) uniform Shape {
  uint rounds;
  uint padded;  // 16
};

const uint kWeightStride = 16u;
shared float16_t weights16[16u * kWeightStride];
shared float sums_out[kSubgroups * 256u];

#include "cooperative.glsl"

void main() {
  for (uint i = lane_number(); i < 256u; i += kLanes) weights16[i] = halves_in[i];
  barrier();
  WeightMatrix w;
  ActivationMatrix x;
  LOAD_WEIGHTS(w, 0u);
  LOAD_ACTIVATIONS(x, 0u);
  SumMatrix a = NO_SUM, b = NO_SUM, c = NO_SUM, d = NO_SUM;
  for (uint i = 0u; i < rounds; ++i) {
    MULTIPLY_ADD(a, w, x);
    MULTIPLY_ADD(b, w, x);
    MULTIPLY_ADD(c, w, x);
    MULTIPLY_ADD(d, w, x);
  }
  uint at = lane_number() / (kLanes / kSubgroups) * 256u;
  float all = 0.0;
  STORE_SUMS(a, at);
  barrier();
  all += sums_out[lane_number()];
  barrier();
  STORE_SUMS(b, at);
  barrier();
  all += sums_out[lane_number()];
  barrier();
  STORE_SUMS(c, at);
  barrier();
  all += sums_out[lane_number()];
  barrier();
  STORE_SUMS(d, at);
  barrier();
  all += sums_out[lane_number()];
  if (all == 12345.678) out_value[0] = all;  // so that it must be computed
}
