// Calls of MPI that report by a code, and MPI's own sum over all ranks. For the file that includes <mpi.h>, after that.
#pragma once

#include <algorithm>
#include <array>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "covey/error.hpp"
#include "mpi/ulfm_watch.hpp"

namespace covey {

inline void check(int code, const char* call) {
  if (code == MPI_SUCCESS) return;
  std::array<char, MPI_MAX_ERROR_STRING> text{};
  int length = 0;
  MPI_Error_string(code, text.data(), &length);
  throw Error(std::string(call) + ": " + std::string(text.data(), static_cast<std::size_t>(length)));
}

class MpiSum {
 public:
  /// Starts it; `values` must outlive the object.
  explicit MpiSum(std::span<float> values) : values_(values), sums_(new std::vector(values.begin(), values.end())) {
    // NOLINTNEXTLINE(clang-analyzer-optin.mpi.MPI-Checker): tested, never waited for, since a rank may be lost
    check(MPI_Iallreduce(MPI_IN_PLACE, sums_->data(), static_cast<int>(sums_->size()), MPI_FLOAT, MPI_SUM,
                         MPI_COMM_WORLD, &request_),
          "MPI_Iallreduce");
  }
  /// MPI may still write to the memory of a sum that has not come to its end.
  ~MpiSum() {
    if (request_ != MPI_REQUEST_NULL) static_cast<void>(sums_.release());
  }
  MpiSum(const MpiSum&) = delete;
  MpiSum& operator=(const MpiSum&) = delete;

  /// Whether the values are replaced by their sums.
  bool done() {
    int done = 0;
    if (failed_) return false;
    const int code = MPI_Test(&request_, &done, MPI_STATUS_IGNORE);
    // A rank has failed, as it seems: UlfmWatch tells whoever waits which.
    failed_ = code != MPI_SUCCESS && kHasUlfm;
    if (failed_) return false;
    check(code, "MPI_Test");
    if (done != 0) std::copy(sums_->begin(), sums_->end(), values_.begin());
    return done != 0;
  }

 private:
  std::span<float> values_;
  std::unique_ptr<std::vector<float>> sums_;
  MPI_Request request_ = MPI_REQUEST_NULL;
  bool failed_ = false;
};

}  // namespace covey
