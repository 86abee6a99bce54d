# For a sysroot of Debian's armhf libraries, named by -DTB_SYSROOT=DIR or, in
# cmake's own trials, by the environment (packaging/cross/build sets both).
if(NOT TB_SYSROOT)
	set(TB_SYSROOT $ENV{TB_SYSROOT})
endif()
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR armv7l)
set(CMAKE_C_COMPILER arm-linux-gnueabihf-gcc)
set(CMAKE_LIBRARY_ARCHITECTURE arm-linux-gnueabihf)
set(CMAKE_SYSROOT ${TB_SYSROOT})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(ENV{PKG_CONFIG_SYSROOT_DIR} ${TB_SYSROOT})
set(ENV{PKG_CONFIG_LIBDIR}
	${TB_SYSROOT}/usr/lib/arm-linux-gnueabihf/pkgconfig:${TB_SYSROOT}/usr/share/pkgconfig)
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-arm-static;-L;${TB_SYSROOT})
