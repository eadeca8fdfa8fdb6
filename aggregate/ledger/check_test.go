package ledger_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"throng/aggregate/ledger"
)

func TestCheckLooksAtTheEnd(t *testing.T) {
	for name, c := range map[string]struct {
		change func(t *testing.T, dir string)
		say    string // "" is in order
	}{
		"in order": {func(*testing.T, string) {}, ""},
		"an append is under way": {func(t *testing.T, dir string) {
			write(t, dir, ledger.FileName, append(read(t, dir), []byte(`{"seq":7,`)...))
		}, ""},
		"cut": {func(t *testing.T, dir string) {
			write(t, dir, ledger.FileName, read(t, dir)[:6*ledger.EntryBytes])
		}, "is not there"},
		"gone": {func(t *testing.T, dir string) {
			if err := os.Remove(filepath.Join(dir, ledger.FileName)); err != nil {
				t.Fatal(err)
			}
		}, "no such file"},
		"flipped": {func(t *testing.T, dir string) {
			b := read(t, dir)
			b[6*ledger.EntryBytes+5] ^= 1
			write(t, dir, ledger.FileName, b)
		}, "hash"},
		"another head": {func(t *testing.T, dir string) {
			write(t, dir, "head", []byte(`{"seq":6,"hash":"00"}`))
		}, "not of one time"},
		"no head": {func(t *testing.T, dir string) { write(t, dir, "head", []byte(`x`)) }, "does not name an entry"},
	} {
		dir := filled(t)
		c.change(t, dir)
		n, err := ledger.Check(dir)
		if c.say == "" && (err != nil || n != 7) || c.say != "" && (err == nil || !strings.Contains(err.Error(), c.say)) {
			t.Errorf("%s: %d entries, %v", name, n, err)
		}
	}
}
