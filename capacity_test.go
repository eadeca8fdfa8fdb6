package throng_test

import (
	"fmt"
	"math"
	"os"
	"strings"
	"testing"
)

// What docs/capacity.md takes from docs/performance.md, and assumes.
const (
	shipCPU       = 1.25 // CPU seconds a million lines
	loadCPU       = 1.75 // beside ship
	use           = .6   // of a core
	loaderCores   = 2
	shardCores    = 16
	blockLines    = 200_000
	quietest      = 1. / 30 // blocks a second: one is cut after 30 s
	eventBytes    = 42
	brokerDays    = 3
	brokerCopies  = 3
	storeFactor   = 2 // of the broker's bytes
	storeDays     = 10
	storeCopies   = 2
	closeVisits   = 50e6
	closeCPU      = 30 // CPU seconds for closeVisits
	visitsPerLine = .5
)

// capacity is the row of docs/capacity.md for a rate.
func capacity(rate float64) string {
	day := rate * 86400
	ship, load := rate/1e6*shipCPU/use, rate/1e6*loadCPU/use
	loaders := max(1, int(math.Ceil(load/loaderCores)))
	return fmt.Sprintf("| %s | %s M | %.2f | %.2f | %d | %d | %d | %.2f | %s | %s | %.1f CPU-h |",
		grouped(rate, 0), grouped(day/1e6, 1), ship, load, loaders, max(4, 2*loaders), max(1, int(math.Ceil(load/shardCores))), max(rate/blockLines, quietest),
		disk(day*eventBytes*brokerDays*brokerCopies), disk(day*eventBytes*storeFactor*storeDays*storeCopies), day*visitsPerLine/closeVisits*closeCPU/3600)
}

func disk(bytes float64) string {
	if bytes >= 1e12 {
		return fmt.Sprintf("%.1f TB", bytes/1e12)
	}
	return fmt.Sprintf("%.1f GB", bytes/1e9)
}

// grouped writes a number with commas between thousands.
func grouped(x float64, decimals int) string {
	s := fmt.Sprintf("%.*f", decimals, x)
	whole, rest, _ := strings.Cut(s, ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if rest != "" {
		whole += "." + rest
	}
	return whole
}

// The table is what the model says, and the model's figures are those that were measured.
func TestCapacityModel(t *testing.T) {
	text, err := os.ReadFile("docs/capacity.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, rate := range []float64{1e3, 1e4, 1e5, 3e5, 1e6} {
		if row := capacity(rate); !strings.Contains(string(text), row+"\n") {
			t.Errorf("docs/capacity.md has no row %q", row)
		}
	}
	measured, err := os.ReadFile("docs/performance.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []string{"| ship | 1.4 | 1.25 |", "| 2.5–3.0 | 1,010 |", "| 50,000,000 | 10,000,000 | 100,000 | 26–30 |"} {
		if !strings.Contains(string(measured), row) {
			t.Errorf("docs/performance.md no longer has %q: bring the model up to date", row)
		}
	}
}
