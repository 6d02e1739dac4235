// What MPI itself can do, for the farm to be compared with.
//   mpi_control empty                      initialises and finalises
//   mpi_control echo TASKS BATCH WINDOW    rank 0 sends integers in messages of BATCH, rank 1 sends back each
//                                          with its square; WINDOW messages are under way
// Prints one JSON object. Raw MPI, and no farm in it; both ranks spin.

#include <mpi.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <vector>

namespace {

struct Answer {
  std::int64_t n, square;
};

struct Echo {
  std::int64_t tasks;
  std::size_t batch, window;
};

// The sum of all squares, modulo 2^64.
std::uint64_t ask(const Echo& echo) {
  struct Slot {
    std::vector<std::int64_t> tasks;
    std::vector<Answer> answers;
    MPI_Request sending = MPI_REQUEST_NULL, receiving = MPI_REQUEST_NULL;
  };
  std::vector<Slot> slots(echo.window);
  std::int64_t next = 0;
  std::uint64_t sum = 0;
  const auto send = [&](Slot& slot) {
    slot.tasks.clear();
    while (slot.tasks.size() < echo.batch && next < echo.tasks) slot.tasks.push_back(next++);
    if (slot.tasks.empty()) return;
    slot.answers.resize(slot.tasks.size());
    MPI_Irecv(slot.answers.data(), static_cast<int>(slot.answers.size() * sizeof(Answer)), MPI_BYTE, 1, 0,
              MPI_COMM_WORLD, &slot.receiving);
    MPI_Isend(slot.tasks.data(), static_cast<int>(slot.tasks.size() * sizeof(std::int64_t)), MPI_BYTE, 1, 0,
              MPI_COMM_WORLD, &slot.sending);
  };
  for (Slot& slot : slots) send(slot);
  for (std::int64_t done = 0; done < echo.tasks;)
    for (Slot& slot : slots) {  // answers come in the order of the messages
      if (slot.tasks.empty()) continue;
      MPI_Wait(&slot.receiving, MPI_STATUS_IGNORE);
      MPI_Wait(&slot.sending, MPI_STATUS_IGNORE);
      for (const Answer& answer : slot.answers) sum += static_cast<std::uint64_t>(answer.square);
      done += static_cast<std::int64_t>(slot.answers.size());
      send(slot);
    }
  MPI_Send(nullptr, 0, MPI_BYTE, 1, 1, MPI_COMM_WORLD);
  return sum;
}

void answer(const Echo& echo) {
  std::vector<std::int64_t> tasks(echo.batch);
  struct Slot {
    std::vector<Answer> answers;
    MPI_Request sending = MPI_REQUEST_NULL;
  };
  std::vector<Slot> slots(echo.window);
  for (std::size_t turn = 0;; turn = (turn + 1) % echo.window) {
    MPI_Status status;
    MPI_Recv(tasks.data(), static_cast<int>(tasks.size() * sizeof(std::int64_t)), MPI_BYTE, 0, MPI_ANY_TAG,
             MPI_COMM_WORLD, &status);
    if (status.MPI_TAG == 1) break;
    int bytes = 0;
    MPI_Get_count(&status, MPI_BYTE, &bytes);
    Slot& slot = slots[turn];
    MPI_Wait(&slot.sending, MPI_STATUS_IGNORE);
    slot.answers.clear();
    for (std::size_t i = 0; i < static_cast<std::size_t>(bytes) / sizeof(std::int64_t); ++i)
      slot.answers.push_back({tasks[i], tasks[i] * tasks[i]});
    MPI_Isend(slot.answers.data(), static_cast<int>(slot.answers.size() * sizeof(Answer)), MPI_BYTE, 0, 0,
              MPI_COMM_WORLD, &slot.sending);
  }
  for (Slot& slot : slots) MPI_Wait(&slot.sending, MPI_STATUS_IGNORE);
}

}  // namespace

int main(int argc, char** argv) {
  MPI_Init(&argc, &argv);
  int rank = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  if (argc == 5 && std::string_view{argv[1]} == "echo") {
    const Echo echo{std::atoll(argv[2]), static_cast<std::size_t>(std::atoll(argv[3])),
                    static_cast<std::size_t>(std::atoll(argv[4]))};
    MPI_Barrier(MPI_COMM_WORLD);
    const auto start = std::chrono::steady_clock::now();
    if (rank == 0) {
      const std::uint64_t sum = ask(echo);
      const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - start;
      std::printf("{\"tasks_per_second\": %.6g, \"sum\": %llu}\n",
                  static_cast<double>(echo.tasks) / wall.count(), static_cast<unsigned long long>(sum));
    } else if (rank == 1) {
      answer(echo);
    }
  }
  MPI_Finalize();
  return 0;
}
