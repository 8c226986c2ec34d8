// The options that say over what ranks work together, and how they exchange what they compute.
#pragma once

#include <CLI/CLI.hpp>
#include <chrono>
#include <optional>
#include <string>

#include "mpi/exchange_options.hpp"

namespace covey {

/// --ranks, --link, --timeout.
struct LinkFlags {
  std::string profile;  ///< of link_model.hpp; empty: the real network alone
  double timeout_seconds = 30;
  int ranks = 0;  ///< see program.cpp

  std::chrono::milliseconds timeout() const;
};
void add_link_flags(CLI::App& parser, LinkFlags& flags, const char* group);

/// --allreduce, --wire, --overlap, --mesh, --schedule, --micro-batch.
struct ExchangeFlags {
  std::string sums = "auto";
  std::string wire = "f32";
  std::string overlap = "on";
  std::string mesh;
  std::string schedule = "no-bubble";
  std::optional<std::int32_t> micro_batch;

  ExchangeOptions options() const;
};
void add_exchange_flags(CLI::App& parser, ExchangeFlags& flags, const char* group);

}  // namespace covey
