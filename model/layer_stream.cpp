#include "model/layer_stream.hpp"

#include <algorithm>
#include <cassert>
#include <string>
#include <utility>

#include "covey/error.hpp"

namespace covey {
namespace {

std::span<const std::byte> bytes_of(const MatrixView& weights) {
  if (weights.rows == 0 || weights.cols == 0) return {};
  const TensorTypeInfo& type = tensor_type_info(weights.type);
  const auto row = static_cast<std::size_t>(weights.cols / type.block_elements) * type.block_bytes;
  return {weights.data, static_cast<std::size_t>(weights.rows - 1) * weights.row_stride + row};
}

std::uint64_t largest_matrix(const std::vector<std::vector<AbsentMatrix>>& layers) {
  std::uint64_t largest = 0;
  for (const auto& layer : layers) {
    for (const AbsentMatrix& matrix : layer) {
      largest = std::max<std::uint64_t>(largest, bytes_of(matrix.weights).size());
    }
  }
  return largest;
}

/// Whether layer `index` is one of `some`, out of `all`, that lie evenly.
bool is_chosen(std::size_t index, std::size_t some, std::size_t all) {
  return (index + 1) * some / all > index * some / all;
}

}  // namespace

LayerStream::LayerStream(const GgufFile& file, Device& device, std::vector<std::vector<AbsentMatrix>> layers,
                         std::uint64_t limit, bool buffered)
    : file_(file), device_(device), layers_(std::move(layers)), buffered_(buffered) {
  choose(limit);
  for (std::size_t layer = 0; layer < layers_.size(); ++layer) {
    if (stays_[layer]) fill(static_cast<std::int32_t>(layer));
  }
  if (places_ == 0) return;
  next_ = next_read_anew(kNone);
  reader_ = std::thread([this] { read_ahead(); });
}

LayerStream::~LayerStream() {
  if (!reader_.joinable()) return;
  {
    const std::scoped_lock lock(mutex_);
    ends_ = true;
  }
  changed_.notify_all();
  reader_.join();
}

std::int32_t LayerStream::layers_that_stay() const {
  return static_cast<std::int32_t>(std::ranges::count(stays_, true));
}

/// As many layers stay as leave room for two others; if two have no room, none stays.
void LayerStream::choose(std::uint64_t limit) {
  std::vector<std::uint64_t> sizes;
  for (const auto& layer : layers_) {
    std::uint64_t size = 0;
    for (const AbsentMatrix& matrix : layer) size += device_.matrix_cost(matrix.matrix).bytes;
    sizes.push_back(size);
  }
  std::uint64_t held = device_.memory_bytes();
  if (buffered_) held += largest_matrix(layers_);
  const std::uint64_t largest = sizes.empty() ? 0 : *std::ranges::max_element(sizes);
  if (limit < held || limit - held < largest) {
    throw Error("--memory-limit: " + file_.path() + " needs " + std::to_string(held) +
                " bytes for its cache, activations and output, and " + std::to_string(largest) +
                " for a layer: give it " + std::to_string(held + largest) +
                ", or take a shorter context (--ctx), or more ranks");
  }
  const std::uint64_t room = limit - held;
  for (std::size_t some = 0; some <= sizes.size(); ++some) {
    std::uint64_t stay = 0;
    std::uint64_t widest = 0;
    for (std::size_t layer = 0; layer < sizes.size(); ++layer) {
      if (is_chosen(layer, some, sizes.size())) {
        widest = std::max(widest, sizes[layer]);
      } else {
        stay += sizes[layer];
      }
    }
    const bool last = some == sizes.size() && some > 0;
    if (stay + 2 * widest > room && !last) continue;
    places_ = some == 0 ? 0 : stay + 2 * widest <= room ? 2 : 1;
    stays_.clear();
    for (std::size_t layer = 0; layer < sizes.size(); ++layer) stays_.push_back(!is_chosen(layer, some, sizes.size()));
    return;
  }
}

std::int32_t LayerStream::next_read_anew(std::int32_t layer) const {
  const auto count = static_cast<std::int32_t>(stays_.size());
  do {
    layer = (layer + 1) % count;
  } while (stays_[static_cast<std::size_t>(layer)]);
  return layer;
}

std::vector<StreamedLayer> LayerStream::streamed() const {
  std::vector<StreamedLayer> all;
  for (std::size_t layer = 0; layer < layers_.size(); ++layer) {
    if (stays_[layer]) continue;
    StreamedLayer& one = all.emplace_back();
    one.layer = static_cast<std::int32_t>(layer);
    for (const AbsentMatrix& matrix : layers_[layer]) {
      const std::span<const std::byte> bytes = bytes_of(matrix.weights);
      if (!bytes.empty()) one.parts.push_back(part_of(file_, bytes));
    }
  }
  return all;
}

void LayerStream::read_from(LayerSource* source) {
  assert(buffered_);
  const std::scoped_lock lock(filling_);
  source_ = source;
}

void LayerStream::fill(std::int32_t layer) {
  const std::scoped_lock lock(filling_);
  const auto& matrices = layers_[static_cast<std::size_t>(layer)];
  bool comes = source_ != nullptr && source_->ask(layer);
  if (!comes) {
    for (const AbsentMatrix& matrix : matrices) file_.prefetch(bytes_of(matrix.weights));
  }
  for (const AbsentMatrix& matrix : matrices) {
    comes = comes && fill_from_source(matrix);
    if (comes) continue;
    device_.fill_matrix(matrix.matrix, matrix.weights, [&](std::span<const std::byte> part) { file_.release(part); });
  }
}

bool LayerStream::fill_from_source(const AbsentMatrix& matrix) {
  MatrixView weights = matrix.weights;
  buffer_.resize(bytes_of(weights).size());
  if (!buffer_.empty() && !source_->read(buffer_)) return false;
  weights.data = buffer_.data();
  device_.fill_matrix(matrix.matrix, weights, [](std::span<const std::byte>) {});
  return true;
}

void LayerStream::empty(std::int32_t layer) {
  for (const AbsentMatrix& matrix : layers_[static_cast<std::size_t>(layer)]) device_.empty_matrix(matrix.matrix);
}

void LayerStream::read_ahead() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [&] { return ends_ || there_.size() + (in_use_ == kNone ? 0 : 1) < places_; });
    if (ends_) return;
    const std::vector<std::int32_t> done = std::exchange(done_, {});
    reading_ = std::exchange(next_, next_read_anew(next_));
    lock.unlock();
    std::exception_ptr failure;
    try {
      for (const std::int32_t layer : done) empty(layer);
      fill(reading_);
    } catch (...) {
      failure = std::current_exception();
    }
    lock.lock();
    failure_ = failure;
    if (failure) ends_ = true;
    there_.push_back(std::exchange(reading_, kNone));
    changed_.notify_all();
  }
}

void LayerStream::use(std::int32_t layer) {
  if (places_ == 0) return;
  std::unique_lock lock(mutex_);
  if (in_use_ == layer) return;
  if (in_use_ != kNone) {
    done_.push_back(std::exchange(in_use_, kNone));
    changed_.notify_all();
  }
  if (stays_[static_cast<std::size_t>(layer)]) return;
  for (;;) {
    if (failure_) std::rethrow_exception(failure_);
    if (!there_.empty() && there_.front() == layer) break;
    if (!there_.empty()) {
      // The last pass ended early: what was read ahead is not what comes.
      done_.push_back(there_.front());
      there_.pop_front();
      if (reading_ != layer && std::ranges::find(there_, layer) == there_.end()) next_ = layer;
      changed_.notify_all();
      continue;
    }
    changed_.wait(lock);
  }
  there_.pop_front();
  in_use_ = layer;
}

}  // namespace covey
