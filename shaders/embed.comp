// Rows of a table as F32: the host has gathered those of the batch.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "groups.glsl"
#include "format.glsl"

layout(std430, binding = 1) buffer Out { float values[]; };
layout(push_constant) uniform Shape {
  uint cols;
  uint rows;
  uint row_words;
  uint halves;
  float factor;
  uint added;  // to what is there
};

void main() {
  uint units = (cols + 31u) / 32u * 4u;
  uint i = invocation_number();
  if (i >= units * rows) return;
  uint row = i / units, unit = i % units;
  vec4 low, high;
  decode(row * row_words, row * row_words + halves, unit >> 2, unit & 3u, low, high);
  uint k = 32u * (unit >> 2) + 4u * (unit & 3u);
  for (uint n = 0u; n < 8u; ++n) {
    uint col = n < 4u ? k + n : k + 12u + n;
    if (col >= cols) continue;
    float value = factor * (n < 4u ? low[n] : high[n - 4u]);
    uint at = row * cols + col;
    values[at] = added != 0u ? values[at] + value : value;
  }
}
