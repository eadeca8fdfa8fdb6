//go:build linux

package main

import (
	"os/exec"
	"strings"
	"testing"
)

// TestNoCoreDumps looks at what a process that is started afterwards inherits.
func TestNoCoreDumps(t *testing.T) {
	if err := noCoreDumps(); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "cat", "/proc/self/limits").Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		if strings.HasPrefix(line, "Max core file size") {
			if f := strings.Fields(line); f[4] != "0" || f[5] != "0" {
				t.Errorf("core files may have %s bytes, and up to %s if asked for", f[4], f[5])
			}
			return
		}
	}
	t.Fatal("/proc/self/limits does not tell the size of core files")
}
