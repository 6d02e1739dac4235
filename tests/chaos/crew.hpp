#pragma once
// Carries cases out in processes of their own, several at a time, as each needs to be the subreaper of what
// it starts.

#include <functional>
#include <map>

#include "trial.hpp"

namespace mpifarm::chaos {

class Crew {
 public:
  using Done = std::function<void(const Case&, const Report&)>;

  // `done` is called in this process, one at a time. Places are made in `directory` and removed when nothing
  // was wrong. `loads` must know the answers already.
  Crew(int most, Loads& loads, std::filesystem::path directory, Done done);
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;
  ~Crew();

  // Waits while too many are under way. False after SIGINT or SIGTERM: it was not begun, and those under way
  // end with the crew.
  bool carry_out(const Case& drawn);
  void finish();
  std::filesystem::path place_of(const Case& drawn) const;

 private:
  bool wait_for_one();

  std::size_t most_;
  Loads& loads_;
  std::filesystem::path directory_;
  Done done_;
  std::map<pid_t, Case> under_way_;
};

}  // namespace mpifarm::chaos
