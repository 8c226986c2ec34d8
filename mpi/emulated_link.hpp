// A transport as if its messages went over another network: each is stamped with the time of its arrival and not
// given to the receiver before.
#pragma once

#include <functional>
#include <map>
#include <utility>
#include <vector>

#include "mpi/link_model.hpp"
#include "mpi/transport.hpp"

namespace covey {

class EmulatedLink final : public Transport {
 public:
  /// Where a rank's time comes from, and how it waits for a time to come: the system's clock, unless a test brings its
  /// own.
  struct Time {
    std::function<Clock::time_point()> now;
    std::function<void(Clock::time_point)> wait_until;
  };

  /// `below` must outlive the object. Stamps are times of one host's clock: throws Error if not all ranks share a host,
  /// or if the profile loses a rank that does not exist.
  EmulatedLink(Transport& below, const LinkProfile& profile);
  EmulatedLink(Transport& below, const LinkProfile& profile, Time time);

  int rank() const override { return below_.rank(); }
  int size() const override { return below_.size(); }
  int host_size() const override { return below_.host_size(); }
  int host_rank() const override { return below_.host_rank(); }
  bool is_network() const override { return true; }
  /// Tag::control is not slowed down: it is no part of what is measured. Messages to and from a lost rank vanish. On a
  /// rank that is to die both throw Error, at the first message once its time has come.
  void send(int to, std::span<const std::byte> bytes, Tag tag) override;
  void recv(int from, std::span<std::byte> bytes, Tag tag, Deadline deadline) override;
  /// True from when a message was sent: recv then waits until it would have arrived.
  bool ready(int from, Tag tag) override { return early_.contains({from, tag}) || below_.ready(from, tag); }
  bool arrived(int from, std::size_t bytes, Tag tag) override;
  void outlive_others() override { below_.outlive_others(); }
  /// Alarms and failures pass by the emulated network, so that a lost rank ends too.
  void alarm(const PeerLost& loss) noexcept override { below_.alarm(loss); }
  void regroup(std::uint32_t generation, std::span<const int> members) override;
  void fail(const std::string& why) noexcept override { below_.fail(why); }

 private:
  void live_or_die() const;

  Transport& below_;
  Time time_;
  LinkModel model_;
  std::vector<std::byte> stamped_;                               // a message with its stamp in front
  std::map<std::pair<int, Tag>, std::vector<std::byte>> early_;  // the same, received before they would have arrived
};

}  // namespace covey
