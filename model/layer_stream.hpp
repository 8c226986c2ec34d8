// Layers for which a device has no room for all: some stay, the others are read from the file, each ahead of its use
// (as ZeRO-Inference does, Aminabadi et al. 2022, arXiv:2207.00032).
//
// Layers that come and go lie evenly between those that stay, so that one can be read while those compute, into one of
// two places, which take turns:
//
//     layers       0 1 2 3 4 5 6 7        of 8, 5 stay
//     read anew        x   x     x
//     computes     0 1 2 3 4 5 6 7 0 1 2 ...
//     reads        2 - 4 - 7 - - 2 - - 4
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "kernels/device.hpp"
#include "model/layer_source.hpp"
#include "model/weights.hpp"
#include "third_party_free_formats/gguf.hpp"

namespace covey {

class LayerStream {
 public:
  /// `layers`: of the stage. `limit`: most bytes that the device may hold, and `buffered`: also a matrix as it comes
  /// from a LayerSource. Loads the layers that stay. Throws Error naming the file and the least limit if not even one
  /// layer has room. `file` and `device` must outlive the object.
  LayerStream(const GgufFile& file, Device& device, std::vector<std::vector<AbsentMatrix>> layers, std::uint64_t limit,
              bool buffered);
  ~LayerStream();
  LayerStream(const LayerStream&) = delete;
  LayerStream& operator=(const LayerStream&) = delete;

  /// Waits until the layer is there, and lets go of all others that come and go. Layers are used in order, again and
  /// again. Throws Error if it can't be read.
  void use(std::int32_t layer);

  std::int32_t layers_that_stay() const;

  /// Those that come and go.
  std::vector<StreamedLayer> streamed() const;
  /// From now on layers come from `source`, which is used by the thread that reads ahead, and from the file where it
  /// fails; nullptr: from the file. Returns when `source` is no longer used by what was under way. Of a stream that is
  /// `buffered`.
  void read_from(LayerSource* source);

 private:
  static constexpr std::int32_t kNone = -1;

  void choose(std::uint64_t limit);
  void fill(std::int32_t layer);
  bool fill_from_source(const AbsentMatrix& matrix);
  void empty(std::int32_t layer);
  void read_ahead();
  std::int32_t next_read_anew(std::int32_t layer) const;

  const GgufFile& file_;
  Device& device_;
  std::vector<std::vector<AbsentMatrix>> layers_;
  std::vector<bool> stays_;  // (layers)
  std::size_t places_ = 0;   // for layers that come and go
  bool buffered_ = false;

  std::mutex filling_;  // of what follows
  LayerSource* source_ = nullptr;
  std::vector<std::byte> buffer_;  // a matrix that has come from it

  std::mutex mutex_;  // of all that follows
  std::condition_variable changed_;
  std::int32_t in_use_ = kNone;     // of the layers that come and go
  std::deque<std::int32_t> there_;  // read, not yet used
  std::int32_t reading_ = kNone;
  std::int32_t next_ = kNone;       // to be read
  std::vector<std::int32_t> done_;  // to be emptied
  bool ends_ = false;
  std::exception_ptr failure_;
  std::thread reader_;  // none if all layers stay
};

}  // namespace covey
