// The sum of squares of some columns of each row: a workgroup a row.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "groups.glsl"
#include "sums.glsl"

layout(std430, binding = 0) readonly buffer In { float values[]; };
layout(std430, binding = 1) buffer Sums { float sums[]; };
layout(push_constant) uniform Shape {
  uint rows;
  uint width;
  uint first;
  uint last;
  uint sums_width;
  uint column;
};

void main() {
  uint row = group_number();
  if (row >= rows) return;
  float squares = 0.0;
  for (uint i = first + lane_number(); i < last; i += kLanes) {
    float value = values[row * width + i];
    squares = fma(value, value, squares);
  }
  float sum = sum_over_lanes(squares);
  if (lane_number() == 0u) sums[row * sums_width + column] = sum;
}
