#include "mpi/checkup.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>

#include "kernels/cpu/isa.hpp"
#include "mpi/byte_stream.hpp"
#include "mpi/launch.hpp"
#include "mpi/link_probe.hpp"
#include "mpi/machine_usage.hpp"
#include "mpi/message.hpp"
#include "mpi/program_version.hpp"

namespace covey {

namespace {

// Clocks further apart make logs of several hosts hard to read; nothing else depends on them.
constexpr double kClockTolerance = 1.0;

// Rank 0 asks one rank after the other, and names the one that is silent: the others wait until it has.
void add_clocks(Transport& transport, std::chrono::milliseconds timeout, Checkup& result) {
  for (int rank = 1; rank < transport.size(); ++rank) {
    if (transport.rank() == rank) return answer_clock(transport, 0, timeout * (transport.size() + 1));
    if (transport.rank() != 0) continue;
    const ClockReading reading = read_clock(transport, rank, timeout);
    result.clock_offset.push_back(reading.offset);
    result.clock_error.push_back(reading.error);
  }
}

// Rank 0 lets one pair after the other begin.
void add_links(Transport& transport, std::chrono::milliseconds timeout, Checkup& result) {
  const int self = transport.rank();
  const auto deadline = [&] { return self == 0 ? Clock::now() + timeout : kNoDeadline; };
  for (int a = 0; a < transport.size(); ++a) {
    for (int b = a + 1; b < transport.size(); ++b) {
      if (self == 0) {
        for (const int member : {a, b}) {
          if (member != 0) send_message(transport, member, {}, Tag::control);
        }
      } else if (self == a || self == b) {
        recv_message(transport, 0, Tag::control, deadline(), 0);
      }
      PairHealth pair;
      if (self == a) pair = probe_pair(transport, b, timeout);
      if (self == b) answer_probe(transport, a, timeout);
      if (self == a && a != 0) send_message(transport, 0, encode_pair(pair), Tag::control);
      if (self != 0) continue;
      if (a != 0) pair = decode_pair(recv_message(transport, a, Tag::control, Clock::now() + 4 * timeout));
      result.links[static_cast<std::size_t>(a)][static_cast<std::size_t>(b)] = pair.there;
      result.links[static_cast<std::size_t>(b)][static_cast<std::size_t>(a)] = pair.back;
    }
  }
}

std::string rank_text(std::size_t rank, const RankHealth& health) {
  return "rank " + std::to_string(rank) + " on " + health.host;
}

}  // namespace

std::vector<std::byte> encode_health(const RankHealth& health) {
  ByteWriter out;
  out.text(health.host);
  out.text(health.version);
  out.text(health.isa);
  out.zigzag(health.cores);
  out.u64(health.memory_bytes);
  out.u64(health.available_bytes);
  out.u64(health.fingerprint);
  out.text(health.model_error);
  return out.take();
}

RankHealth decode_health(std::span<const std::byte> bytes) {
  ByteReader in(bytes, "description of a rank");
  RankHealth health;
  health.host = in.text();
  health.version = in.text();
  health.isa = in.text();
  health.cores = in.int32();
  health.memory_bytes = in.u64();
  health.available_bytes = in.u64();
  health.fingerprint = in.u64();
  health.model_error = in.text();
  in.end();
  return health;
}

RankHealth own_health() {
  RankHealth health;
  health.host = host_name();
  health.version = program_version();
  health.cores = static_cast<std::int32_t>(allowed_cores().size());
  const HostMemory memory = host_memory();
  health.memory_bytes = memory.total;
  health.available_bytes = memory.available;
  health.isa = select_isa("").name;
  return health;
}

Checkup check_up(Transport& transport, const RankHealth& own, std::chrono::milliseconds timeout) {
  Checkup result;
  const auto ranks = static_cast<std::size_t>(transport.size());
  if (transport.rank() == 0) {
    result.ranks.push_back(own);
    result.clock_offset.push_back(0);
    result.clock_error.push_back(0);
    result.links.assign(ranks, std::vector<LinkHealth>(ranks));
    for (int rank = 1; rank < transport.size(); ++rank) {
      result.ranks.push_back(decode_health(recv_message(transport, rank, Tag::control, Clock::now() + timeout)));
    }
  } else {
    send_message(transport, 0, encode_health(own), Tag::control);
  }
  add_clocks(transport, timeout, result);
  add_links(transport, timeout, result);
  return result;
}

Findings judge_checkup(const Checkup& checkup) {
  Findings findings;
  const RankHealth& first = checkup.ranks.front();
  for (std::size_t rank = 0; rank < checkup.ranks.size(); ++rank) {
    const RankHealth& other = checkup.ranks[rank];
    const std::string name = rank_text(rank, other);
    if (other.version != first.version) {
      findings.problems.push_back(name + " runs version " + other.version + ", rank 0 version " + first.version +
                                  ": put the same program on every host");
    }
    if (!other.model_error.empty()) {
      findings.problems.push_back(name + ": " + other.model_error);
    } else if (other.fingerprint != first.fingerprint && first.model_error.empty()) {
      findings.problems.push_back(name + " holds another model than rank 0: put a copy of the same file on every host");
    }
    if (other.isa != first.isa) {
      findings.remarks.push_back(
          name + " computes with " + other.isa + ", rank 0 with " + first.isa +
          ": pipeline then gives the same text as solo, but not to the last bit; COVEY_ISA chooses another");
    }
    if (std::fabs(checkup.clock_offset[rank]) > kClockTolerance + checkup.clock_error[rank]) {
      findings.remarks.push_back(name + ": its clock is " + std::to_string(std::lround(checkup.clock_offset[rank])) +
                                 " s off rank 0's: logs will be hard to compare");
    }
  }
  return findings;
}

}  // namespace covey
