// How the softmax over one span of positions joins what is known of those before it. A state is the maximum of the
// scores and the sum of exponentials below it.
const float kNone = -3.0e38;  // below every score; finite, so that differences are

struct Joint {
  vec2 state;
  float before, here;  // what sums of either side are multiplied with
};

Joint join(vec2 before, vec2 here) {
  float largest = max(before.x, here.x);
  Joint joint;
  joint.before = before.y > 0.0 ? exp(before.x - largest) : 0.0;
  joint.here = exp(here.x - largest);
  precise float sum = fma(before.y, joint.before, here.y * joint.here);
  joint.state = vec2(largest, sum);
  return joint;
}

float joined_value(Joint joint, float before, float here) {
  precise float value = fma(before, joint.before, here * joint.here);
  return value;
}
