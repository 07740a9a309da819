// Catch2, version 2 or 3, under one header: TEST_CASE, CHECK, CHECK_THAT, CHECK_THROWS_WITH, text matchers, MatcherBase.
#pragma once

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
#else
#include <catch2/catch.hpp>
#endif

#include <string>

namespace ember {

#if __has_include(<catch2/catch_all.hpp>)
template <class T>
using MatcherBase = Catch::Matchers::MatcherBase<T>;
inline auto starts_with(const std::string& text) { return Catch::Matchers::StartsWith(text); }
inline auto contains(const std::string& text) { return Catch::Matchers::ContainsSubstring(text); }
inline auto equals(const std::string& text) { return Catch::Matchers::Equals(text); }
#else
template <class T>
using MatcherBase = Catch::MatcherBase<T>;
inline auto starts_with(const std::string& text) { return Catch::Matchers::StartsWith(text); }
inline auto contains(const std::string& text) { return Catch::Matchers::Contains(text); }
inline auto equals(const std::string& text) { return Catch::Matchers::Equals(text); }
#endif

}  // namespace ember
