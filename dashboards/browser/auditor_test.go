package browser_test

import (
	"crypto/sha256"
	"encoding/hex"
	"os/exec"
	"strings"
	"testing"
)

// An auditor goes through all that is published, compares a release with its checksum, and checks all of it with
// the command that the page gives.
func TestAuditor(t *testing.T) {
	for _, l := range looks {
		t.Run(l.String(), func(t *testing.T) {
			t.Parallel()
			w := open(t, auditorsSite(t), l)
			w.visit("/")
			w.follow("Check it")
			w.sees("Nobody has to trust whoever runs this", "Version 3", "19 releases are published")
			w.readsTheMethod()
			w.readsTheLedger()
			w.comparesARelease()
			w.sees("What is deleted, and when", "two receipts, one before and one after", "copies of some events were kept longer", "A disk was full")
			w.checksItAll()
		})
	}
}

func (w *window) readsTheMethod() {
	w.t.Helper()
	w.follow("All versions")
	w.sees("Version 3, since 25 October 2026", "parameters.k", "6000", "5000", "The first that was recorded")
	w.follow("What can be checked")
	w.follow("How the numbers are made")
	w.sees("σ = most × √(passed L0) × σ₁", "analytic Gaussian mechanism")
	w.follow("Check it")
	w.follow("what each field means")
	w.sees("clipped_percent", "The lower end of the 95 % interval")
	w.follow("What can be checked")
}

func (w *window) readsTheLedger() {
	w.t.Helper()
	w.sees("A device-month is one device that came on every day")
	w.follow("All entries")
	w.sees("39 entries", "reservation", "publication", "www/path/2026-11-01--2026-11-08")
	w.follow("What can be checked")
}

// comparesARelease works the SHA-256 of a file out from what the browser gets, and finds it in the list and in the
// manifest.
func (w *window) comparesARelease() {
	w.t.Helper()
	w.follow("all releases with their checksums")
	shown := eval[string](w, `document.querySelector('tbody tr td:last-child code').textContent`)
	if sum := sha256.Sum256(w.download("JSON")); hex.EncodeToString(sum[:]) != shown {
		w.t.Errorf("the file's SHA-256 is %x, the page says %s", sum, shown)
	}
	w.visit("/transparency")
	w.follow("the list of all files")
	if !strings.Contains(eval[string](w, `document.querySelector('pre').textContent`), shown) {
		w.t.Errorf("the manifest does not have %s", shown)
	}
	w.visit("/transparency")
}

// checksItAll runs the command as it stands on the page.
func (w *window) checksItAll() {
	w.t.Helper()
	command := strings.Fields(eval[string](w, `document.querySelector('.command').textContent`))
	if len(command) != 3 || command[0] != "throng" || command[1] != "verify" {
		w.t.Fatalf("the command is %q", command)
	}
	out, err := exec.CommandContext(w.t.Context(), "../../bin/throng", command[1:]...).CombinedOutput()
	if err != nil {
		w.t.Errorf("%q: %v (make build makes the program)\n%s", command, err, out)
	}
	head := eval[string](w, `[...document.querySelectorAll('#check code')].at(-1).textContent`)
	if !strings.Contains(string(out), head) {
		w.t.Errorf("the program does not find the head that the page tells, %s:\n%s", head, out)
	}
}
