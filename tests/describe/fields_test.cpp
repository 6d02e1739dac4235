#include "describe/fields.hpp"

#include <gtest/gtest.h>

#include <set>

#include "describe/check.hpp"
#include "samples.hpp"

namespace {

using namespace mpifarm::describe;
using namespace samples;

struct Forgotten {
  std::int64_t kept = 0;
  std::optional<std::string> lost;
};
BOOST_DESCRIBE_STRUCT(Forgotten, (), (kept))

struct ForgottenFirst {
  std::vector<int> lost;
  std::array<int, 4> kept{};
};
BOOST_DESCRIBE_STRUCT(ForgottenFirst, (), (kept))

struct ForgottenBase : Named {
  int n = 0;
};
BOOST_DESCRIBE_STRUCT(ForgottenBase, (), (n))

struct ForgottenAll {
  int n = 0;
};
BOOST_DESCRIBE_STRUCT(ForgottenAll, (), ())

struct Undescribed {
  int n = 0;
};

struct HoldsUndescribed {
  std::vector<std::optional<Undescribed>> items;
};
BOOST_DESCRIBE_STRUCT(HoldsUndescribed, (), (items))

struct Archived {
  int n = 0;
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& n;
  }
};

struct ArchivedBeside {
  int n = 0;
};
template <class Archive>
void serialize(Archive& archive, ArchivedBeside& value, unsigned) {
  archive& value.n;
}

struct HoldsArchived {
  Archived a;
  int n = 0;
};
BOOST_DESCRIBE_STRUCT(HoldsArchived, (), (a, n))

struct Node {
  int n = 0;
  std::vector<Node> children;
};
BOOST_DESCRIBE_STRUCT(Node, (), (n, children))

struct HoldsCArray {
  int numbers[3];
};
BOOST_DESCRIBE_STRUCT(HoldsCArray, (), (numbers))

enum class Bare { a };

template <class T>
struct Holds {
  T member;
  BOOST_DESCRIBE_CLASS(Holds, (), (member), (), ())
};

struct Constructed {
  explicit Constructed(int n) : n_{n} {}

 private:
  int n_;
  BOOST_DESCRIBE_CLASS(Constructed, (), (), (), (n_))
};

TEST(Fields, AreWalkedInTheOrderOfTheDescriptionBasesFirst) {
  EXPECT_EQ(field_names<Deep>(), (std::vector<std::string>{"name", "flat", "point", "points", "bits", "words",
                                                           "triple", "table", "spot"}));
  EXPECT_EQ(field_count<Deep>, 9u);
  EXPECT_EQ(field_count<Empty>, 0u);
}

TEST(Fields, AreReferencesToTheMembers) {
  Pair pair{1, 2};
  for_each_field(pair, [](std::string_view, auto& member) { member *= 10; });
  EXPECT_EQ(pair, (Pair{10, 20}));
  std::int64_t sum = 0;
  for_each_field(std::as_const(pair), [&](std::string_view, const auto& member) { sum += member; });
  EXPECT_EQ(sum, 30);
}

TEST(Fields, KindsOfTypes) {
  static_assert(Described<Point> && !Described<std::string> && !Described<Undescribed>);
  static_assert(Scalar<bool> && Scalar<std::int8_t> && Scalar<float> && Scalar<std::string> &&
                Scalar<Method>);
  static_assert(Scalar<std::filesystem::path> && !Scalar<Bare> && !Scalar<char> && !Scalar<long double>);
  static_assert(!Scalar<const int> && !Scalar<std::optional<int>>);
  static_assert(std::same_as<Element<std::map<std::string, int>>, int>);
  static_assert(!TextMap<std::map<int, int>>);
}

TEST(Check, AcceptsWhatIsDescribedWhole) {
  check_described<Deep>();
  check_described<Empty>();
  check_described<Node>();
  check_described<Holds<int>>();
  check_described<Constructed>();
  check_described<Archived>();
  check_described<double>();
  static_assert(has_json<Deep>() && has_json<Node>() && has_json<Empty>());
}

TEST(Check, TellsWhatOnlySerializes) {
  static_assert(fit_of<Archived>() == Fit::serialized && fit_of<ArchivedBeside>() == Fit::serialized);
  static_assert(fit_of<HoldsArchived>() == Fit::serialized && !has_json<HoldsArchived>());
}

TEST(Check, FindsAMemberLeftOut) {
  static_assert(fit_of<Forgotten>() == Fit::member_left_out);
  static_assert(fit_of<ForgottenFirst>() == Fit::member_left_out);
  static_assert(fit_of<ForgottenBase>() == Fit::member_left_out);
  static_assert(fit_of<ForgottenAll>() == Fit::member_left_out);
  static_assert(fit_of<std::vector<Forgotten>>() == Fit::member_left_out);
}

TEST(Check, RefusesWhatItCannotWalk) {
  static_assert(fit_of<HoldsCArray>() == Fit::unsupported);
  static_assert(fit_of<Undescribed>() == Fit::not_described);
  static_assert(fit_of<HoldsUndescribed>() == Fit::not_described);
  static_assert(fit_of<Holds<std::set<int>>>() == Fit::not_described);
  static_assert(fit_of<Holds<int*>>() == Fit::unsupported && fit_of<Holds<Bare>>() == Fit::unsupported);
  static_assert(fit_of<Holds<char>>() == Fit::unsupported &&
                fit_of<Holds<long double>>() == Fit::unsupported);
  static_assert(fit_of<Holds<const int>>() == Fit::unsupported);
  static_assert(fit_of<Holds<std::optional<std::optional<int>>>>() == Fit::unsupported);
}

}  // namespace
