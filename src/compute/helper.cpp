#include "compute/helper.hpp"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <thread>

#include "base/error.hpp"
#include "base/pack.hpp"
#include "compute/helper_process.hpp"

namespace mpifarm {
namespace {

constexpr auto longest_farewell = std::chrono::seconds{5};

}  // namespace

Helper::Helper(const FindJob& find_job) {
  auto [ours, theirs] = socket_pair();
  prctl(PR_SET_CHILD_SUBREAPER, 1);  // should the helper be killed, what it leaves is found
  process_ = fork();
  if (process_ < 0)
    throw MachineryFailure{"the helper process could not be started (" + errno_text(errno) +
                           "); raise the limit on processes"};
  if (process_ == 0) {
    { const FileDescriptor closed{std::move(ours)}; }
    helper::be_helper(FrameSocket{std::move(theirs)}, find_job, *cells_);
  }
  socket_ = FrameSocket{std::move(ours)};
}

Helper::~Helper() {
  socket_ = FrameSocket{};
  for (const TimePoint end = Clock::now() + longest_farewell; waitpid(process_, nullptr, WNOHANG) == 0;) {
    if (Clock::now() > end) ::kill(process_, SIGKILL);
    std::this_thread::sleep_for(std::chrono::milliseconds{1});
  }
}

void Helper::send(const helper::ToHelper& words) {
  socket_.put(pack(words));
  socket_.flush(Wait::yes);  // one that has ended is met when it is listened to
}

JobFacts Helper::make_job(const JobRecipe& recipe, const helper::ChildOptions& options) {
  send(helper::Make{recipe, options});
  while (socket_.fill(Wait::yes) != Filled::closed)
    for (Bytes frame; socket_.next(frame);) {
      auto words = unpack<helper::FromHelper>(frame);
      if (auto* made = std::get_if<helper::Made>(&words)) {
        has_job_ = made->facts.error.empty();
        return std::move(made->facts);
      }
    }
  int status = 0;
  const bool known = waitpid(process_, &status, 0) == process_;
  throw ProcessLost{
      "the helper process " + (known ? "was " + describe_end(status) : std::string{"ended"}) +
      " while it made the job; see whether the job's constructor or the host's memory did that"};
}

void Helper::keep_suspects(const std::string& file) { send(helper::KeepSuspects{file}); }

std::string describe_end(int wait_status) {
  if (WIFSIGNALED(wait_status)) {
    const int signal = WTERMSIG(wait_status);
    const char* name = sigdescr_np(signal);
    return "killed by signal " + std::to_string(signal) +
           (name == nullptr ? "" : " (" + std::string{name} + ")");
  }
  return "ended with status " + std::to_string(WEXITSTATUS(wait_status));
}

}  // namespace mpifarm
