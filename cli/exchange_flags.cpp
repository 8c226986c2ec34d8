#include "cli/exchange_flags.hpp"

#include <cmath>
#include <functional>
#include <utility>
#include <vector>

#include "cli/numbers.hpp"
#include "cli/suggestion.hpp"
#include "mpi/link_model.hpp"

namespace covey {

namespace {

std::vector<std::string> link_names() {
  std::vector<std::string> names;
  for (const LinkProfile& profile : link_profiles()) names.emplace_back(profile.name);
  return names;
}

/// What `parse` accepts; its Error says what is wrong with the rest.
CLI::Validator readable_by(std::function<void(const std::string&)> parse) {
  return {[parse = std::move(parse)](std::string& text) {
            try {
              parse(text);
              return std::string();
            } catch (const Error& error) {
              return std::string(error.what());
            }
          },
          ""};
}

}  // namespace

std::chrono::milliseconds LinkFlags::timeout() const {
  return std::chrono::milliseconds(std::llround(timeout_seconds * 1000));
}

void add_link_flags(CLI::App& parser, LinkFlags& flags, const char* group) {
  parser
      .add_option("--ranks", flags.ranks,
                  "Start that many ranks on this machine, by mpirun (default: those that are there)")
      ->check(whole_in_range(1, 1024))
      ->option_text("N")
      ->group(group);
  parser
      .add_option("--link", flags.profile,
                  "Emulate a network between the ranks: " + joined(link_names()) +
                      "; or latency=2ms,bandwidth=100mbit,jitter=1ms")
      ->check(readable_by(find_link_profile))
      ->option_text("PROFILE")
      ->group(group);
  parser.add_option("--timeout", flags.timeout_seconds, "Silence after which a rank counts as lost (default 30)")
      ->check(in_range(0.1, 86400))
      ->option_text("SECONDS")
      ->group(group);
}

ExchangeOptions ExchangeFlags::options() const {
  ExchangeOptions options;
  options.sums = parse_sum_algorithms(sums);
  options.wire = find_wire(wire);
  options.overlap = overlap == "on";
  if (!mesh.empty()) options.mesh = parse_mesh(mesh);
  options.schedule = schedule == "plain" ? Schedule::plain : Schedule::no_bubble;
  options.micro_batch = micro_batch;
  return options;
}

void add_exchange_flags(CLI::App& parser, ExchangeFlags& flags, const char* group) {
  parser
      .add_option(
          "--allreduce", flags.sums,
          "tensor, hybrid: how partial sums are added: direct, scatter, ring, doubling, mpi (its own, without --link "
          "and --wire); of several, separated by commas, the fastest by a short measurement; auto (default): of those "
          "whose bits are the same")
      ->check(readable_by(parse_sum_algorithms))
      ->option_text("NAMES")
      ->group(group);
  parser
      .add_option("--wire", flags.wire,
                  "pipeline, tensor, hybrid: type of what ranks exchange: " + joined(wire_names()) + " (default f32)")
      ->check(one_of(wire_names()))
      ->option_text("TYPE")
      ->group(group);
  parser
      .add_option("--overlap", flags.overlap,
                  "tensor, hybrid: whether the sums of a part of a prompt or batch travel while another part is "
                  "computed: on (default) or off")
      ->check(one_of({"on", "off"}))
      ->option_text("on|off")
      ->group(group);
  parser.add_option("--mesh", flags.mesh, "hybrid: TxP, T ranks in each of P stages, like 2x2")
      ->check(readable_by(parse_mesh))
      ->option_text("TxP")
      ->group(group);
  parser
      .add_option("--schedule", flags.schedule,
                  "pipeline, hybrid: no-bubble (default), which lets each sequence go on as soon as its own token "
                  "returns, or plain, all together")
      ->check(one_of({"no-bubble", "plain"}))
      ->option_text("NAME")
      ->group(group);
  parser
      .add_option("--micro-batch", flags.micro_batch,
                  "pipeline, hybrid: most tokens of a prompt in one pass, so that all stages work on it at once; 0: as "
                  "--batch (default " +
                      std::to_string(ExchangeOptions::kUsualMicroBatch) + "; 0 with float weights and BLAS)")
      ->check(whole_in_range(0, 65536))
      ->option_text("N")
      ->group(group);
}

}  // namespace covey
