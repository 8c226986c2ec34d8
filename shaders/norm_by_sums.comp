// NormKind::rms in place, of rows that are parts of longer ones whose squares have been summed.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "groups.glsl"

layout(std430, binding = 0) buffer Values { float values[]; };
layout(std430, binding = 1) readonly buffer Sums { float sums[]; };
layout(std430, binding = 2) readonly buffer Weight { float weight[]; };
layout(push_constant) uniform Shape {
  uint count;
  uint width;
  uint sums_width;
  uint column;
  float all;  // values in a whole row
  float epsilon;
};

void main() {
  uint i = invocation_number();
  if (i >= count) return;
  float factor = 1.0 / sqrt(sums[i / width * sums_width + column] / all + epsilon);
  values[i] = values[i] * factor * weight[i % width];
}
