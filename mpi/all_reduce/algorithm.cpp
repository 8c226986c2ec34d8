#include "mpi/all_reduce/algorithm.hpp"

#include <algorithm>
#include <array>

#include "mpi/all_reduce/algorithm_list.hpp"

namespace covey {

std::span<const SumAlgorithm> sum_algorithms() {
  static const std::array<SumAlgorithm, 4> list{kDirectSum, kScatterSum, kRingSum, kDoublingSum};
  return list;
}

const SumAlgorithm& transport_sum() { return kTransportSum; }

const SumAlgorithm& find_sum_algorithm(std::string_view name) {
  if (name == kTransportSum.name) return kTransportSum;
  const auto found = std::ranges::find(sum_algorithms(), name, &SumAlgorithm::name);
  if (found != sum_algorithms().end()) return *found;
  std::string names;
  for (const SumAlgorithm& algorithm : sum_algorithms()) names += ", " + std::string(algorithm.name);
  throw Error("--allreduce: there is no algorithm '" + std::string(name) + "': choose auto" + names + ", mpi");
}

std::vector<const SumAlgorithm*> parse_sum_algorithms(std::string_view text) {
  std::vector<const SumAlgorithm*> chosen;
  if (text == "auto") return chosen;
  for (bool more = true; more;) {
    const std::size_t comma = std::min(text.find(','), text.size());
    const SumAlgorithm& found = find_sum_algorithm(text.substr(0, comma));
    if (std::ranges::find(chosen, &found) == chosen.end()) chosen.push_back(&found);
    more = comma < text.size();
    text.remove_prefix(more ? comma + 1 : comma);
  }
  return chosen;
}

}  // namespace covey
