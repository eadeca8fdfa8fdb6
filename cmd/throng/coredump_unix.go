//go:build unix

package main

import "syscall"

// noCoreDumps keeps the memory of this process, and of those it starts, out of core files: raw lines are
// in memory alone.
func noCoreDumps() error { return syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{}) }
