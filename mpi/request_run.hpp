// Requests on an engine, entered in the ledger as their user sees them.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "model/engine.hpp"
#include "mpi/ledger.hpp"
#include "mpi/mode.hpp"

namespace covey {

/// The request that continues `options.prompt`.
Request continuation(const GenerateOptions& options, const Tokenizer& tokenizer);

class RequestRun {
 public:
  /// A sample that has come to its end.
  struct Ended {
    std::size_t request = 0;
    std::int32_t sample = 0;  ///< its index in the request
    Completion completion;
  };

  /// Queues the requests, which must be the engine's only ones; throws as Engine::submit. Each sample becomes a stream
  /// of `role`. Engine and ledger must outlive the object.
  RequestRun(Engine& engine, Ledger& ledger, const std::vector<Request>& requests, const std::string& role);
  RequestRun(const RequestRun&) = delete;
  RequestRun& operator=(const RequestRun&) = delete;
  /// Gives up what has not ended.
  ~RequestRun();

  /// One forward pass. False when all samples have ended.
  bool step();
  /// What became printable of the request's first sample in the last step.
  const std::string& text(std::size_t request = 0) const { return texts_[request]; }
  /// A request's first sample that has not ended, with its text so far: a view that holds until the next step. Its
  /// index is -1 if all have ended.
  struct Unfinished {
    std::int32_t sample = -1;
    std::string_view text;
  };
  Unfinished unfinished(std::size_t request = 0) const;
  /// Samples that have ended since the last call, in order of requests and samples.
  std::vector<Ended> take_ended();
  /// Ends a sample, all samples of a request, or of all.
  void cancel(std::size_t request, std::int32_t sample);
  void cancel(std::size_t request);
  void cancel();

  /// Generates all samples, or what `sink` lets it (Finish::cancelled), and gives them in order of requests. `sink`
  /// gets the text of the first request's first sample. It may be empty.
  std::vector<Completion> finish(const TextSink& sink);

 private:
  struct Stream {
    SampleId id = 0;
    std::size_t request = 0;
    std::int32_t sample = 0;
    bool taken = false;
  };

  void enter(const Event& event);
  void take(Stream& stream, std::vector<Ended>& ended);

  Engine& engine_;
  Ledger& ledger_;
  std::vector<Stream> streams_;
  std::size_t first_stream_;        // in the ledger
  std::vector<std::string> texts_;  // (requests)
};

/// Answers all questions by themselves, in one batch as far as the engine's limits let them; see Session::generate_all.
std::vector<Answer> answer_together(Engine& engine, Ledger& ledger, const Tokenizer& tokenizer,
                                    std::span<const GenerateOptions> questions, const TextSink& sink);

}  // namespace covey
