#include <fmt/format.h>
#include <fmt/ranges.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/command.hpp"
#include "cli/job_flags.hpp"
#include "cli/output.hpp"
#include "cli/text_files.hpp"
#include "model/tokenizer.hpp"
#include "third_party_free_formats/gguf.hpp"

namespace covey {

namespace {

struct TokenizeFlags {
  std::string model;
  std::vector<std::string> words;
  std::string file;
  std::optional<std::string> separator;
  std::optional<bool> bos;
  bool special = false;
  bool eos = false;
  bool json = false;
};

// "\n", "\t", "\r" and "\\" as a shell's user writes them.
std::string unescaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    static constexpr std::string_view kLetters = "ntr\\";
    static constexpr std::string_view kMeanings = "\n\t\r\\";
    const std::size_t known =
        text[i] == '\\' && i + 1 < text.size() ? kLetters.find(text[i + 1]) : std::string_view::npos;
    if (known == std::string_view::npos) {
      out += text[i];
    } else {
      out += kMeanings[known];
      ++i;
    }
  }
  return out;
}

// The texts that `separator` ends. One that stands alone on its line takes the line's ends with it:
//
//     first text          separator "---"  ->  "first text", "second text"
//     ---
//     second text
std::vector<std::string_view> split(std::string_view text, std::string_view separator) {
  std::vector<std::string_view> texts;
  std::size_t begin = 0;
  std::size_t found = text.find(separator);
  while (found != std::string_view::npos) {
    std::size_t end = found;
    std::size_t next = found + separator.size();
    const bool starts_line = found == begin || text[found - 1] == '\n';
    const bool ends_line = next == text.size() || text[next] == '\n';
    if (starts_line && ends_line && separator.find('\n') == std::string_view::npos) {
      if (found > begin) --end;
      if (next < text.size()) ++next;
    }
    texts.push_back(text.substr(begin, end - begin));
    begin = next;
    found = text.find(separator, begin);
  }
  if (begin < text.size()) texts.push_back(text.substr(begin));
  return texts;
}

std::string source_text(const TokenizeFlags& flags) {
  if (!flags.file.empty()) return read_file(flags.file);
  if (!flags.words.empty()) return fmt::format("{}", fmt::join(flags.words, " "));
  if (stdin_is_terminal()) throw UsageError("nothing to tokenize: give text, --file F, or text on standard input");
  return read_stdin();
}

int tokenize(const TokenizeFlags& flags) {
  const GgufFile file = GgufFile::open(flags.model);
  const auto tokenizer = Tokenizer::from_gguf(file);
  const std::string text = source_text(flags);
  std::vector<std::string_view> texts = {text};
  if (flags.separator) texts = split(text, unescaped(*flags.separator));

  std::string lines;
  for (const std::string_view one : texts) {
    const std::vector<Token> tokens =
        tokenizer->encode(one, {.bos = flags.bos, .special = flags.special, .eos = flags.eos});
    lines += flags.json ? nlohmann::json{{"tokens", tokens}}.dump() : fmt::format("{}", fmt::join(tokens, " "));
    lines += '\n';
  }
  print(lines);
  return kExitOk;
}

}  // namespace

CommandRun add_tokenize(CLI::App& parser) {
  auto flags = std::make_shared<TokenizeFlags>();
  add_model_flag(parser, flags->model);
  CLI::Option* words = parser.add_option("TEXT", flags->words, "Text; several words are joined by spaces");
  CLI::Option* file = parser.add_option("-f,--file", flags->file, "Read the text from a file")->option_text("FILE");
  file->excludes(words);
  parser
      .add_option("--separator", flags->separator,
                  "Cut the text into many at S, each printed on its own line; \\n and \\t are understood")
      ->check([](const std::string& text) { return text.empty() ? "must not be empty" : ""; })
      ->option_text("S");
  parser.add_flag_function(
      "--bos,!--no-bos", [values = flags.get()](std::int64_t count) { values->bos = count > 0; },
      "Put BOS first, or not (default: as the vocabulary asks)");
  parser.add_flag("--eos,!--no-eos", flags->eos, "Put EOS last (default: not)");
  parser.add_flag("--special,!--no-special", flags->special,
                  "Special tokens written in the text become those tokens (default: not)");
  parser.add_flag("--json", flags->json, "One JSON object a line");
  return [flags] { return tokenize(*flags); };
}

}  // namespace covey
