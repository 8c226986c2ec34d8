#include "cli/program.hpp"

int main(int argc, char** argv) { return covey::run_program(argc, argv); }
