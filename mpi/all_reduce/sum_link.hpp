// What algorithms of sums send and receive with: one rank's side, values as the wire carries them.
#pragma once

#include <chrono>
#include <span>
#include <vector>

#include "mpi/transport.hpp"
#include "mpi/wire_type.hpp"

namespace covey {

/// What a rank adds up: a part of a larger sum.
struct SumPiece {
  std::span<float> values;
  /// As long as `values`, or empty: what rounding for the wire takes away on this rank is added here, so that a later
  /// sum can bring it.
  std::span<float> errors;

  SumPiece part(std::size_t first, std::size_t count) const {
    return {values.subspan(first, count), errors.empty() ? errors : errors.subspan(first, count)};
  }
};

class SumLink {
 public:
  /// `transport` must outlive the object. A peer that sends nothing for `timeout` counts as lost; the later in a sum,
  /// the more patience: whoever waits for a rank that waits itself should not be the first to give up.
  SumLink(Transport& transport, std::chrono::milliseconds timeout, WireType wire)
      : transport_(transport), timeout_(timeout), wire_(wire) {}

  int rank() const { return transport_.rank(); }
  int ranks() const { return transport_.size(); }

  /// A sum begins.
  void begin() { received_ = 0; }
  /// Others receive a message meanwhile, whose results this rank waits for next.
  void others_receive() { ++received_; }

  /// The piece that `part` of as many as there are ranks is responsible for; cut between blocks of the wire. May be
  /// empty.
  SumPiece slice(const SumPiece& piece, int part) const;

  /// The values as they travel. They become what a receiver reads, so that all ranks go on with the same. The bytes
  /// last until the next call.
  std::span<const std::byte> encode(const SumPiece& piece);

  /// Empty messages are left out on both sides.
  void send(int to, std::span<const std::byte> bytes);
  void send_to_all(std::span<const std::byte> bytes);
  void receive(int from, std::span<float> values);
  void receive_and_add(int from, std::span<float> values);
  /// Decodes into `values` too; the bytes, to be passed on as they are, last until the next call.
  std::span<const std::byte> receive_bytes(int from, std::span<float> values);

  /// Whether so many values have come from each of the others.
  bool all_arrived(std::size_t values);

  /// Adds this rank's values and those that all others send, in order of ranks 0, 1, 2, …
  void add_in_rank_order(std::span<float> values);
  /// Only where the transport can, and nothing is rounded.
  void sum_by_transport(std::span<float> values) { transport_.sum(values, Clock::now() + timeout_); }

 private:
  Transport& transport_;
  std::chrono::milliseconds timeout_;
  WireType wire_;
  int received_ = 0;  // messages in this sum
  std::vector<std::byte> outgoing_;
  std::vector<std::byte> incoming_;
  std::vector<float> peer_;
  std::vector<float> total_;
};

}  // namespace covey
