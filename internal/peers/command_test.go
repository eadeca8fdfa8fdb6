package peers_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// throng builds the program once.
var throng = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "throng-peers-")
	if err != nil {
		return "", err
	}
	program := filepath.Join(dir, "throng")
	out, err := exec.Command("go", "build", "-o", program, "throng/cmd/throng").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build throng: %w: %s", err, out)
	}
	return program, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if len(answers) > 0 { // it was built
		if program, err := throng(); err == nil {
			os.RemoveAll(filepath.Dir(program))
		}
	}
	os.Exit(code)
}

// answers are what was asked already: the lines of standard output by arguments and standard input.
var answers = map[string][]map[string]any{}

// lineOfError is how a command begins what it says of a line that it refused.
var lineOfError = regexp.MustCompile(`^line (\d+) `)

// ask runs a command on lines, and gives the object that each became; nil for one that was refused or is a
// directive. A format that is refused makes all of them nil.
func ask(t *testing.T, lines string, args ...string) []map[string]any {
	t.Helper()
	key := strings.Join(args, "\x00") + "\x01" + lines
	if objects, ok := answers[key]; ok {
		return objects
	}
	program, err := throng()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, args...)
	cmd.Stdin = strings.NewReader(lines)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	failed := cmd.Run()
	n := strings.Count(strings.TrimSuffix(lines, "\n"), "\n") + 1
	objects := make([]map[string]any, n)
	without := map[int]bool{}
	for _, line := range strings.Split(stderr.String(), "\n") {
		if m := lineOfError.FindStringSubmatch(line); m != nil {
			number, _ := strconv.Atoi(m[1])
			without[number-1] = true
		}
	}
	if failed != nil && len(without) == 0 { // the format, not a line
		answers[key] = objects
		return objects
	}
	dec := json.NewDecoder(&stdout)
	for i, line := range strings.SplitN(lines, "\n", n) {
		if without[i] || strings.HasPrefix(line, "#") {
			continue
		}
		if err := dec.Decode(&objects[i]); err != nil {
			t.Fatalf("read what throng %s says of line %d: %v", args[0], i+1, err)
		}
	}
	answers[key] = objects
	return objects
}

// parsed asks throng parse for a field of line i.
func parsed(format, lines string, i int, field string) func(*testing.T) string {
	return func(t *testing.T) string {
		return text(ask(t, lines, "parse", "--raw-ok", "--format", format)[i], field)
	}
}

// text is a field as expectations have it. "request" is the whole request line.
func text(object map[string]any, field string) string {
	if object == nil {
		return refused
	}
	if field == "request" {
		parts := []string{}
		for _, name := range []string{"method", "target", "protocol"} {
			if part, ok := object[name].(string); ok {
				parts = append(parts, part)
			}
		}
		return value(strings.Join(parts, " "))
	}
	return value(object[field])
}

// value spells a value. Nothing and empty are the same.
func value(v any) string {
	switch v := v.(type) {
	case nil:
		return absent
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case string:
		if v == "" {
			return absent
		}
		return v
	default:
		return fmt.Sprint(v)
	}
}

// instant spells a time in our way: in seconds, UTC. One without offset is UTC.
func instant(t *testing.T, iso string) string {
	t.Helper()
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05"} {
		if at, err := time.Parse(layout, iso); err == nil {
			return at.UTC().Format("2006-01-02T15:04:05Z")
		}
	}
	t.Fatalf("%q is no time", iso)
	return ""
}
