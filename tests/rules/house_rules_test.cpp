// The rules of the house that a compiler doesn't enforce: who may include whom, and who may print.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace covey {
namespace {

namespace fs = std::filesystem;

// Each folder may include itself and those before it.
constexpr std::array<std::string_view, 5> kFolders = {"third_party_free_formats", "kernels", "model", "mpi", "cli"};

struct Source {
  std::string path;  // from the root of the sources
  std::string code;  // without comments; string literals are emptied, those of #include lines kept
};

// Comments become spaces, so that what they say is not taken for code.
std::string without_comments(const std::string& text) {
  std::string code;
  for (std::size_t i = 0; i < text.size();) {
    if (text.compare(i, 2, "//") == 0) {
      i = std::min(text.find('\n', i), text.size());
    } else if (text.compare(i, 2, "/*") == 0) {
      const std::size_t end = text.find("*/", i + 2);
      i = end == std::string::npos ? text.size() : end + 2;
      code += ' ';
    } else if (text.compare(i, 2, "R\"") == 0) {
      const std::size_t open = text.find('(', i);
      const std::string close = ")" + text.substr(i + 2, open - i - 2) + "\"";
      i = std::min(text.find(close, open), text.size() - close.size()) + close.size();
      code += "\"\"";
    } else if (text[i] == '"' ||
               (text[i] == '\'' && (i == 0 || std::isalnum(static_cast<unsigned char>(text[i - 1])) == 0))) {
      std::size_t end = i + 1;
      while (end < text.size() && text[end] != text[i] && text[end] != '\n') end += text[end] == '\\' ? 2 : 1;
      const std::size_t line = text.rfind('\n', i) + 1;
      const bool include = text.compare(line, 8, "#include") == 0;
      code += include ? text.substr(i, end + 1 - i) : std::string(2, text[i]);
      i = end + 1;
    } else {
      code += text[i++];
    }
  }
  return code;
}

std::vector<Source> sources_of(std::string_view folder) {
  std::vector<Source> sources;
  const fs::path root = COVEY_SOURCE_DIR;
  for (const auto& entry : fs::recursive_directory_iterator(root / folder)) {
    const std::string extension = entry.path().extension().string();
    if (extension != ".hpp" && extension != ".cpp") continue;
    std::ostringstream text;
    text << std::ifstream(entry.path()).rdbuf();
    sources.push_back({fs::relative(entry.path(), root).string(), without_comments(text.str())});
  }
  return sources;
}

std::vector<std::string> includes_of(const Source& source) {
  static const std::regex include_line(R"(#[ \t]*include[ \t]*[<"]([^>"]+)[>"])");
  std::vector<std::string> names;
  for (std::sregex_iterator it(source.code.begin(), source.code.end(), include_line), end; it != end; ++it)
    names.push_back((*it)[1]);
  return names;
}

// The folder that provides `include`; public headers are known as covey/….
std::string provider(const std::string& include) {
  for (const std::string_view folder : kFolders) {
    if (include.starts_with(std::string(folder) + "/")) return std::string(folder);
    if (include.starts_with("covey/") && fs::exists(fs::path(COVEY_SOURCE_DIR) / folder / "include" / include))
      return std::string(folder);
  }
  return "";
}

std::size_t place_of(const std::string& folder) {
  return static_cast<std::size_t>(std::find(kFolders.begin(), kFolders.end(), folder) - kFolders.begin());
}

TEST(Rules, CommentsAndStringsAreNotCode) {
  EXPECT_EQ(without_comments("a // printf\nb /* exit( */ c"), "a \nb   c");
  EXPECT_EQ(without_comments("f(\"printf(\\\"\"); 'x' 1'000"), "f(\"\"); '' 1'000");
  EXPECT_EQ(without_comments("#include \"kernels/device.hpp\"\n"), "#include \"kernels/device.hpp\"\n");
  EXPECT_EQ(without_comments("R\"x(exit(1) \" )x\" y"), "\"\" y");
}

TEST(Rules, FoldersIncludeOnlyThoseAboveThem) {
  for (std::size_t place = 0; place < kFolders.size(); ++place) {
    const auto sources = sources_of(kFolders[place]);
    EXPECT_FALSE(sources.empty()) << kFolders[place];
    for (const Source& source : sources) {
      for (const std::string& include : includes_of(source)) {
        const std::string folder = provider(include);
        EXPECT_TRUE(folder.empty() || place_of(folder) <= place) << source.path << " includes " << include;
        EXPECT_FALSE(include.starts_with("tests/") || include.starts_with("bench/"))
            << source.path << " includes " << include;
        EXPECT_FALSE(include.starts_with(".")) << source.path << " includes " << include << ": name it from the root";
      }
    }
  }
}

TEST(Rules, PublicHeadersIncludePublicHeadersAlone) {
  for (const std::string_view folder : kFolders) {
    for (const Source& source : sources_of(folder)) {
      if (source.path.find("/include/covey/") == std::string::npos) continue;
      for (const std::string& include : includes_of(source)) {
        const bool own = include.find('/') != std::string::npos;
        EXPECT_TRUE(!own || include.starts_with("covey/")) << source.path << " includes " << include;
      }
    }
  }
}

TEST(Rules, ExamplesUseThePublicHeadersAlone) {
  for (const Source& source : sources_of("examples")) {
    for (const std::string& include : includes_of(source)) {
      EXPECT_TRUE(include.starts_with("covey/") || provider(include).empty()) << source.path << " includes " << include;
    }
  }
}

TEST(Rules, OneFileKnowsMpi) {
  std::set<std::string> knowing;
  for (const std::string_view folder : kFolders) {
    for (const Source& source : sources_of(folder)) {
      const auto includes = includes_of(source);
      if (std::find(includes.begin(), includes.end(), "mpi.h") != includes.end()) knowing.insert(source.path);
    }
  }
  EXPECT_EQ(knowing, std::set<std::string>{"mpi/mpi_transport.cpp"});
}

TEST(Rules, OnlyTheProgramPrintsOrExits) {
  // Calls by name; snprintf and what is a member of something are other matters.
  static const std::regex forbidden(
      R"((^|[^\w.>])((std::)?(printf|puts|putchar|fprintf|vprintf|vfprintf|perror|exit|_exit|_Exit|quick_exit|abort|terminate)[ \t]*\()"
      R"(|std::(cout|cerr|clog)\b|fmt::print\b))");
  for (const std::string_view folder : kFolders) {
    if (folder == "cli") continue;
    for (const Source& source : sources_of(folder)) {
      std::istringstream lines(source.code);
      for (std::string line; std::getline(lines, line);) {
        EXPECT_FALSE(std::regex_search(line, forbidden)) << source.path << ": " << line;
      }
    }
  }
}

TEST(Rules, OnlyTheProgramKnowsWhatItIsMadeOf) {
  for (const std::string_view folder : kFolders) {
    if (folder == "cli") continue;
    for (const Source& source : sources_of(folder)) {
      for (const std::string& include : includes_of(source)) {
        EXPECT_FALSE(include.starts_with("CLI/") || include.starts_with("nlohmann/"))
            << source.path << " includes " << include;
      }
    }
  }
}

TEST(Rules, FilesStayShort) {
  constexpr int kMostLines = 400;
  for (const char* folder :
       {"third_party_free_formats", "kernels", "model", "mpi", "cli", "examples", "tests", "bench"}) {
    for (const auto& entry : fs::recursive_directory_iterator(fs::path(COVEY_SOURCE_DIR) / folder)) {
      const std::string extension = entry.path().extension().string();
      if (extension != ".hpp" && extension != ".cpp") continue;
      std::ifstream file(entry.path());
      const auto lines = std::count(std::istreambuf_iterator<char>(file), {}, '\n');
      EXPECT_LE(lines, kMostLines) << entry.path();
    }
  }
}

}  // namespace
}  // namespace covey
