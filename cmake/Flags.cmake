# tb_flags carries the flags of every target of ours; nothing is set globally.
add_library(tb_flags INTERFACE)
target_include_directories(tb_flags INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_definitions(tb_flags INTERFACE
	_POSIX_C_SOURCE=200809L _DEFAULT_SOURCE
	_FILE_OFFSET_BITS=64
	TB_VERSION="${PROJECT_VERSION}"
	TB_DATADIR="${CMAKE_INSTALL_FULL_DATADIR}/thingbridge")
if(CMAKE_SIZEOF_VOID_P EQUAL 4)
	target_compile_definitions(tb_flags INTERFACE _TIME_BITS=64)
endif()
target_compile_options(tb_flags INTERFACE
	-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion
	-Wformat=2 -Wmissing-prototypes -Wstrict-prototypes -Wold-style-definition
	-Wvla -Wcast-qual -Wwrite-strings -Wundef -Wpointer-arith
	-Wimplicit-fallthrough -Wswitch-enum
	-fno-common -fstack-protector-strong)
if(TB_WERROR)
	target_compile_options(tb_flags INTERFACE -Werror)
endif()
if(TB_SANITIZE)
	target_compile_options(tb_flags INTERFACE
		-fsanitize=${TB_SANITIZE} -fno-sanitize-recover=all
		-fno-omit-frame-pointer)
	target_link_options(tb_flags INTERFACE -fsanitize=${TB_SANITIZE})
elseif(CMAKE_BUILD_TYPE MATCHES "Rel")
	# Debian's own flags may have set FORTIFY already.
	if(NOT CMAKE_C_FLAGS MATCHES "_FORTIFY_SOURCE")
		target_compile_options(tb_flags INTERFACE
			-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
	endif()
	target_compile_options(tb_flags INTERFACE -fstack-clash-protection -fPIE)
	target_link_options(tb_flags INTERFACE -fPIE -pie -Wl,-z,relro,-z,now)
endif()

# tb_library(folder-name SOURCES ... LINK ...) makes the library of a folder.
function(tb_library name)
	cmake_parse_arguments(A "" "" "SOURCES;PRIVATE;LINK" ${ARGN})
	add_library(${name} STATIC ${A_SOURCES})
	target_link_libraries(${name} PUBLIC tb_flags ${A_LINK} PRIVATE ${A_PRIVATE})
endfunction()

function(tb_program name)
	cmake_parse_arguments(A "" "" "SOURCES;LINK" ${ARGN})
	add_executable(${name} ${A_SOURCES})
	target_link_libraries(${name} PRIVATE ${A_LINK})
	set_target_properties(${name} PROPERTIES
		RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
endfunction()
