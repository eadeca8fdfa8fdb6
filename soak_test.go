package throng_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"
)

// What `make soak` makes of a run's samples: a leak is found, in memory and in what waits, and noise is not taken for one.
// The bounds are those of scripts/soak.sh, the series are a run of five minutes: 60 samples, MiB or seconds.
func TestSoakFindsGrowth(t *testing.T) {
	if _, err := exec.LookPath("awk"); err != nil {
		t.Skip("there is no awk, which judges the samples of make soak")
	}
	const samples, step = 60, 5.
	r := rand.New(rand.NewPCG(1, 2))
	noise := func(s float64) float64 { return s * r.NormFloat64() }
	drift := 0. // of the machine: each sample remembers the one before
	wander := func(s float64) float64 { drift = .7*drift + s*r.NormFloat64(); return drift }
	memory, lag := []string{"allowed=0.25", "floor=512"}, []string{"allowed=0.5", "floor=30"}
	for _, c := range []struct {
		name   string
		bounds []string
		at     func(s float64) float64
		flat   bool
	}{
		{"memory that does not change", memory, func(float64) float64 { return 900 }, true},
		{"a noisy memory", memory, func(float64) float64 { return 900 + noise(100) }, true},
		{"memory with a memory", memory, func(float64) float64 { return 900 + wander(40) }, true},
		{"memory that comes and goes with merges", memory, func(s float64) float64 { return 800 + 150*math.Sin(s/9) + noise(30) }, true},
		{"caches that fill in the first minute", memory, func(s float64) float64 { return 900 - 600*math.Exp(-s/20) + noise(40) }, true},
		{"one sample of twice as much", memory, func(s float64) float64 { return 800 + 800*float64(b2i(s == 280)) }, true},
		{"two MiB a second", memory, func(s float64) float64 { return 500 + 2*s + noise(60) }, false},
		{"three bytes a line of 600,000 a second", memory, func(s float64) float64 { return 700 + 3*.6*s/1.048576 + noise(60) }, false},
		{"a leak that begins late", memory, func(s float64) float64 { return 700 + max(0, s-150)*4 + noise(30) }, false},
		{"a small process that doubles", memory, func(s float64) float64 { return 100 + s + noise(10) }, false},
		{"a lag of seconds", lag, func(float64) float64 { return max(0, 3+noise(2)) }, true},
		{"a lag that jumps, as blocks do", lag, func(s float64) float64 { return 2 + math.Mod(s, 13) }, true},
		{"a store that stands still for 20 seconds", lag, func(s float64) float64 { return 3 + 20*float64(b2i(s > 200 && s < 230)) }, true},
		{"a loader that is 10 % too slow", lag, func(s float64) float64 { return 3 + .1*s + noise(2) }, false},
		{"a loader that stopped", lag, func(s float64) float64 { return 3 + max(0, s-120) }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			var series strings.Builder
			for i := range samples {
				s := step * float64(i)
				fmt.Fprintf(&series, "%g %.3f\n", s, c.at(s))
			}
			args := []string{"-v", "name=series", "-v", "column=2", "-f", "scripts/flat.awk"}
			for _, b := range c.bounds {
				args = append([]string{"-v", b}, args...)
			}
			said, code := runAwk(t, series.String(), args)
			if want := b2i(!c.flat); code != want {
				t.Errorf("awk exits with %d, want %d: %s", code, want, said)
			}
		})
	}
	if said, code := runAwk(t, "0 1\n5 1\n", []string{"-v", "column=2", "-f", "scripts/flat.awk"}); code != 2 {
		t.Errorf("two samples: exit code %d: %s", code, said)
	}
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

func runAwk(t *testing.T, input string, args []string) (said string, code int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "awk", args...)
	cmd.Stdin = strings.NewReader(input)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}
