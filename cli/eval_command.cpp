#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cli/chat_flags.hpp"
#include "cli/command.hpp"
#include "cli/eval_flags.hpp"
#include "cli/eval_records.hpp"
#include "cli/eval_report.hpp"
#include "cli/generation_flags.hpp"
#include "cli/interrupt.hpp"
#include "cli/job.hpp"
#include "cli/job_flags.hpp"
#include "cli/ledger_table.hpp"
#include "cli/output.hpp"
#include "cli/progress_bar.hpp"
#include "cli/text_files.hpp"
#include "model/fingerprint.hpp"
#include "model/log_likelihood.hpp"
#include "mpi/eval_prompt.hpp"
#include "mpi/proposal_codec.hpp"
#include "mpi/request_run.hpp"

namespace covey {

namespace {

struct EvalCommandFlags {
  JobFlags job;
  GenerationFlags generation;
  ChatFlags chat;
  EvalFlags eval;
};

double seconds_between(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

/// Asks the questions of some files, and marks the answers.
class Evaluation {
 public:
  Evaluation(const EvalCommandFlags& flags, Session& session)
      : flags_(flags),
        session_(session),
        items_(flags.eval.items()),
        shots_(flags.eval.shots_by_subject()),
        prompt_(flags.eval.question_template.empty() ? std::string() : read_file(flags.eval.question_template)) {
    if (flags.chat.chat) conversation_.emplace(flags.chat.conversation(flags.job.job.model_path));
    if (!flags.eval.records.empty()) file_.emplace(flags.eval.records, settings(), flags.eval.resume);
  }

  std::vector<EvalRecord> run() {
    ProgressBar bar("answering", !flags_.job.quiet);
    std::vector<EvalRecord> records;
    for (std::size_t index = 0; index < items_.size();) {
      check_interrupt();
      if (file_ && file_->found().contains(index)) {
        records.push_back(file_->found().at(index++));
        continue;
      }
      for (EvalRecord& record : next_batch(index)) {
        if (file_) file_->add(record);
        records.push_back(std::move(record));
      }
      bar.update(static_cast<double>(index) / static_cast<double>(items_.size()));
    }
    return records;
  }

  /// How many answers were in the records already.
  std::size_t found() const { return file_ ? file_->found().size() : 0; }

  /// What has to be equal for answers to be comparable.
  Json settings() const {
    const GenerateOptions options = flags_.generation.options({});
    Fingerprint others;  // of what is too long to be shown
    others.add(encode_options(options));
    if (!flags_.eval.question_template.empty()) {
      const std::string source = read_file(flags_.eval.question_template);
      others.add(std::as_bytes(std::span(source)));
    }
    return {{"covey_eval", 1},
            {"mode", flags_.job.mode},
            {"model", flags_.job.job.model_path},
            {"models", flags_.job.job.models},
            {"files", flags_.eval.files},
            {"examples", flags_.eval.examples},
            {"shots", flags_.eval.shots},
            {"choice_by", flags_.eval.choice_by},
            {"chat", flags_.chat.chat},
            {"system", flags_.chat.system},
            {"extract", flags_.generation.extract},
            {"temperature", options.sampling.temperature},
            {"seed", options.sampling.seed},
            {"proposals", options.proposals},
            {"quorum", options.quorum},
            {"window", options.window},
            {"layers", options.layers},
            {"options", fmt::format("{:016x}", others.value())}};
  }

 private:
  bool by_likelihood(const EvalItem& item) const {
    return item.kind == EvalKind::choice && flags_.eval.by() != ChoiceBy::letter;
  }

  std::string rule_of(const EvalItem& item) const {
    if (!flags_.generation.extract.empty() || item.kind == EvalKind::exact) return flags_.generation.extract;
    return "letter";
  }

  // Questions from `index` on that are answered together, which moves it behind them.
  std::vector<EvalRecord> next_batch(std::size_t& index) {
    const std::size_t first = index;
    if (by_likelihood(items_[first])) {
      ++index;
      return {likeliest(first)};
    }
    const auto belongs = [&](std::size_t i) {
      return i < items_.size() && i < first + static_cast<std::size_t>(flags_.eval.together) &&
             items_[i].kind == items_[first].kind && !(file_ && file_->found().contains(i));
    };
    std::vector<GenerateOptions> questions;
    for (; belongs(index); ++index) questions.push_back(question(items_[index]));
    const auto start = Clock::now();
    const std::vector<Answer> answers = answers_to(questions, first);
    const double seconds = seconds_between(start, Clock::now()) / static_cast<double>(answers.size());
    std::vector<EvalRecord> records;
    for (std::size_t i = 0; i < answers.size(); ++i) records.push_back(marked(first + i, answers[i], seconds));
    return records;
  }

  std::vector<Answer> answers_to(const std::vector<GenerateOptions>& questions, std::size_t first) {
    try {
      return session_.generate_all(questions, [](std::string_view) { check_interrupt(); });
    } catch (const ContextFull& full) {
      const std::string others = questions.size() == 1 ? "" : fmt::format(" or {} after it", questions.size() - 1);
      throw ContextFull(fmt::format("{}{}: {}", items_[first].id, others, full.what()));
    }
  }

  GenerateOptions question(const EvalItem& item) const {
    const auto shots = shots_.find(item.subject);
    const std::span<const EvalItem> examples =
        shots == shots_.end() ? std::span<const EvalItem>() : std::span<const EvalItem>(shots->second);
    GenerateOptions options = flags_.generation.options(prompt_.render(item, examples, flags_.chat.chat));
    options.extract = rule_of(item);
    if (conversation_) {
      Conversation asked = *conversation_;
      asked.ask(std::move(options.prompt));
      asked.prompt_into(options);
    } else if (options.stop.empty()) {
      options.stop = {"\nQuestion:"};
    }
    return options;
  }

  EvalRecord record_of_item(std::size_t index) const {
    EvalRecord record;
    record.index = index;
    record.id = items_[index].id;
    record.subject = items_[index].subject;
    record.wanted = items_[index].answer;
    return record;
  }

  EvalRecord marked(std::size_t index, const Answer& answer, double seconds) const {
    EvalRecord record = record_of_item(index);
    record.mark = mark_answer(items_[index], answer, AnswerRule(rule_of(items_[index])));
    record.text = answer.completion.text;
    record.finish = finish_name(answer.completion.finish);
    record.tokens = static_cast<std::int32_t>(answer.completion.tokens.size());
    for (const Proposal& one : answer.proposals) record.proposal_tokens += static_cast<std::int32_t>(one.tokens.size());
    record.seconds = seconds;
    return record;
  }

  EvalRecord likeliest(std::size_t index) {
    const EvalItem& item = items_[index];
    const bool by_text = flags_.eval.by() == ChoiceBy::text_likelihood;
    const auto start = Clock::now();
    const GenerateOptions options = question(item);
    const std::vector<Token> prompt = continuation(options, session_.tokenizer()).prompt;
    EncodeOptions encode;
    encode.bos = false;
    encode.continues = true;
    std::vector<std::vector<Token>> choices;
    for (std::size_t i = 0; i < item.choices.size(); ++i) {
      const std::string text = by_text ? item.choices[i] : choice_letter(i);
      choices.push_back(session_.tokenizer().encode((conversation_ ? "" : " ") + text, encode));
    }
    std::vector<double> scores = log_likelihoods(session_.runner(), prompt, choices);
    for (std::size_t i = 0; by_text && i < scores.size(); ++i) scores[i] /= static_cast<double>(choices[i].size());
    const auto best = static_cast<std::size_t>(std::ranges::max_element(scores) - scores.begin());
    EvalRecord record = record_of_item(index);
    record.text = choice_letter(best);
    record.mark.got = record.text;
    record.mark.correct = record.text == item.answer;
    record.finish = flags_.eval.choice_by;
    record.seconds = seconds_between(start, Clock::now());
    return record;
  }

  const EvalCommandFlags& flags_;
  Session& session_;
  std::vector<EvalItem> items_;
  std::map<std::string, std::vector<EvalItem>> shots_;
  EvalPrompt prompt_;
  std::optional<Conversation> conversation_;
  std::optional<RecordFile> file_;
};

void evaluate_files(const EvalCommandFlags& flags, Session& session) {
  Evaluation evaluation(flags, session);
  const Json settings = evaluation.settings();
  const std::vector<EvalRecord> records = evaluation.run();
  const std::size_t answered = records.size() - evaluation.found();
  const std::vector<RankReport> ranks = session.close();
  const Summary summary = summarize(flags.job.mode, ranks);
  print(flags.eval.json ? json_line(eval_json(settings, records, answered, summary, ranks)) : eval_table(records));
  if (flags.generation.stats) print_error_stream("\n" + ledger_table(summary, ranks));
}

}  // namespace

CommandRun add_eval(CLI::App& parser) {
  auto flags = std::make_shared<EvalCommandFlags>();
  add_job_flags(parser, flags->job);
  add_timeline_flag(parser, flags->job, "Output");
  add_eval_flags(parser, flags->eval);
  add_answer_flags(parser, flags->generation);
  CLI::Option* const chat =
      parser.add_flag("--chat", flags->chat.chat, "Each question is a message to the model, put in its chat template")
          ->group("Prompt");
  add_conversation_flags(parser, flags->chat, chat);
  parser.add_flag("--stats", flags->generation.stats, "The account of all ranks, as a table on standard error")
      ->group("Output");
  return [flags] {
    flags->job.timed = flags->generation.stats || flags->eval.json;
    run_job(flags->job, [&](Session& session) { evaluate_files(*flags, session); });
    return int{kExitOk};
  };
}

}  // namespace covey
