# cmake -DNM=… -DOBJECTS=a.o,b.o,… -P isa_symbols.cmake
#
# Files of kernels/cpu/isa/ are compiled for processors wider than the one the program may run on. A function that such a
# file shares with others (an inline function of a header, emitted as a weak symbol) might be the copy that the linker
# keeps for everybody. So an object may export its table, and otherwise only what names its own architecture.
set(tag_avx2 "4fma3INS_4avx2EE")
set(tag_avx512vnni "8avx512bw")
set(tag_neon "6neon64")
set(tag_neon_dotprod "6neon64")
set(tag_neon_i8mm "6neon64")
# What compilers and sanitizers add on their own account.
set(allowed "^(_ZN5covey[0-9]+kIsa[A-Za-z0-9]+E|DW\\.ref\\..*|__clang_call_terminate|__odr_asan.*)$")

string(REPLACE "," ";" objects "${OBJECTS}")
set(checked 0)
foreach(object IN LISTS objects)
  if(NOT object MATCHES "/cpu/isa/([a-z0-9_]+)\\.cpp")
    continue()
  endif()
  set(isa ${CMAKE_MATCH_1})
  if(isa STREQUAL "scalar")
    continue()
  endif()
  if(NOT DEFINED tag_${isa})
    message(FATAL_ERROR "isa_symbols.cmake does not know how names of ${isa} are tagged: add a line")
  endif()
  execute_process(COMMAND ${NM} --extern-only --defined-only --format=posix ${object}
                  OUTPUT_VARIABLE output COMMAND_ERROR_IS_FATAL ANY)
  string(REGEX MATCHALL "[^\n]+" lines "${output}")
  if(NOT output MATCHES "kIsa")
    message(FATAL_ERROR "${object} exports no table")
  endif()
  foreach(line IN LISTS lines)
    string(REGEX REPLACE " .*" "" symbol "${line}")
    if(NOT symbol MATCHES "${allowed}" AND NOT symbol MATCHES "${tag_${isa}}")
      message(SEND_ERROR "${object} exports ${symbol}, which code for other processors may share")
    endif()
  endforeach()
  math(EXPR checked "${checked} + 1")
endforeach()
if(checked EQUAL 0)
  message(FATAL_ERROR "no object of cpu/isa/ among: ${OBJECTS}")
endif()
message(STATUS "${checked} objects checked")
