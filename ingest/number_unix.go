//go:build unix

package ingest

import (
	"io/fs"
	"syscall"
)

// number is the device of a file and its number on it, which stay through a rename.
func number(st fs.FileInfo) (device, inode uint64) {
	sys := st.Sys().(*syscall.Stat_t)
	return uint64(sys.Dev), uint64(sys.Ino) //nolint:unconvert // their types differ from system to system
}
