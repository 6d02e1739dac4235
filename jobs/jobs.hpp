#pragma once
// The list of the jobs in this folder.

#include "node/jobs.hpp"

const mpifarm::Jobs& all_jobs();  // by name
