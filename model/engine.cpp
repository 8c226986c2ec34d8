#include "model/engine.hpp"

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "covey/error.hpp"
#include "model/grammar/constraint_maker.hpp"
#include "model/request_check.hpp"
#include "model/sample.hpp"
#include "model/sequence_store.hpp"

namespace covey {

struct Engine::Impl {
  Impl(Runner& runner_in, const Tokenizer& tokenizer_in, EngineOptions options)
      : runner(runner_in),
        tokenizer(tokenizer_in),
        constraints(tokenizer_in),
        max_running(std::clamp(options.max_running, 1, runner.limits().max_tokens)),
        sequences(runner_in, std::max(0, options.prefix_cache)) {}

  /// One that gives each of its samples a token.
  struct Pass {
    std::vector<SampleId> samples;
    bool gives_shortlists = false;
  };

  // -- Requests -------------------------------------------------------------------------------------------------------

  std::vector<SampleId> submit(const Request& request) {
    check_request(request, runner.limits());
    const auto constraint = constraints.make(request.sampling, !request.ignore_eos);
    const auto shared = std::make_shared<const Request>(request);
    std::vector<SampleId> ids;
    for (std::int32_t i = 0; i < request.samples; ++i) {
      const SampleId id = next_sample++;
      auto sample = std::make_unique<Sample>(shared, id, i, runner.limits().n_vocab, tokenizer, constraint);
      if (i > 0) sample->state = SampleState::following;
      samples.emplace(id, std::move(sample));
      ids.push_back(id);
    }
    samples.at(ids.front())->followers.assign(ids.begin() + 1, ids.end());
    waiting.push_back(ids.front());
    return ids;
  }

  SampleId fork(SampleId id, std::uint64_t seed) {
    const Sample& source = at(id);
    if (source.state != SampleState::running) {
      throw Error("sample " + std::to_string(id) + " is not running and cannot be forked");
    }
    auto copy = std::make_unique<Sample>(source);
    copy->id = next_sample++;
    copy->sampler.reseed(seed);
    copy->in_flight = false;
    copy->sequence = sequences.fork(source.sequence, source.cached);
    running.push_back(copy->id);
    const SampleId result = copy->id;
    samples.emplace(result, std::move(copy));
    return result;
  }

  void cancel(SampleId id) {
    Sample& sample = at(id);
    if (sample.state == SampleState::ended) return;
    pass_on_lead(sample);
    end(sample, Finish::cancelled);
    for (auto& [other_id, other] : samples) std::erase(other->followers, id);
  }

  /// A leader that ends before its prompt is evaluated leaves what it has to its first follower.
  void pass_on_lead(Sample& leader) {
    if (leader.followers.empty()) return;
    Sample& heir = at(leader.followers.front());
    heir.followers.assign(leader.followers.begin() + 1, leader.followers.end());
    leader.followers.clear();
    heir.state = leader.state;
    heir.sequence = std::exchange(leader.sequence, -1);
    heir.cached = std::exchange(leader.cached, 0);
    heir.completion.reused_tokens = leader.completion.reused_tokens;
    std::ranges::replace(waiting, leader.id, heir.id);
  }

  Sample& at(SampleId id) const {
    const auto found = samples.find(id);
    if (found == samples.end()) throw Error("there is no sample " + std::to_string(id));
    return *found->second;
  }

  // -- Steps ----------------------------------------------------------------------------------------------------------

  bool step(const Sink& sink) {
    // Prompts and decoding take turns, so that neither starves.
    const bool prompt_turn = !waiting.empty() && (running.empty() || !prompt_last);
    if (prompt_turn && !under_way.empty()) {
      finish_oldest(sink);
      return true;
    }
    if (prompt_turn && prefill(sink)) {
      prompt_last = true;
      return true;
    }
    prompt_last = false;
    if (!running.empty() || !under_way.empty()) runner.depth() > 1 ? decode_overlapped(sink) : decode(sink);
    if (waiting.empty() && running.empty() && under_way.empty()) {
      sequences.flush();
      return false;
    }
    return true;
  }

  /// Evaluates one piece of the first waiting sample. False if it has to wait for room.
  bool prefill(const Sink& sink) {
    Sample& sample = at(waiting.front());
    if (sample.request->max_tokens == 0) {
      for (const SampleId follower : std::exchange(sample.followers, {}))
        finish(at(follower), Finish::max_tokens, sink);
      finish(sample, Finish::max_tokens, sink);
      return true;
    }
    if (sample.state == SampleState::waiting && static_cast<std::int32_t>(running.size()) >= max_running) return false;
    if (sample.state == SampleState::waiting) begin(sample);

    // A piece lies in the prompt or behind it: only what was always evaluated as a prompt may be evaluated as one
    // again.
    const bool in_prompt = sample.cached < sample.prompt_tokens();
    const std::int32_t until =
        in_prompt ? std::min(sample.cut_after(sample.cached), sample.prefill_length()) : sample.prefill_length();
    const std::int32_t piece = std::min(runner.limits().max_tokens, until - sample.cached);
    if (piece == 0) {
      start_running(sample);
      return true;
    }
    const auto needed = [&] {
      return sequences.blocks_to_extend(sample.sequence, sample.cached, piece) +
             static_cast<std::int32_t>(running.size());
    };
    if (sequences.make_room(needed)) {
      evaluate_piece(sample, piece, in_prompt, sink);
    } else if (running.empty()) {
      finish(sample, Finish::context_full, sink);
    } else {
      return false;
    }
    return true;
  }

  /// Gives a waiting sample a sequence, which starts with whatever the cache already holds of its tokens.
  void begin(Sample& sample) {
    const std::int32_t usable = sample.cut_before(sample.length() - 1);
    PrefixCache::Match match = sequences.longest_kept(sample.tokens, usable);
    for (const SampleId id : running) {
      const Sample& other = at(id);
      const auto differ = std::mismatch(other.tokens.begin(), other.tokens.begin() + other.cached,
                                        sample.tokens.begin(), sample.tokens.end());
      const std::int32_t shared = std::min(static_cast<std::int32_t>(differ.first - other.tokens.begin()), usable);
      if (shared > match.length && sequences.can_cut(other.sequence, shared)) match = {other.sequence, shared};
    }
    match.length = sample.cut_before(match.length);
    if (!sequences.can_cut(match.sequence, match.length)) match.length = 0;
    sample.state = SampleState::prefilling;
    sample.cached = match.length;
    sample.sequence = match.length > 0 ? sequences.fork(match.sequence, match.length) : sequences.fresh();
    if (sample.fresh()) sample.completion.reused_tokens = match.length;
  }

  void evaluate_piece(Sample& sample, std::int32_t piece, bool in_prompt, const Sink& sink) {
    batch.clear();
    batch.ops = sequences.take_ops();
    batch.prompt = in_prompt;
    const std::int32_t end = sample.cached + piece;
    const bool gives_logits = sample.fresh() && end == sample.length();
    for (std::int32_t i = sample.cached; i < end; ++i) {
      batch.tokens.push_back(
          {sample.tokens[static_cast<std::size_t>(i)], sample.sequence, gives_logits && i == end - 1});
    }
    if (gives_logits) batch.shortlist = sample.shortlist();
    const LogitRow logits{runner.forward(batch), batch.shortlist > 0};
    sample.cached = end;
    if (gives_logits) {
      begin_generation(sample, logits, sink);
    } else if (end == sample.prefill_length()) {
      start_running(sample);
    }
  }

  /// The prompt is evaluated: the leader and its followers draw their first tokens from the same logits.
  void begin_generation(Sample& leader, const LogitRow& logits, const Sink& sink) {
    start_running(leader);
    std::vector<SampleId> starting{leader.id};
    for (const SampleId id : std::exchange(leader.followers, {})) {
      Sample& follower = at(id);
      if (static_cast<std::int32_t>(running.size()) >= max_running) {
        follower.state = SampleState::waiting;  // will find the prompt in the cache
        waiting.push_back(id);
        continue;
      }
      follower.sequence = sequences.fork(leader.sequence, leader.cached);
      follower.cached = leader.cached;
      follower.completion.reused_tokens = leader.prompt_tokens();
      follower.state = SampleState::running;
      running.push_back(id);
      starting.push_back(id);
    }
    for (const SampleId id : starting) {
      if (Sample* sample = still_running(id)) draw(*sample, logits, sink);
    }
  }

  void start_running(Sample& sample) {
    std::erase(waiting, sample.id);
    sample.state = SampleState::running;
    running.push_back(sample.id);
  }

  /// One token of every running sample.
  void decode(const Sink& sink) {
    while (!sequences.make_room([this] { return blocks_to_decode(running); })) {
      if (!preempt()) {
        finish(at(running.front()), Finish::context_full, sink);
        return;
      }
    }
    const Pass pass = pass_of(running);
    draw_all(pass, runner.forward(batch), sink);
  }

  /// A row of logits for each sample, whose last token is in the cache now.
  void draw_all(const Pass& pass, std::span<const float> logits, const Sink& sink) {
    const std::size_t width = logits.size() / pass.samples.size();
    for (std::size_t i = 0; i < pass.samples.size(); ++i) {
      Sample* sample = still_running(pass.samples[i]);
      if (sample == nullptr) continue;
      sample->in_flight = false;
      ++sample->cached;
      draw(*sample, {logits.subspan(i * width, width), pass.gives_shortlists}, sink);
    }
  }

  // -- Passes under way at once ---------------------------------------------------------------------------------------

  /// Starts as many passes as the runner takes, each of a share of the running samples; then finishes the oldest.
  void decode_overlapped(const Sink& sink) {
    const auto depth = static_cast<std::size_t>(runner.depth());
    const std::size_t share = (running.size() + depth - 1) / depth;
    while (under_way.size() < depth && start_group(share)) {
    }
    if (!under_way.empty()) return finish_oldest(sink);
    if (!running.empty()) decode(sink);  // no room for even one: it makes some, or ends a sample
  }

  /// False if no sample is idle, or the cache has no room for their tokens.
  bool start_group(std::size_t most) {
    std::vector<SampleId> group;
    for (const SampleId id : running) {
      if (!at(id).in_flight && group.size() < most) group.push_back(id);
    }
    sequences.flush();  // a fork under way changes what its source takes, in whatever pass that is
    if (group.empty() || !sequences.make_room([&] { return blocks_to_decode(group); })) return false;
    Pass pass = pass_of(group);
    runner.start(batch);
    for (const SampleId id : group) at(id).in_flight = true;
    under_way.push_back(std::move(pass));
    return true;
  }

  void finish_oldest(const Sink& sink) {
    const Pass pass = std::move(under_way.front());
    under_way.pop_front();
    draw_all(pass, runner.finish(), sink);
  }

  /// Puts the last token of each sample in the batch. Shortlists do if they do for all.
  Pass pass_of(const std::vector<SampleId>& drawn) {
    batch.clear();
    batch.ops = sequences.take_ops();
    bool all_logits = false;
    for (const SampleId id : drawn) {
      const Sample& sample = at(id);
      batch.tokens.push_back({sample.tokens.back(), sample.sequence, true});
      batch.shortlist = std::max(batch.shortlist, sample.shortlist());
      all_logits = all_logits || sample.shortlist() == 0;
    }
    if (all_logits) batch.shortlist = 0;
    return {drawn, batch.shortlist > 0};
  }

  /// nullptr if the sink has cancelled or forgotten the sample since the pass began.
  Sample* still_running(SampleId id) const {
    const auto found = samples.find(id);
    return found != samples.end() && found->second->state == SampleState::running ? found->second.get() : nullptr;
  }

  void draw(Sample& sample, const LogitRow& logits, const Sink& sink) {
    if (sample.sampler.finished()) return finish(sample, Finish::end_token, sink);  // the empty text is all there is
    const Sampled drawn = sample.sample(logits);
    const Event event = sample.append(drawn, tokenizer, runner.limits().n_ctx);
    if (event.finish != Finish::running) end(sample, event.finish);
    if (sink) sink(event);
  }

  /// Ends a sample outside of a draw.
  void finish(Sample& sample, Finish why, const Sink& sink) {
    const Event event{sample.id, sample.index, -1, sample.stream.finish(), 0.0F, nullptr, why};
    sample.completion.text += event.text;
    end(sample, why);
    if (sink) sink(event);
  }

  void end(Sample& sample, Finish why) {
    std::erase(running, sample.id);
    std::erase(waiting, sample.id);
    sample.state = SampleState::ended;
    sample.completion.finish = why;
    if (std::exchange(sample.in_flight, false)) ++sample.cached;  // once its pass is through
    if (sample.sequence >= 0 && sample.cached > 0) {
      sequences.keep(sample.sequence, {sample.tokens.begin(), sample.tokens.begin() + sample.cached});
    }
    sample.sequence = -1;
  }

  // -- Room in the cache ----------------------------------------------------------------------------------------------

  std::int32_t blocks_to_decode(const std::vector<SampleId>& drawn) const {
    std::int32_t blocks = 0;
    for (const SampleId id : drawn) blocks += runner.blocks_to_append(at(id).sequence);
    return blocks;
  }

  /// Takes the cache from the youngest sample, unless it is the only one.
  bool preempt() {
    Sample* youngest = nullptr;
    if (!waiting.empty() && at(waiting.front()).state == SampleState::prefilling) youngest = &at(waiting.front());
    if (youngest == nullptr) {
      if (running.size() < 2) return false;
      youngest = &at(*std::ranges::max_element(running));
      std::erase(running, youngest->id);
      waiting.push_front(youngest->id);
    }
    if (youngest->cached > 0) sequences.drop(youngest->sequence);
    youngest->sequence = -1;
    youngest->cached = 0;
    youngest->state = SampleState::waiting;
    return true;
  }

  Runner& runner;
  const Tokenizer& tokenizer;
  grammar::ConstraintMaker constraints;
  std::int32_t max_running;
  SequenceStore sequences;
  std::map<SampleId, std::unique_ptr<Sample>> samples;
  std::deque<SampleId> waiting;  // in order of arrival; the first may be prefilling
  std::vector<SampleId> running;
  std::deque<Pass> under_way;  // the oldest first
  Batch batch;
  SampleId next_sample = 0;
  bool prompt_last = false;
};

Engine::Engine(Runner& runner, const Tokenizer& tokenizer, EngineOptions options)
    : impl_(std::make_unique<Impl>(runner, tokenizer, options)) {}
Engine::~Engine() = default;

std::vector<SampleId> Engine::submit(const Request& request) { return impl_->submit(request); }
SampleId Engine::fork(SampleId sample, std::uint64_t seed) { return impl_->fork(sample, seed); }
void Engine::cancel(SampleId sample) { impl_->cancel(sample); }
bool Engine::step(const Sink& sink) { return impl_->step(sink); }

void Engine::run(const Sink& sink) {
  while (impl_->step(sink)) {
  }
}

void Engine::drop_prefixes() { impl_->sequences.drop_kept(); }

const Completion& Engine::completion(SampleId sample) const { return impl_->at(sample).completion; }

void Engine::forget(SampleId sample) {
  if (impl_->at(sample).state != SampleState::ended) {
    throw Error("sample " + std::to_string(sample) + " is still being generated and cannot be forgotten");
  }
  impl_->samples.erase(sample);
}

}  // namespace covey
