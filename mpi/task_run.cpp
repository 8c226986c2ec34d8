#include "mpi/task_run.hpp"

#include <algorithm>
#include <utility>

#include "mpi/growing_prompt.hpp"

namespace covey {

FlockBench::FlockBench(Ledger& ledger, std::unique_ptr<LoadedModel> model, bool own_model,
                       std::string_view usual_prompt)
    : ledger_(ledger),
      model_(std::move(model)),
      local_(*model_->stage),
      metered_(local_, ledger),
      engine_(metered_, *model_->tokenizer),
      prompts_(*model_, own_model, usual_prompt) {}

std::int32_t FlockBench::context() const {
  const RunnerLimits& limits = metered_.limits();
  return static_cast<std::int32_t>(
      std::min<std::int64_t>(limits.n_ctx, std::int64_t{limits.blocks} * limits.block_tokens));
}

Request FlockBench::request(const FlockQuestion& question, Range samples) {
  Request request;
  if (question.aggregates()) {
    const auto count = static_cast<std::int32_t>(question.proposals.size());
    GrowingPrompt prompt(prompts_, question.options, count, question.synthesis);
    for (const std::string& proposal : question.proposals) prompt.add(proposal);
    request = prompt.request(context());
  } else {
    request = continuation(prompts_.question(question.options), *model_->tokenizer);
    // Of the question that was here last, too, it is evaluated in the same pieces.
    if (request.prompt != last_prompt_) last_cut_ = shared_beginning(request.prompt, last_prompt_);
    request.cuts = {last_cut_};
    last_prompt_ = request.prompt;
  }
  request.samples = samples.size();
  request.first_sample = question.first_sample + static_cast<std::uint64_t>(samples.first);
  return request;
}

TaskRun::TaskRun(FlockBench& bench, const FlockTask& task) {
  std::vector<Request> requests;
  for (std::size_t question = 0; question < task.questions.size(); ++question) {
    const Range samples = samples_of(task, question, bench.ledger().rank());
    Request request = bench.request(task.questions[question], samples);
    if (samples.size() == 0) continue;
    requests.push_back(std::move(request));
    parts_.push_back({static_cast<std::int32_t>(question), samples});
    left_ += samples.size();
  }
  if (!requests.empty()) {
    run_.emplace(bench.engine(), bench.ledger(), requests, task.answers ? "answer" : "proposal");
  }
}

const std::string& TaskRun::text() const {
  static const std::string none;
  const bool here = !parts_.empty() && parts_.front().question == 0 && parts_.front().samples.first == 0;
  return here ? run_->text() : none;
}

std::vector<TaskRun::Drawn> TaskRun::take_drawn() {
  std::vector<Drawn> drawn;
  if (!run_) return drawn;
  for (RequestRun::Ended& one : run_->take_ended()) {
    const Part& part = parts_[one.request];
    drawn.push_back({part.question, part.samples.first + one.sample, std::move(one.completion)});
  }
  left_ -= static_cast<std::int32_t>(drawn.size());
  return drawn;
}

std::optional<TaskRun::Draft> TaskRun::take_draft() {
  if (!run_ || parts_.front().question != 0) return std::nullopt;
  const RequestRun::Unfinished now = run_->unfinished();
  if (now.sample < 0) return std::nullopt;
  if (now.sample != std::exchange(drafted_, now.sample)) drafted_bytes_ = 0;
  if (now.text.size() < drafted_bytes_ + kDraftBytes) return std::nullopt;
  const std::string_view added = now.text.substr(drafted_bytes_);
  drafted_bytes_ = now.text.size();
  return Draft{parts_.front().samples.first + now.sample, std::string(added)};
}

void TaskRun::cancel() {
  if (run_) run_->cancel();
}

void TaskRun::cancel(std::int32_t index) {
  for (std::size_t request = 0; request < parts_.size(); ++request) {
    const Part& part = parts_[request];
    const bool here = part.question == 0 && part.samples.first <= index && index < part.samples.last;
    if (here) run_->cancel(request, index - part.samples.first);
  }
}

}  // namespace covey
