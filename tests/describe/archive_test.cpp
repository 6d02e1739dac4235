#include "describe/archive.hpp"

#include <gtest/gtest.h>

#include <boost/archive/binary_iarchive.hpp>
#include <boost/archive/binary_oarchive.hpp>
#include <boost/archive/xml_iarchive.hpp>
#include <boost/archive/xml_oarchive.hpp>
#include <boost/serialization/array.hpp>
#include <boost/serialization/map.hpp>
#include <boost/serialization/vector.hpp>
#include <sstream>

#include "base/pack.hpp"
#include "samples.hpp"

namespace {

using namespace samples;

template <class Out, class In, class T>
T through(const T& value) {
  std::stringstream stream;
  {
    Out out{stream};
    out << boost::serialization::make_nvp("value", value);
  }
  T back{};
  In in{stream};
  in >> boost::serialization::make_nvp("value", back);
  return back;
}

// Has a serialize of its own besides the description: that one counts.
struct Halved {
  std::int32_t n = 0;
  std::int32_t cache = 7;
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& n;
  }
};
BOOST_DESCRIBE_STRUCT(Halved, (), (n, cache))

TEST(Archive, PacksEveryKindOfMember) {
  Random random{1};
  for (int i = 0; i < 2000; ++i) {
    const Deep value = random.deep();
    EXPECT_EQ(mpifarm::unpack<Deep>(mpifarm::pack(value)), value);
  }
}

TEST(Archive, PacksNothingButTheMembers) {
  EXPECT_EQ(mpifarm::pack(Pair{1, 2}).size(), 16u);
  EXPECT_EQ(mpifarm::pack(Empty{}).size(), 0u);
}

TEST(Archive, GoesThroughBoostBinaryArchives) {
  Random random{2};
  for (int i = 0; i < 300; ++i) {
    const Deep value = random.deep();
    EXPECT_EQ((through<boost::archive::binary_oarchive, boost::archive::binary_iarchive>(value)), value);
  }
}

TEST(Archive, GoesThroughBoostXmlArchives) {
  Deep value;
  value.name = "n<&>";
  value.flat.maybe = 5;
  value.flat.path = "/tmp/x";
  value.spot = Point{0.25, 3};
  EXPECT_EQ((through<boost::archive::xml_oarchive, boost::archive::xml_iarchive>(value)), value);
}

TEST(Archive, AnEmptyOptionalClearsAFullOne) {
  std::stringstream stream;
  {
    boost::archive::binary_oarchive out{stream};
    const Flat empty;
    out << empty;
  }
  Flat full;
  full.maybe = 3;
  boost::archive::binary_iarchive in{stream};
  in >> full;
  EXPECT_FALSE(full.maybe.has_value());
}

TEST(Archive, TheSerializeOfATypeComesFirst) {
  const Halved value{5, 9};
  EXPECT_EQ(mpifarm::pack(value).size(), 4u);
  EXPECT_EQ(mpifarm::unpack<Halved>(mpifarm::pack(value)).cache, 7);
  EXPECT_EQ((through<boost::archive::binary_oarchive, boost::archive::binary_iarchive>(value)).n, 5);
}

}  // namespace
