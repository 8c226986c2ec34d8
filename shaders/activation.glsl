// Activation functions. Exponentials overflow to infinity and vanish to zero where they must.

float exact_tanh(float x) {
  // tanh loses digits near 0 where it is made of exponentials: a short series serves there.
  float size = abs(x);
  float squared = x * x;
  if (size < 0.35) {
    return x * (1.0 + squared * (-1.0 / 3.0 + squared * (2.0 / 15.0 + squared * (-17.0 / 315.0 + squared *
           (62.0 / 2835.0 + squared * (-1382.0 / 155925.0))))));
  }
  if (size > 15.0) return sign(x);
  return sign(x) * (1.0 - 2.0 / (exp(2.0 * size) + 1.0));
}

float silu(float x) {
  // Beyond the range of exp the answer is x, or so near to zero that zero it is.
  if (x < -87.0) return -0.0;
  return x / (1.0 + exp(-x));
}

float gelu(float x) {
  return 0.5 * x * (1.0 + exact_tanh(0.7978845608028654 * (x + 0.044715 * x * x * x)));
}
