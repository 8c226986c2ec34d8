// Norms of equal parts of rows: a workgroup each.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "groups.glsl"
#include "sums.glsl"

layout(std430, binding = 0) readonly buffer In { float values_in[]; };
layout(std430, binding = 1) writeonly buffer Out { float values_out[]; };
layout(std430, binding = 2) readonly buffer Weight { float weight[]; };
layout(std430, binding = 3) readonly buffer Bias { float bias[]; };
layout(push_constant) uniform Shape {
  uint parts;        // in all rows
  uint part;         // values in one
  uint in_row;       // parts in a row
  uint weight_step;  // from one part's weights to the next one's; 0: all have the same
  float epsilon;
  uint layer;        // NormKind::layer
  uint biased;
};

void main() {
  uint group = group_number();
  if (group >= parts) return;
  uint start = group * part, lane = lane_number();
  float mean = 0.0;
  if (layer != 0u) {
    float sum = 0.0;
    for (uint i = lane; i < part; i += kLanes) sum += values_in[start + i];
    mean = sum_over_lanes(sum) / float(part);
  }
  float squares = 0.0;
  for (uint i = lane; i < part; i += kLanes) {
    float value = values_in[start + i] - mean;
    squares = fma(value, value, squares);
  }
  float factor = 1.0 / sqrt(sum_over_lanes(squares) / float(part) + epsilon);
  uint of_weights = group % in_row * weight_step;
  for (uint i = lane; i < part; i += kLanes) {
    float value = (values_in[start + i] - mean) * factor * weight[of_weights + i];
    values_out[start + i] = biased != 0u ? value + bias[of_weights + i] : value;
  }
}
