// support/trouble_job.hpp as a program.

#include "support/trouble_job.hpp"

#include <mpifarm_main.hpp>

int main(int argc, char** argv) { return mpifarm::main<mpifarm::support::Trouble>(argc, argv); }
