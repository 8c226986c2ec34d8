# cmake -DBUILD=… -DSOURCE=… -DCOMPILER=… -DMODEL=… -P package_test.cmake
#
# Installs the build into a folder of its own, then builds and runs an example against it: once by find_package, once by
# pkg-config, as a user would.
set(work "${BUILD}/package_test")
set(prefix "${work}/prefix")
set(example "${SOURCE}/examples/generate.cpp")
file(REMOVE_RECURSE "${work}")
file(MAKE_DIRECTORY "${work}")
function(run)
  execute_process(COMMAND ${ARGN} COMMAND_ERROR_IS_FATAL ANY OUTPUT_QUIET)
endfunction()

run(${CMAKE_COMMAND} --install "${BUILD}" --prefix "${prefix}")
run(${CMAKE_COMMAND} -S "${SOURCE}/tests/package" -B "${work}/build" "-DCMAKE_PREFIX_PATH=${prefix}"
    "-DCMAKE_CXX_COMPILER=${COMPILER}" "-DEXAMPLE=${example}")
run(${CMAKE_COMMAND} --build "${work}/build")
run("${work}/build/covey_user" "${MODEL}" "abc")

file(GLOB_RECURSE pc "${prefix}/covey.pc")
get_filename_component(pc_dir "${pc}" DIRECTORY)
file(READ "${pc}" text)
string(REGEX REPLACE "prefix=[^\n]*" "prefix=${prefix}" text "${text}")  # it says where a plain install would put it
file(WRITE "${pc}" "${text}")
set(ENV{PKG_CONFIG_PATH} "${pc_dir}")
execute_process(COMMAND pkg-config --cflags --libs --static covey OUTPUT_VARIABLE flags COMMAND_ERROR_IS_FATAL ANY)
separate_arguments(flags UNIX_COMMAND "${flags}")
run("${COMPILER}" -std=c++20 "${example}" -o "${work}/by_pkg_config" ${flags})
run("${work}/by_pkg_config" "${MODEL}" "abc")
