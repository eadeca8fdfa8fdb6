package verify_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"throng"
)

// keepVersions writes three versions of a method into a directory and gives their files.
func keepVersions(t *testing.T, dir string) (files []string) {
	t.Helper()
	prev := ""
	for number := 1; number <= 3; number++ {
		v := throng.MethodVersion{Format: throng.MethodVersionFormat, Number: number, Since: time.Unix(int64(number), 0).UTC(), Prev: prev,
			Method: throng.MethodStatement{Format: throng.MethodFormat, Tree: number}}
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(b)
		prev = hex.EncodeToString(sum[:])
		files = append(files, filepath.Join(dir, filepath.FromSlash(v.Path())))
		if err := os.MkdirAll(filepath.Dir(files[0]), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(files[number-1], b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

func TestMethodHistoryIsOneChain(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(t *testing.T, files []string)
		say    string // "" is no fault
	}{
		"untouched": {func(*testing.T, []string) {}, ""},
		"one changed": {func(t *testing.T, files []string) {
			edit(t, files[1], func(b []byte) []byte { return []byte(strings.Replace(string(b), `"tree":2`, `"tree":9`, 1)) })
		}, "does not follow"},
		"one in another's place": {func(t *testing.T, files []string) {
			if err := os.Rename(files[2], files[1]); err != nil {
				t.Fatal(err)
			}
		}, "does not follow"},
		"an unknown form": {func(t *testing.T, files []string) {
			edit(t, files[0], func(b []byte) []byte { return []byte(strings.Replace(string(b), "version/1", "version/9", 1)) })
		}, "not of the form"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := published(t)
			tc.change(t, keepVersions(t, dir))
			got := strings.Join(faults(runDir(t, dir)), "\n")
			if (tc.say == "") != (got == "") || !strings.Contains(got, tc.say) {
				t.Errorf("faults %q, want %q", got, tc.say)
			}
		})
	}
}
