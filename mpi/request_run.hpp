// One request on an engine, entered in the ledger as its user sees it.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "model/engine.hpp"
#include "mpi/ledger.hpp"
#include "mpi/mode.hpp"

namespace covey {

/// The request that continues `options.prompt`.
Request continuation(const GenerateOptions& options, const Tokenizer& tokenizer);

/// The first as the answer, the rest as Answer::others.
Answer answer_of(std::vector<Completion> completions);

class RequestRun {
 public:
  /// Queues the request, which must be the engine's only one; throws as Engine::submit. Each sample becomes a stream of
  /// `role`. Both must outlive the object.
  RequestRun(Engine& engine, Ledger& ledger, const Request& request, const std::string& role);

  /// Generates all samples, or what `sink` lets it, and gives them in order. `sink` is told of the first
  /// one's text. `after_pass` is called after each forward
  /// pass but the last. Both may be empty.
  std::vector<Completion> finish(const TextSink& sink, const std::function<void()>& after_pass = {});

 private:
  void enter(const Event& event);
  std::vector<Completion> completions();

  Engine& engine_;
  Ledger& ledger_;
  std::vector<SampleId> samples_;
  std::size_t first_stream_;
};

}  // namespace covey
