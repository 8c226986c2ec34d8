// Modes in which whole models collaborate: the same answer on any number of ranks, and with ranks that are slow or
// gone.
#include <atomic>
#include <map>
#include <numeric>
#include <thread>

#include "mpi/mode.hpp"
#include "tests/mpi/session_ranks.hpp"

namespace covey {
namespace {

GenerateOptions flock_options(const std::string& prompt = "Once upon a time there was a bird") {
  GenerateOptions options;
  options.prompt = prompt;
  options.sampling.temperature = 8.0F;  // random weights have opinions
  options.sampling.top_p = 1.0F;
  options.sampling.min_p = 0.0F;
  options.sampling.seed = 7;
  options.aggregate_temperature = 8.0F;
  options.max_tokens = 10;
  options.ignore_eos = true;
  options.proposals = 5;
  options.window = 3;
  options.layers = 3;
  options.extract = "regex:^.";
  return options;
}

std::vector<Answer> flock_answers(const std::string& mode, int ranks, const std::vector<GenerateOptions>& questions) {
  std::vector<Answer> answers;
  on_session(mode, ranks, job_on(model_file("llama-q4_0.gguf")),
             [&](Session& session) { answers = session.generate_all(questions, {}); });
  return answers;
}

void expect_same_answer(const Answer& a, const Answer& b, const std::string& what) {
  EXPECT_EQ(a.completion.tokens, b.completion.tokens) << what;
  EXPECT_EQ(a.completion.logprobs, b.completion.logprobs) << what;
  EXPECT_EQ(a.chosen, b.chosen) << what;
  ASSERT_EQ(a.proposals.size(), b.proposals.size()) << what;
  for (std::size_t i = 0; i < a.proposals.size(); ++i) {
    EXPECT_EQ(a.proposals[i].index, b.proposals[i].index) << what;
    EXPECT_EQ(a.proposals[i].tokens, b.proposals[i].tokens) << what << ", proposal " << i;
    EXPECT_EQ(a.proposals[i].logprobs, b.proposals[i].logprobs) << what << ", proposal " << i;
  }
}

class Collaborations : public testing::TestWithParam<const char*> {};

TEST_P(Collaborations, AnswerAlikeOnAnyNumberOfRanks) {
  const std::vector<GenerateOptions> questions{flock_options(), flock_options("Once upon a hill there stood a mill"),
                                               flock_options("Why is the sky blue?")};
  const std::vector<Answer> alone = flock_answers(GetParam(), 1, questions);
  ASSERT_EQ(alone.size(), 3U);
  EXPECT_NE(alone[0].completion.tokens, alone[1].completion.tokens);
  for (const int ranks : {2, 3}) {
    const std::vector<Answer> together = flock_answers(GetParam(), ranks, questions);
    for (std::size_t i = 0; i < 3; ++i) {
      expect_same_answer(together[i], alone[i], "question " + std::to_string(i) + " on " + std::to_string(ranks));
    }
  }
}

TEST_P(Collaborations, ShowTheAnswerAsText) {
  std::string shown;
  Answer answer;
  on_session(GetParam(), 2, job_on(model_file("llama.gguf")), [&](Session& session) {
    answer = session.generate(flock_options(), [&](std::string_view text) { shown += text; });
  });
  EXPECT_EQ(shown, answer.completion.text);
  EXPECT_FALSE(shown.empty());
}

TEST_P(Collaborations, GoOnWithoutARankThatFails) {
  Answer answer;
  std::vector<RankReport> reports;
  const std::string error = error_of([&] {
    run_ranks(3, [&](Transport& transport) {
      Ledger ledger(transport);
      const auto session = find_mode(GetParam()).open(ledger, job_on(model_file("llama.gguf")));
      if (transport.rank() == 2) throw Error("out of memory");
      if (transport.rank() == 1) return session->serve();
      answer = session->generate(flock_options(), {});
      session->generate(flock_options(), {});  // on the ranks that are left
      reports = session->close();
    });
  });
  EXPECT_EQ(error, "out of memory") << "rank 2's own";
  EXPECT_FALSE(answer.completion.text.empty());
  ASSERT_EQ(reports.size(), 3U);
  EXPECT_EQ(reports[2].host, "lost");
  if (std::string(GetParam()) == "single") return;  // has no need of it
  ASSERT_EQ(answer.lost.size(), 1U);
  EXPECT_EQ(answer.lost[0].rank, 2);
  EXPECT_EQ(answer.lost[0].why, "rank 2: out of memory");
  for (const Proposal& proposal : answer.proposals) {
    EXPECT_EQ(proposal.use, proposal.rank == 2 ? Use::lost : Use::used);
  }
}

INSTANTIATE_TEST_SUITE_P(, Collaborations,
                         testing::Values("single", "vote", "best-of", "self-moa", "self-moa-seq", "moa"),
                         [](const auto& mode) {
                           std::string name = mode.param;
                           std::erase(name, '-');
                           return name;
                         });

TEST(Collaboration, ASilentRankIsMissedAfterTheTimeout) {
  Answer answer;
  run_ranks(3, [&](Transport& transport) {
    JobOptions job = job_on(model_file("llama.gguf"));
    job.peer_timeout = std::chrono::milliseconds(600);
    Ledger ledger(transport);
    const auto session = find_mode("self-moa").open(ledger, job);
    if (transport.rank() == 1) return session->serve();
    if (transport.rank() == 2) {
      std::byte never{};
      EXPECT_THROW(transport.recv(0, {&never, 1}, Tag::batch, kNoDeadline), PeerLost);
      return transport.fail("was silent");
    }
    answer = session->generate(flock_options(), {});
    session->close();
    transport.fail("the end");
  });
  ASSERT_EQ(answer.lost.size(), 1U);
  EXPECT_TRUE(contains(answer.lost[0].why, "rank 2 has not answered"));
  EXPECT_FALSE(answer.completion.text.empty());
}

TEST(Vote, TheMostFrequentAnswerWinsTheFirstOfEquals) {
  GenerateOptions options = flock_options();
  options.proposals = 12;
  const Answer answer = flock_answers("vote", 1, {options}).front();
  std::map<std::string, int> votes;
  for (const Proposal& proposal : answer.proposals) ++votes[proposal.extracted];
  votes.erase("");
  int most = 0;
  for (const auto& [text, count] : votes) most = std::max(most, count);
  const auto wins = [&](const Proposal& one) { return !one.extracted.empty() && votes[one.extracted] == most; };
  const auto winner = std::find_if(answer.proposals.begin(), answer.proposals.end(), wins);
  ASSERT_NE(winner, answer.proposals.end());
  EXPECT_EQ(answer.chosen, winner->index);
  EXPECT_EQ(answer.completion.text, winner->text);
}

TEST(BestOf, TheLikeliestOnAverageWins) {
  const Answer answer = flock_answers("best-of", 1, {flock_options()}).front();
  const auto mean = [](const Completion& one) {
    return std::accumulate(one.logprobs.begin(), one.logprobs.end(), 0.0) / static_cast<double>(one.logprobs.size());
  };
  for (const Proposal& proposal : answer.proposals) EXPECT_LE(mean(proposal), mean(answer.completion));
  EXPECT_EQ(answer.completion.tokens, answer.proposals[static_cast<std::size_t>(answer.chosen)].tokens);
}

TEST(Moa, RanksMayHoldDifferentModels) {
  JobOptions job = job_on(model_file("llama.gguf"));
  job.models = {model_file("llama.gguf"), model_file("llama-tied.gguf")};
  GenerateOptions options = flock_options();
  options.proposals = 4;
  options.layers = 2;
  for (const int aggregator : {0, 1}) {
    options.aggregator = aggregator;
    Answer answer;
    std::string shown;
    const auto reports = on_session("moa", 2, job, [&](Session& session) {
      answer = session.generate(options, [&](std::string_view text) { shown += text; });
    });
    EXPECT_EQ(shown, answer.completion.text);
    EXPECT_EQ(reports[static_cast<std::size_t>(aggregator)].streams.back().role, "answer");
    EXPECT_EQ(answer.proposals[1].rank, 0);
    EXPECT_EQ(answer.proposals[2].rank, 1);
  }
  const std::string message = error_of([&] { on_session("vote", 2, job, [](Session&) {}); });
  EXPECT_TRUE(contains(message, "--models: in mode vote"));
}

TEST(Aggregation, OnAnotherRankIsTheSame) {
  GenerateOptions options = flock_options();
  const Answer here = flock_answers("self-moa", 3, {options}).front();
  options.aggregator = 2;
  expect_same_answer(flock_answers("self-moa", 3, {options}).front(), here, "rank 2");
  on_session("self-moa", 2, job_on(model_file("llama.gguf")), [&](Session& session) {
    EXPECT_TRUE(contains(error_of([&] { session.generate(options, {}); }), "--aggregator: there is no rank 2"));
  });
}

// The last rank answers commands only once it is let go.
struct Straggler {
  std::atomic<bool> go{false};
  void serve(Session& session) const {
    while (!go) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    session.serve();
  }
};

TEST(Quorum, GoesOnWithoutAStraggler) {
  for (const char* mode : {"vote", "self-moa", "moa"}) {
    Straggler straggler;
    Answer answer;
    run_ranks(3, [&](Transport& transport) {
      Ledger ledger(transport);
      const auto session = find_mode(mode).open(ledger, job_on(model_file("llama.gguf")));
      if (transport.rank() == 2) return straggler.serve(*session);
      if (transport.rank() == 1) return session->serve();
      GenerateOptions options = flock_options();
      options.proposals = 6;
      options.quorum = 4;
      options.layers = 2;
      answer = session->generate(options, {});
      straggler.go = true;
      options.quorum = 0;
      EXPECT_EQ(session->generate(options, {}).proposals[5].use, Use::used) << "it is back";
      session->close();
    });
    EXPECT_FALSE(answer.completion.text.empty()) << mode;
    for (const Proposal& proposal : answer.proposals) {
      EXPECT_EQ(proposal.use, proposal.index < 4 ? Use::used : Use::late) << mode << proposal.index;
    }
    EXPECT_TRUE(answer.lost.empty()) << mode;
  }
}

TEST(Backup, WhatASlowRankHasYetToDrawOthersDraw) {
  GenerateOptions options = flock_options();
  options.proposals = 6;
  options.proposal_tokens = 70;
  options.backup = true;
  for (const char* model : {"llama.gguf", "llama-q4_0.gguf"}) {
    Answer alone, answer, after;
    on_session("self-moa", 1, job_on(model_file(model)),
               [&](Session& session) { alone = session.generate(options, {}); });
    Straggler straggler;
    run_ranks(3, [&](Transport& transport) {
      Ledger ledger(transport);
      const auto session = find_mode("self-moa").open(ledger, job_on(model_file(model)));
      if (transport.rank() == 2) return straggler.serve(*session);
      if (transport.rank() == 1) return session->serve();
      answer = session->generate(options, {});
      straggler.go = true;
      after = session->generate(options, {});
      session->close();
    });
    expect_same_answer(answer, alone, model);
    expect_same_answer(after, alone, "after it is back");
    EXPECT_EQ(answer.completion.text, alone.completion.text);
    const std::vector<int> drew{0, 0, 1, 1, 1, 1};  // the last two for rank 2, which waits
    for (const Proposal& proposal : answer.proposals) {
      EXPECT_EQ(proposal.rank, drew[static_cast<std::size_t>(proposal.index)]) << proposal.index;
      EXPECT_EQ(proposal.use, Use::used);
    }
    EXPECT_TRUE(answer.lost.empty());
  }
}

TEST(Backup, IsRefusedWhereItCantHelp) {
  const auto fails = [](const char* mode, const std::function<void(GenerateOptions&)>& change, std::size_t count = 1) {
    GenerateOptions options = flock_options();
    options.backup = true;
    change(options);
    const std::vector<GenerateOptions> questions(count, options);
    return error_of([&] {
      on_session(mode, 2, job_on(model_file("llama.gguf")),
                 [&](Session& session) { session.generate_all(questions, {}); });
    });
  };
  const auto nothing = [](GenerateOptions&) {};
  EXPECT_TRUE(contains(fails("vote", nothing), "--backup: mode vote has no use for it"));
  EXPECT_TRUE(contains(fails("self-moa", nothing, 2), "--backup: takes one question at a time"));
  EXPECT_TRUE(contains(fails("self-moa", [](GenerateOptions& o) { o.quorum = 2; }), "--backup: with --quorum"));
  EXPECT_TRUE(contains(fails("self-moa", [](GenerateOptions& o) { o.aggregator = 1; }), "--backup: how far ranks are"));
}

TEST(Quorum, MustBeReachable) {
  on_session("vote", 1, job_on(model_file("llama.gguf")), [](Session& session) {
    GenerateOptions options = flock_options();
    options.quorum = 6;
    EXPECT_TRUE(contains(error_of([&] { session.generate(options, {}); }), "--quorum: 6 of 5"));
  });
}

TEST(PromptTemplate, MakesTheAggregation) {
  GenerateOptions options = flock_options();
  const Answer usual = flock_answers("self-moa", 1, {options}).front();
  options.prompt_template = "{{ prompt }}{% for p in proposals %}|{{ p }}{% endfor %}|";
  const Answer own = flock_answers("self-moa", 1, {options}).front();
  EXPECT_EQ(own.proposals[0].tokens, usual.proposals[0].tokens);
  EXPECT_LT(own.completion.prompt_tokens, usual.completion.prompt_tokens);
  // A template that says more of proposals than their texts can't be read ahead; nor does it have to be.
  options.prompt_template = "{{ prompt }} {{ proposals | length }} {{ proposals | join('/') | upper }}";
  const Answer alone = flock_answers("self-moa", 1, {options}).front();
  expect_same_answer(flock_answers("self-moa", 3, {options}).front(), alone, "upper");
}

TEST(SelfMoaSeq, FitsAContextThatAllProposalsDoNot) {
  JobOptions job = job_on(model_file("llama.gguf"));
  job.stage.n_ctx = 320;
  GenerateOptions options = flock_options("Once");
  options.prompt_template = "{{ prompt }}{{ synthesis }}{% for p in proposals %}|{{ p }}{% endfor %}|";
  options.proposals = 40;
  options.window = 4;
  EXPECT_TRUE(contains(
      error_of([&] { on_session("self-moa", 1, job, [&](Session& session) { session.generate(options, {}); }); }),
      "the aggregation prompt has"));
  on_session("self-moa-seq", 2, job, [&](Session& session) {
    const Answer answer = session.generate(options, {});
    EXPECT_EQ(answer.proposals.size(), 40U);
    EXPECT_FALSE(answer.completion.tokens.empty());
  });
}

}  // namespace
}  // namespace covey
