package aggregate_test

import (
	"cmp"
	"crypto/sha256"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"throng"
	"throng/aggregate"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestAFixedKeyAndFixedNoiseGiveTheSameBytes keeps what a day and its span publish, and what the day folds,
// under a fixed sampling key and gates that go by the true count: how units are read, put in order and
// counted must show nowhere, nor how much of them is kept in memory.
func TestAFixedKeyAndFixedNoiseGiveTheSameBytes(t *testing.T) {
	const golden = "testdata/fixed.golden"
	want, err := os.ReadFile(golden)
	if err != nil && !*update {
		t.Fatal(err)
	}
	for _, memory := range []int64{0, 20_000, 1 << 30} {
		got := fixedPeriods(t, memory)
		if *update {
			if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		} else if got != string(want) {
			t.Errorf("with %d bytes of memory it is not as in %s; -update writes it anew", memory, golden)
		}
	}
}

func fixedPeriods(t *testing.T, memory int64) string {
	m := fixedDay()
	var out strings.Builder
	for _, of := range []throng.Period{today.Period(), throng.SpanOf(today).Period()} {
		r := &recorder{pass: func(_ int, devices int64) bool { return devices >= 150 }}
		drawn, err := aggregate.PartitionIn(m, of, "www", [16]byte{1, 2, 3}, r, memory)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&out, "%s\ngates %v\nvisits %v\nopted-out gates %v\nopted-out %v\nclipped %v\n", of, r.gates, r.visits, r.optedOutGates, r.optedOut, r.clipped)
		for _, row := range drawn.Rows {
			fmt.Fprintf(&out, "row %s %s %v %v\n", row.Key, row.Holder, row.Devices, row.Visits)
		}
		fmt.Fprintf(&out, "column %v\n", drawn.OptedOut)
	}
	folded := m.folded[today].rows[today]
	slices.SortFunc(folded, func(a, b row) int { return cmp.Or(cmp.Compare(a.unit, b.unit), cmp.Compare(a.cell, b.cell)) })
	h := sha256.New()
	for _, r := range folded {
		fmt.Fprintf(h, "%x %x %d %v %x\n", r.unit, r.cell, r.visits, r.optedOut, r.network)
	}
	fmt.Fprintf(&out, "folded %d rows, SHA-256 %x\n", len(folded), h.Sum(nil))
	return out.String()
}

// fixedDay has devices of one to thirty leaves in four sections, some of which opted out, one crowded
// network, and devices that are in two.
func fixedDay() *memory {
	m := newMemory()
	r := rand.New(rand.NewPCG(3, 4))
	for device := range 900 {
		network := uint64(device) + 1
		if device%3 == 0 {
			network = 1_000_000
		}
		for n := range 1 + r.IntN(4)*r.IntN(11) {
			path := fmt.Sprintf("/s%d/t%d/p%d", n%4, n%3, r.IntN(1+r.IntN(40)))
			if n%5 == 0 {
				path = fmt.Sprintf("/s%d/p%d/deep/er", n%4, r.IntN(3))
			}
			m.visitFrom(today, "www", device, path, 1+r.IntN(5), device%4 == 1, network+uint64(n%2))
		}
	}
	m.sort()
	return m
}
