package main_test

import (
	"io/fs"
	"syscall"
)

// fileState tells a state of a file from all others, but for what is written through a memory mapping.
type fileState struct {
	device, inode     uint64
	size              int64
	modified, changed syscall.Timespec
}

func stateOf(info fs.FileInfo) fileState {
	st := info.Sys().(*syscall.Stat_t)
	return fileState{st.Dev, st.Ino, st.Size, st.Mtim, st.Ctim}
}
