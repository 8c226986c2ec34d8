// Quantizing by the name of a mixture alone.
#pragma once

#include <string_view>

#include "model/quantize_recipe.hpp"

namespace covey {

inline QuantizeRecipe recipe_of(std::string_view name) {
  return {.mixture = find_mixture(name), .output = {}, .embedding = {}, .keep = {}};
}

}  // namespace covey
