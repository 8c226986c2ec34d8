#include "mpi/all_reduce/sum_plan.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <limits>
#include <utility>

#include "model/fingerprint.hpp"
#include "mpi/byte_stream.hpp"
#include "mpi/message.hpp"

namespace covey {

namespace {

constexpr std::size_t kManyRows = 16;
constexpr int kRepetitions = 3;

double seconds_of_sum(SumLink& link, const SumAlgorithm& algorithm, std::vector<float>& values) {
  double best = std::numeric_limits<double>::max();
  for (int i = 0; i < kRepetitions; ++i) {
    std::ranges::fill(values, 1.0F);
    const auto start = Clock::now();
    sum_in_windows(link, algorithm, {values, {}});
    best = std::min(best, std::chrono::duration<double>(Clock::now() - start).count());
  }
  return best;
}

// By candidate: a row, then many.
std::vector<std::array<double, 2>> measured(SumLink& link, std::span<const SumAlgorithm* const> candidates,
                                            std::size_t row) {
  std::vector<std::array<double, 2>> times;
  for (const SumAlgorithm* const algorithm : candidates) {
    auto& entry = times.emplace_back();
    for (std::size_t i = 0; i < entry.size(); ++i) {
      std::vector<float> values(i == 0 ? row : row * kManyRows);
      entry[i] = seconds_of_sum(link, *algorithm, values);
    }
  }
  return times;
}

std::vector<std::byte> encode_times(const std::vector<std::array<double, 2>>& times) {
  ByteWriter out;
  for (const auto& entry : times) {
    for (const double seconds : entry) out.f64(seconds);
  }
  return out.take();
}

std::vector<std::array<double, 2>> decode_times(std::span<const std::byte> bytes, std::size_t count) {
  ByteReader in(bytes, "times of sums");
  std::vector<std::array<double, 2>> times(count);
  for (auto& entry : times) {
    for (double& seconds : entry) {
      seconds = in.f64();
      if (!(seconds >= 0 && seconds < 1e9)) in.malformed("a time is out of range");
    }
  }
  in.end();
  return times;
}

// The slowest rank's times, on all ranks.
std::vector<std::array<double, 2>> agree(Transport& transport, std::chrono::milliseconds timeout,
                                         std::vector<std::array<double, 2>> times) {
  const auto receive = [&](int from) {
    return decode_times(recv_message(transport, from, Tag::control, Clock::now() + timeout), times.size());
  };
  if (transport.rank() != 0) {
    send_message(transport, 0, encode_times(times), Tag::control);
    return receive(0);
  }
  for (int rank = 1; rank < transport.size(); ++rank) {
    const auto others = receive(rank);
    for (std::size_t i = 0; i < times.size(); ++i) {
      for (std::size_t k = 0; k < times[i].size(); ++k) times[i][k] = std::max(times[i][k], others[i][k]);
    }
  }
  for (int rank = 1; rank < transport.size(); ++rank) {
    send_message(transport, rank, encode_times(times), Tag::control);
  }
  return times;
}

bool starts(const MeasuredSum& sum) { return sum.algorithm->start != nullptr; }

bool can_leave_to(const Transport& transport, WireType wire) { return wire == WireType::f32 && transport.can_sum(); }

std::vector<const SumAlgorithm*> usual_candidates(const Transport& transport, WireType wire) {
  const int ranks = transport.size();
  std::vector<const SumAlgorithm*> usual;
  for (const SumAlgorithm& algorithm : sum_algorithms()) {
    // Of two ranks each sends the other its half of everything, whichever way: nothing is faster than one delay.
    if (algorithm.in_rank_order && (ranks > 2 || usual.empty())) usual.push_back(&algorithm);
  }
  // a + b is b + a: of two ranks every sum has the bits of the order of ranks.
  if (ranks == 2 && can_leave_to(transport, wire)) usual.push_back(&transport_sum());
  return usual;
}

// The MPI standard only advises that all ranks get the same bits, which of more than two ranks depend on the order of
// additions: seen to on sums whose bits show it, of all sizes up to a window, since the library may add each in another
// way.
void check_transport_sum(Transport& transport, std::chrono::milliseconds timeout) {
  SumLink link(transport, timeout, WireType::f32);
  Fingerprint bits;
  for (std::size_t size = 2; size <= kSumWindow; size *= 4) {
    std::vector<float> values(size);
    for (std::size_t i = 0; i < size; ++i) {
      values[i] = 1.0F / static_cast<float>(i % 1021 + 3 * static_cast<std::size_t>(transport.rank()) + 1);
    }
    link.begin();
    link.sum_by_transport(values);
    bits.add(std::as_bytes(std::span(values)));
  }
  const auto receive = [&](int from) {
    const auto message = recv_message(transport, from, Tag::control, Clock::now() + timeout);
    ByteReader in(message, "bits of a sum");
    const std::uint64_t value = in.u64();
    in.end();
    return value;
  };
  const auto send = [&](int to, std::uint64_t value) {
    ByteWriter out;
    out.u64(value);
    send_message(transport, to, out.take(), Tag::control);
  };
  bool same = true;
  if (transport.rank() == 0) {
    for (int rank = 1; rank < transport.size(); ++rank) same = receive(rank) == bits.value() && same;
    for (int rank = 1; rank < transport.size(); ++rank) send(rank, same ? 1 : 0);
  } else {
    send(0, bits.value());
    same = receive(0) == 1;
  }
  if (!same) {
    throw Error(
        "--allreduce mpi: this MPI gives ranks sums of different bits, so they would drift apart: leave it out");
  }
}

}  // namespace

SumPlan::SumPlan(std::vector<MeasuredSum> choices) : choices_(std::move(choices)) {}

const SumAlgorithm& SumPlan::best(std::size_t values) const {
  const auto seconds = [&](const MeasuredSum& sum) { return sum.fixed + sum.per_value * static_cast<double>(values); };
  return *std::ranges::min_element(choices_, {}, seconds)->algorithm;
}

bool SumPlan::can_start() const { return std::ranges::any_of(choices_, starts); }

const SumAlgorithm& SumPlan::best_to_start(std::size_t values) const {
  std::vector<MeasuredSum> starting;
  std::ranges::copy_if(choices_, std::back_inserter(starting), starts);
  return SumPlan(std::move(starting)).best(values);
}

bool SumPlan::same_in_pieces(int ranks, WireType wire, std::size_t row) const {
  const bool exact = wire == WireType::f32;
  if (exact && ranks == 2) return true;  // a + b is b + a
  const auto all = [&](bool SumAlgorithm::*property) {
    return std::ranges::all_of(choices_, [&](const MeasuredSum& sum) { return sum.algorithm->*property; });
  };
  if (exact && all(&SumAlgorithm::in_rank_order)) return true;
  return choices_.size() == 1 && all(&SumAlgorithm::same_everywhere) && (exact || row % kWireBlock == 0);
}

void sum_in_windows(SumLink& link, const SumAlgorithm& algorithm, const SumPiece& piece) {
  const bool whole = piece.values.size() <= kSumWindow;
  for (std::size_t done = 0; done < piece.values.size(); done += kSumWindow) {
    link.begin();
    const SumPiece part = whole ? piece : piece.part(done, std::min(kSumWindow, piece.values.size() - done));
    if (algorithm.start != nullptr) algorithm.start(link, part);
    algorithm.finish(link, part);
  }
}

SumPlan measure_sums(Transport& transport, std::chrono::milliseconds timeout, WireType wire,
                     std::span<const SumAlgorithm* const> candidates, std::size_t row) {
  const auto usual = usual_candidates(transport, wire);
  if (candidates.empty()) candidates = usual;
  if (transport.size() > 1 && std::ranges::find(candidates, &transport_sum()) != candidates.end()) {
    if (!can_leave_to(transport, wire)) {
      throw Error(
          "--allreduce mpi: MPI adds exact values of all ranks, over the real network: not with --link, "
          "--wire f16 or int8, or --mode hybrid");
    }
    if (transport.size() > 2) check_transport_sum(transport, timeout);
  }
  if (candidates.size() == 1 || transport.size() == 1) return SumPlan(*candidates.front());
  SumLink link(transport, timeout, wire);
  const auto times = agree(transport, timeout, measured(link, candidates, row));
  std::vector<MeasuredSum> choices;
  for (std::size_t i = 0; i < times.size(); ++i) {
    // Noise can make the larger sum look faster.
    const double per_value = std::max(0.0, times[i][1] - times[i][0]) / static_cast<double>(row * (kManyRows - 1));
    choices.push_back({candidates[i], std::max(0.0, times[i][0] - per_value * static_cast<double>(row)), per_value});
  }
  return SumPlan(std::move(choices));
}

}  // namespace covey
