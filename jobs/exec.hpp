#pragma once
// Programs as tasks: the job is a floor of its own.

#include "exec/exec_job.hpp"
