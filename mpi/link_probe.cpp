#include "mpi/link_probe.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "mpi/byte_stream.hpp"

namespace covey {

namespace {

constexpr int kRounds = 21;
constexpr std::size_t kPieceBytes = std::size_t{64} << 10;
constexpr std::uint64_t kMostPieces = 128;
constexpr double kLongEnough = 0.05;  // seconds

// Not Tag::control: an emulated network holds that back as little as start-up.
constexpr Tag kProbeTag = Tag::partial;

void send_number(Transport& transport, int to, std::uint64_t number) {
  ByteWriter out;
  out.u64(number);
  transport.send(to, out.take(), kProbeTag);
}

std::uint64_t receive_number(Transport& transport, int from, std::chrono::milliseconds timeout) {
  std::array<std::byte, 8> bytes{};
  transport.recv(from, bytes, kProbeTag, Clock::now() + timeout);
  return ByteReader(bytes, "probe").u64();
}

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

std::int64_t wall_nanoseconds() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

/// Streams pieces, ever more of them until it takes long; each stream ends with an answer, which takes a latency.
double stream_rate(Transport& transport, int peer, std::chrono::milliseconds timeout, double latency) {
  const std::vector<std::byte> piece(kPieceBytes);
  double rate = 0;
  for (std::uint64_t pieces = 1; pieces <= kMostPieces; pieces *= 2) {
    const auto start = Clock::now();
    send_number(transport, peer, pieces);
    for (std::uint64_t i = 0; i < pieces; ++i) transport.send(peer, piece, kProbeTag);
    receive_number(transport, peer, timeout);
    // On a busy host the latency may have been measured in a worse moment than this.
    const double all = seconds_since(start);
    const double seconds = std::max(all - 2 * latency, all / 16);
    rate = static_cast<double>(pieces * kPieceBytes) / seconds;
    if (seconds > kLongEnough) break;
  }
  send_number(transport, peer, 0);
  return rate;
}

void sink_streams(Transport& transport, int peer, std::chrono::milliseconds timeout) {
  std::vector<std::byte> piece(kPieceBytes);
  for (;;) {
    const std::uint64_t pieces = receive_number(transport, peer, timeout);
    if (pieces == 0) return;
    if (pieces > kMostPieces) throw Error("rank " + std::to_string(peer) + " announces an endless probe");
    for (std::uint64_t i = 0; i < pieces; ++i) transport.recv(peer, piece, kProbeTag, Clock::now() + timeout);
    send_number(transport, peer, pieces);
  }
}

}  // namespace

std::vector<std::byte> encode_pair(const PairHealth& pair) {
  ByteWriter out;
  for (const LinkHealth& link : {pair.there, pair.back}) {
    out.f64(link.latency);
    out.f64(link.bytes_per_second);
  }
  return out.take();
}

PairHealth decode_pair(std::span<const std::byte> bytes) {
  ByteReader in(bytes, "measurement of a link");
  PairHealth pair;
  for (LinkHealth* const link : {&pair.there, &pair.back}) {
    for (double* const value : {&link->latency, &link->bytes_per_second}) {
      *value = in.f64();
      if (!std::isfinite(*value) || *value < 0) in.malformed("a number is out of range");
    }
  }
  in.end();
  return pair;
}

PairHealth probe_pair(Transport& transport, int peer, std::chrono::milliseconds timeout) {
  std::array<double, kRounds> times{};
  for (double& time : times) {
    const auto start = Clock::now();
    send_number(transport, peer, 0);
    receive_number(transport, peer, timeout);
    time = seconds_since(start);
  }
  std::nth_element(times.begin(), times.begin() + kRounds / 2, times.end());
  const double latency = times[kRounds / 2] / 2;
  PairHealth pair;
  pair.there = {latency, stream_rate(transport, peer, timeout, latency)};
  sink_streams(transport, peer, timeout);
  // The peer measured its own direction: it knows the rate, this rank the latency.
  pair.back = {latency, static_cast<double>(receive_number(transport, peer, timeout))};
  return pair;
}

void answer_probe(Transport& transport, int peer, std::chrono::milliseconds timeout) {
  double shortest = std::numeric_limits<double>::max();
  for (int i = 0; i < kRounds; ++i) {
    const auto start = Clock::now();
    send_number(transport, peer, receive_number(transport, peer, timeout));
    if (i > 0)
      shortest = std::min(shortest, seconds_since(start));  // from an answer to the next question: there and back
  }
  sink_streams(transport, peer, timeout);
  const double rate = stream_rate(transport, peer, timeout, shortest / 2);
  send_number(transport, peer, static_cast<std::uint64_t>(rate));
}

ClockReading read_clock(Transport& transport, int peer, std::chrono::milliseconds timeout) {
  ClockReading best;
  best.error = std::numeric_limits<double>::max();
  for (int i = 0; i < kRounds; ++i) {
    const std::int64_t before = wall_nanoseconds();
    send_number(transport, peer, 0);
    const auto there = static_cast<std::int64_t>(receive_number(transport, peer, timeout));
    const std::int64_t after = wall_nanoseconds();
    // Somewhere between question and answer: in the middle, give or take half the time.
    const double error = static_cast<double>(after - before) * 0.5e-9;
    const double middle = static_cast<double>(before) + static_cast<double>(after - before) * 0.5;
    if (error < best.error) best = {(static_cast<double>(there) - middle) * 1e-9, error};
  }
  return best;
}

void answer_clock(Transport& transport, int peer, std::chrono::milliseconds timeout) {
  for (int i = 0; i < kRounds; ++i) {
    receive_number(transport, peer, timeout);
    send_number(transport, peer, static_cast<std::uint64_t>(wall_nanoseconds()));
  }
}

}  // namespace covey
