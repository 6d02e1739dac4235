// GoogleTest on the ranks of an MPI job: every rank runs every test, the worst status wins. A test that fails
// on one rank ends the job, since the others would wait for it; rank 0 says at the end whether all passed.

#include <gtest/gtest.h>
#include <mpi.h>

#include <cstdio>

namespace {

class EndOfAll : public ::testing::EmptyTestEventListener {
  void OnTestEnd(const ::testing::TestInfo& test) override {
    if (!test.result()->Failed()) return;
    std::fflush(nullptr);
    MPI_Abort(MPI_COMM_WORLD, 1);
  }
};

// What the ranks beyond the first print: failures alone.
class Failures : public ::testing::EmptyTestEventListener {
 public:
  explicit Failures(int rank) : rank_{rank} {}

 private:
  void OnTestPartResult(const ::testing::TestPartResult& result) override {
    if (result.failed())
      std::fprintf(stderr, "rank %d: %s:%d: %s\n", rank_, result.file_name(), result.line_number(),
                   result.message());
  }

  int rank_;
};

}  // namespace

int main(int argc, char** argv) {
  int provided = 0;
  MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &provided);
  int rank = 0, size = 1;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  ::testing::InitGoogleTest(&argc, argv);
  auto& listeners = ::testing::UnitTest::GetInstance()->listeners();
  if (rank != 0) {
    delete listeners.Release(listeners.default_result_printer());
    listeners.Append(new Failures{rank});
  }
  if (size > 1) listeners.Append(new EndOfAll);

  int status = provided < MPI_THREAD_FUNNELED ? 1 : RUN_ALL_TESTS();
  if (::testing::UnitTest::GetInstance()->successful_test_count() == 0) status = 1;
  int worst = 1;
  MPI_Allreduce(&status, &worst, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
  if (rank == 0)
    std::printf(worst == 0 ? "mpi_tests: all %d ranks passed\n" : "mpi_tests: failed on some of %d ranks\n",
                size);
  MPI_Finalize();
  return worst;
}
