//go:build !linux

package kafkatest

import "os/exec"

// dieTogether is for Linux alone; elsewhere brokers outlive a test process that is killed.
func dieTogether(*exec.Cmd) {}
