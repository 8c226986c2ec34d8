#include <fmt/format.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/command.hpp"
#include "cli/interrupt.hpp"
#include "cli/numbers.hpp"
#include "cli/output.hpp"
#include "cli/progress_bar.hpp"
#include "cli/units.hpp"
#include "third_party_free_formats/gguf_split.hpp"

namespace covey {

namespace {

struct SplitFlags {
  std::string in, out;
  std::string max_size;
  std::uint64_t max_tensors = 0;
  bool quiet = false;
};

WriteProgress shown_on(ProgressBar& bar) {
  return [&bar](std::uint64_t written, std::uint64_t all) {
    check_interrupt();
    bar.update(static_cast<double>(written) / static_cast<double>(all));
  };
}

std::string without_extension(const std::string& path) {
  constexpr std::string_view kExtension = ".gguf";
  return path.ends_with(kExtension) ? path.substr(0, path.size() - kExtension.size()) : path;
}

int split_model(const SplitFlags& flags) {
  SplitLimits limits;
  limits.tensors = flags.max_tensors;
  if (!flags.max_size.empty()) limits.bytes = parse_bytes(flags.max_size).value_or(0);
  if (limits.bytes == 0 && limits.tensors == 0) throw UsageError("give --max-size or --max-tensors, or both");
  const GgufFile file = GgufFile::open(flags.in);
  std::vector<std::string> paths;
  {
    ProgressBar bar("writing", !flags.quiet);
    paths = write_split(file, without_extension(flags.out), limits, shown_on(bar));
  }
  for (const std::string& path : paths) print(path + "\n");
  return kExitOk;
}

int merge_model(const SplitFlags& flags) {
  const GgufFile file = GgufFile::open(flags.in);
  if (file.parts().size() == 1) throw Error(flags.in + ": is no part of a split model: there is nothing to merge");
  ProgressBar bar("writing", !flags.quiet);
  write_merged(file, flags.out, shown_on(bar));
  return kExitOk;
}

CLI::Validator a_size() {
  return {[](std::string& text) {
            return parse_bytes(text) ? std::string() : fmt::format("'{}' is no size: write 500M, 2G or 4GiB", text);
          },
          ""};
}

}  // namespace

CommandRun add_split(CLI::App& parser) {
  auto flags = std::make_shared<SplitFlags>();
  parser.add_option("IN", flags->in, "Model to read, a GGUF file")->required()->option_text("(required)");
  parser.add_option("OUT", flags->out, "How the parts' names begin: OUT-00001-of-00003.gguf, …")
      ->required()
      ->option_text("(required)");
  parser.add_option("--max-size", flags->max_size, "Most bytes of a part: 500M, 2G, 4GiB")
      ->check(a_size())
      ->option_text("SIZE");
  parser.add_option("--max-tensors", flags->max_tensors, "Most tensors of a part")
      ->check(whole_in_range(1, std::int64_t{1} << 32))
      ->option_text("N");
  parser.add_flag("-q,--quiet", flags->quiet, "No progress on standard error");
  return [flags] { return split_model(*flags); };
}

CommandRun add_merge(CLI::App& parser) {
  auto flags = std::make_shared<SplitFlags>();
  parser.add_option("IN", flags->in, "Any part of the model to read; the others lie beside it")
      ->required()
      ->option_text("(required)");
  parser.add_option("OUT", flags->out, "Model to write")->required()->option_text("(required)");
  parser.add_flag("-q,--quiet", flags->quiet, "No progress on standard error");
  return [flags] { return merge_model(*flags); };
}

}  // namespace covey
