// How the page of a comparison looks, and what it does when it is touched.
#pragma once

#include <string_view>

namespace covey {

/// Elements of the head: style, and what has to run before the page is shown.
extern const std::string_view kCompareStyle;
/// An element for the end of the body.
extern const std::string_view kCompareScript;

}  // namespace covey
