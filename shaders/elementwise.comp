// What is done to values one by one.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "groups.glsl"
#include "activation.glsl"

layout(std430, binding = 0) buffer Into { float into[]; };
layout(std430, binding = 1) readonly buffer From { float from[]; };
layout(push_constant) uniform Shape {
  uint count;
  uint operation;  // ElementOperation in kernels/vulkan/vulkan_device.hpp
  float factor;
};

void main() {
  uint i = invocation_number();
  if (i >= count) return;
  float value = into[i];
  switch (operation) {
    case 0u: value += from[i]; break;
    case 1u: value *= factor; break;
    case 2u: value = factor * exact_tanh(value / factor); break;
    case 3u: value = silu(value); break;
    case 4u: value = gelu(value); break;
    case 5u: value = silu(value) * from[i]; break;
    case 6u: value = gelu(value) * from[i]; break;
  }
  into[i] = value;
}
