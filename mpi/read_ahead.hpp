// The aggregator's prompt, evaluated while proposals are still being written.
#pragma once

#include <map>
#include <string>

#include "mpi/growing_prompt.hpp"
#include "mpi/task_run.hpp"

namespace covey {

class ReadAhead {
 public:
  /// `in_order`: the prompt shows proposals by their index; else as they come. `bench` must outlive the object.
  ReadAhead(FlockBench& bench, const GenerateOptions& options, std::int32_t proposals, bool in_order)
      : bench_(bench), prompt_(bench.prompts(), options, proposals), in_order_(in_order) {}

  void arrived(const Proposal& proposal);
  /// `text` follows on what is known of a proposal that has not arrived yet.
  void drafted(std::int32_t index, std::string_view text);
  /// Evaluates some of what is known by now, to be called while the engine has nothing else to do. False if there is
  /// nothing new.
  bool read();

 private:
  FlockBench& bench_;
  GrowingPrompt prompt_;
  bool in_order_;
  std::map<std::int32_t, std::string> early_;   // by index: those before them are still missing
  std::map<std::int32_t, std::string> drafts_;  // by index
  std::int32_t next_ = 0;
  bool news_ = true;            // since the last read()
  std::int32_t evaluated_ = 0;  // tokens
};

}  // namespace covey
