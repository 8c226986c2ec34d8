// Continues a prompt, as it is generated: example_generate model.gguf "Once upon a time"
#include <covey/covey.hpp>
#include <iostream>

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: " << argv[0] << " MODEL.gguf PROMPT\n";
    return 2;
  }
  try {
    covey::Model model(argv[1]);
    covey::GenerationOptions options;
    options.max_tokens = 64;
    options.sampling.temperature = 0;  // the likeliest token, always
    model.generate(argv[2], options, [](std::string_view text) { return bool(std::cout << text << std::flush); });
    std::cout << '\n';
  } catch (const covey::Error& error) {
    std::cerr << "error: " << error.what() << '\n';
    return 1;
  }
}
