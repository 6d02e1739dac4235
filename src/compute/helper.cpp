#include "compute/helper.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/error.hpp"
#include "base/pack.hpp"
#include "compute/helper_process.hpp"

namespace mpifarm {

Helper::Helper(FindJob find_job) {
  auto [ours, theirs] = socket_pair();
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
  waitpid(process_, nullptr, 0);
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
  const bool ended = waitpid(process_, &status, WNOHANG) == process_;
  return {.error = "the process that was to make the job " +
                   (ended ? "was " + describe_end(status) : std::string{"has ended"}),
          .source_size = 0,
          .sample_keys = {}};
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
