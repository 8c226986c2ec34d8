// The experts of each token: those of highest probability, the first of equals, in order of their numbers. An invocation
// a token.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "groups.glsl"

layout(std430, binding = 0) buffer Router { float router[]; };   // (tokens, experts); becomes probabilities
layout(std430, binding = 1) buffer Routes { uvec2 routes[]; };   // (tokens, used): expert, its weight as bits
layout(push_constant) uniform Shape {
  uint tokens;
  uint experts;
  uint used;
  uint normalise;
};

void softmax(uint at) {
  float largest = router[at];
  for (uint e = 1u; e < experts; ++e) largest = max(largest, router[at + e]);
  float sum = 0.0;
  for (uint e = 0u; e < experts; ++e) {
    router[at + e] = exp(router[at + e] - largest);
    sum += router[at + e];
  }
  for (uint e = 0u; e < experts; ++e) router[at + e] /= sum;
}

void main() {
  uint token = invocation_number();
  if (token >= tokens) return;
  uint at = token * experts, out_at = token * used;
  softmax(at);
  float total = 0.0, previous = 2.0;  // above every probability
  uint previous_expert = 0u;
  for (uint n = 0u; n < used; ++n) {
    uint best = experts;
    for (uint e = 0u; e < experts; ++e) {
      float p = router[at + e];
      bool taken = p > previous || (p == previous && e <= previous_expert);
      if (n > 0u && taken) continue;
      if (best == experts || p > router[at + best]) best = e;
    }
    best = min(best, experts - 1u);  // probabilities that are no numbers leave none
    previous = router[at + best];
    previous_expert = best;
    total += previous;
    uint place = out_at + n;
    for (; place > out_at && routes[place - 1u].x > best; --place) routes[place] = routes[place - 1u];
    routes[place] = uvec2(best, floatBitsToUint(previous));
  }
  if (normalise == 0u) return;
  for (uint n = 0u; n < used; ++n) {
    routes[out_at + n].y = floatBitsToUint(uintBitsToFloat(routes[out_at + n].y) / total);
  }
}
