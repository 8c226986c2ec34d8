// Where the weights of streamed layers come from, if not from the file: another rank's memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "model/tensor_part.hpp"

namespace covey {

/// A layer that is read for every pass.
struct StreamedLayer {
  std::int32_t layer = 0;         ///< of the stage
  std::vector<TensorPart> parts;  ///< its matrices, in the order in which they are read
};

/// Used by one thread at a time.
class LayerSource {
 public:
  virtual ~LayerSource() = default;
  /// Asks for the parts of a layer, which read() then gives one after the other. False if the source can't give them.
  virtual bool ask(std::int32_t layer) = 0;
  /// Fills `part` with the next. False if it does not come: nor do those behind it then.
  virtual bool read(std::span<std::byte> part) = 0;
};

}  // namespace covey
