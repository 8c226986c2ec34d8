#include "mpi/loopback_transport.hpp"

#include <algorithm>
#include <exception>
#include <new>
#include <string>
#include <thread>

namespace covey {

class LoopbackTransport final : public Transport {
 public:
  LoopbackTransport(LoopbackHub& hub, int rank) : hub_(hub), rank_(rank) {}

  int rank() const override { return rank_; }
  int size() const override { return hub_.size(); }
  int host_size() const override { return hub_.size(); }
  int host_rank() const override { return rank_; }

  void send(int to, std::span<const std::byte> bytes, Tag tag) override {
    check_peer(*this, to);
    const std::scoped_lock lock(hub_.mutex_);
    if (hub_.failures_[static_cast<std::size_t>(to)]) throw PeerLost(failure_with(to)->rank, failure_with(to)->message);
    hub_.queues_[{rank_, to, tag}].emplace_back(bytes.begin(), bytes.end());
    hub_.changed_.notify_all();
  }

  void recv(int from, std::span<std::byte> bytes, Tag tag, Deadline deadline) override {
    check_peer(*this, from);
    const auto start = Clock::now();
    std::unique_lock lock(hub_.mutex_);
    LoopbackHub::Queue& queue = hub_.queues_[{from, rank_, tag}];
    const auto ready = [&] { return !queue.empty() || failure_with(from).has_value(); };
    if (deadline == kNoDeadline) {
      hub_.changed_.wait(lock, ready);
    } else if (!hub_.changed_.wait_until(lock, deadline, ready)) {
      const auto waited = Clock::now() - start;
      lost_ = RankFailure{from, silent_peer(from, tag, waited).what()};
      throw silent_peer(from, tag, waited);
    }
    if (queue.empty()) throw PeerLost(failure_with(from)->rank, failure_with(from)->message);
    const std::vector<std::byte> message = std::move(queue.front());
    queue.pop_front();
    if (message.size() != bytes.size()) throw wrong_size(from, tag, message.size(), bytes.size());
    std::copy(message.begin(), message.end(), bytes.begin());
  }

  bool ready(int from, Tag tag) override {
    check_peer(*this, from);
    const std::scoped_lock lock(hub_.mutex_);
    if (!hub_.queues_[{from, rank_, tag}].empty()) return true;
    if (failure_with(from)) throw PeerLost(failure_with(from)->rank, failure_with(from)->message);
    return false;
  }

  void outlive_others() override { outlives_ = true; }

  void fail(const std::string& why) noexcept override {
    const std::scoped_lock lock(hub_.mutex_);
    std::optional<RankFailure>& own = hub_.failures_[static_cast<std::size_t>(rank_)];
    if (own) return;
    try {
      own = lost_ && !outlives_ ? *lost_ : RankFailure{rank_, name_rank(rank_, why)};
      if (!hub_.failure_) hub_.failure_ = own;
    } catch (const std::bad_alloc&) {
      own = RankFailure{rank_, {}};
      hub_.failure_ = RankFailure{rank_, {}};
    }
    hub_.changed_.notify_all();
  }

 private:
  // What keeps this rank from exchanging messages with `peer`.
  const std::optional<RankFailure>& failure_with(int peer) const {
    return outlives_ ? hub_.failures_[static_cast<std::size_t>(peer)] : hub_.failure_;
  }

  bool outlives_ = false;
  LoopbackHub& hub_;
  int rank_;
  std::optional<RankFailure> lost_;  // the peer this rank gave up: what others should hear of, rather than of this rank
};

LoopbackHub::LoopbackHub(int ranks) : failures_(static_cast<std::size_t>(ranks)) {
  for (int rank = 0; rank < ranks; ++rank) transports_.push_back(std::make_unique<LoopbackTransport>(*this, rank));
}

LoopbackHub::~LoopbackHub() = default;

Transport& LoopbackHub::transport(int rank) { return *transports_.at(static_cast<std::size_t>(rank)); }

void run_ranks(int ranks, const std::function<void(Transport&)>& work) {
  LoopbackHub hub(ranks);
  std::vector<std::exception_ptr> errors(static_cast<std::size_t>(ranks));
  std::vector<std::thread> threads;
  threads.reserve(errors.size());
  for (int rank = 0; rank < ranks; ++rank) {
    threads.emplace_back([&hub, &work, &error = errors[static_cast<std::size_t>(rank)], rank] {
      try {
        work(hub.transport(rank));
      } catch (const std::exception& e) {
        error = std::current_exception();
        hub.transport(rank).fail(e.what());
      } catch (...) {
        error = std::current_exception();
        hub.transport(rank).fail("unknown error");
      }
    });
  }
  for (auto& thread : threads) thread.join();
  for (const auto& error : errors) {
    if (error) std::rethrow_exception(error);
  }
}

}  // namespace covey
