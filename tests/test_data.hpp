// Files of tests/data.
#pragma once

#include <string>

namespace covey {

inline std::string data_file(const std::string& model) { return COVEY_TEST_DATA "/" + model + ".gguf"; }

}  // namespace covey
