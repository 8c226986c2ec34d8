// One rank's part of a task: its model, and the samples that it draws.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "mpi/flock_task.hpp"
#include "mpi/metered_runner.hpp"
#include "mpi/prompt_maker.hpp"
#include "mpi/request_run.hpp"

namespace covey {

/// What a rank of a flock works with.
class FlockBench {
 public:
  /// `ledger` must outlive the object; for the rest see PromptMaker.
  FlockBench(Ledger& ledger, std::unique_ptr<LoadedModel> model, bool own_model, std::string_view usual_prompt);

  Ledger& ledger() { return ledger_; }
  const LoadedModel& model() const { return *model_; }
  Runner& runner() { return metered_; }
  Engine& engine() { return engine_; }
  const PromptMaker& prompts() const { return prompts_; }
  /// Most tokens of a prompt and its answer.
  std::int32_t context() const;

  /// The request for some samples of a question. Questions that don't aggregate have to pass here in the same order on
  /// all ranks, with or without samples: what two of them begin with in common is evaluated by itself, and so in the
  /// same pieces wherever a sample is drawn. The last one may pass again.
  Request request(const FlockQuestion& question, Range samples);

 private:
  Ledger& ledger_;
  std::unique_ptr<LoadedModel> model_;
  LocalRunner local_;
  MeteredRunner metered_;
  Engine engine_;
  PromptMaker prompts_;
  std::vector<Token> last_prompt_;
  std::int32_t last_cut_ = 0;
};

class TaskRun {
 public:
  /// A sample that has ended.
  struct Drawn {
    std::int32_t question = 0, index = 0;
    Completion completion;
  };

  /// Throws Error if a prompt does not fit, or options make no sense.
  TaskRun(FlockBench& bench, const FlockTask& task);

  /// One forward pass. False when nothing is left to draw.
  bool step() { return run_ && run_->step(); }
  /// What became printable of the first question's first sample, if it is drawn here.
  const std::string& text() const;
  std::vector<Drawn> take_drawn();
  /// Of the first question's first unfinished sample here.
  struct Draft {
    std::int32_t index = 0;
    std::string text;
  };
  /// What has been added to it since the last call; nullopt if that is little.
  std::optional<Draft> take_draft();
  /// Ends all samples as they are, or that one of the first question.
  void cancel();
  void cancel(std::int32_t index);
  /// Samples that take_drawn() has yet to give.
  std::int32_t left() const { return left_; }

 private:
  struct Part {
    std::int32_t question = 0;
    Range samples;
  };

  std::vector<Part> parts_;  // (requests)
  std::optional<RequestRun> run_;
  std::int32_t left_ = 0;
  std::int32_t drafted_ = -1;      // the sample whose draft was taken last
  std::size_t drafted_bytes_ = 0;  // of its text
};

}  // namespace covey
