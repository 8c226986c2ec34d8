// Some consecutive ranks of a transport as a transport of their own, counted from 0.
#pragma once

#include "mpi/transport.hpp"

namespace covey {

class SubTransport final : public Transport {
 public:
  /// Ranks first .. first + size - 1 of `below`, this rank among them. `below` must outlive the object. Errors name
  /// ranks as `below` counts them.
  SubTransport(Transport& below, int first, int size) : below_(below), first_(first), size_(size) {}

  int rank() const override { return below_.rank() - first_; }
  int size() const override { return size_; }
  int host_size() const override { return below_.host_size(); }
  int host_rank() const override { return below_.host_rank(); }
  void send(int to, std::span<const std::byte> bytes, Tag tag) override { below_.send(first_ + to, bytes, tag); }
  void recv(int from, std::span<std::byte> bytes, Tag tag, Deadline deadline) override {
    below_.recv(first_ + from, bytes, tag, deadline);
  }
  bool ready(int from, Tag tag) override { return below_.ready(first_ + from, tag); }
  void outlive_others() override { below_.outlive_others(); }
  void fail(const std::string& why) noexcept override { below_.fail(why); }

 private:
  Transport& below_;
  int first_;
  int size_;
};

}  // namespace covey
