package main_test

import (
	"os/exec"
	"syscall"
)

// dieTogether lets a process end with the thread that starts it, which lives as long as this process.
func dieTogether(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
