// The transport's contract over MPI, with frames as they are and with tiny ones.

#include "transport/contract.hpp"
#include "transport/mpi_transport.hpp"

namespace mpifarm {
namespace {

template <std::size_t frame_bytes>
struct MpiRanks {
  template <class Body>
  static void run(Body body) {
    const auto transport = make_mpi_transport(frame_bytes);
    body(*transport);
  }
};

using Frames = ::testing::Types<MpiRanks<4000>, MpiRanks<16>, MpiRanks<100'000>>;
INSTANTIATE_TYPED_TEST_SUITE_P(Mpi, TransportContract, Frames);

TEST(MpiTransport, SeveralLiveSideBySide) {
  const auto first = make_mpi_transport(), second = make_mpi_transport();
  const auto size_of = [](std::size_t number) { return number * 1000; };
  contract::exchange(*first, 10, size_of);
  contract::exchange(*second, 10, size_of);
}

}  // namespace
}  // namespace mpifarm
