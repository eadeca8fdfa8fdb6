package peers_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// assertion is one of a Python test, as testdata/record.py writes it down.
type assertion struct {
	Test string `json:"test"`
	Path []any  `json:"path"`
	Want any    `json:"want"`
}

// record gives the assertions in test files of a Python package, whose modules are in the folder source.
func record(t *testing.T, folder, source, module string, tests ...string) []assertion {
	t.Helper()
	args := []string{filepath.Join("testdata", "record.py"), filepath.Join(folder, source), module}
	for _, name := range tests {
		args = append(args, filepath.Join(folder, name))
	}
	cmd := exec.Command("python3", args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("record %s: %v: %s", module, err, &stderr)
	}
	if stderr.Len() > 0 {
		t.Logf("not recorded: %s", &stderr)
	}
	var all []assertion
	for dec := json.NewDecoder(&stdout); dec.More(); {
		var a assertion
		if err := dec.Decode(&a); err != nil {
			t.Fatal(err)
		}
		all = append(all, a)
	}
	return all
}

// argument is the first argument of the call of a name ("" for one without, such as parser(line)).
func (a assertion) argument(call string) (string, bool) {
	for i, p := range a.Path {
		args, ok := p.([]any)
		if !ok || len(args) == 0 || i == 0 {
			continue
		}
		name, _ := a.Path[i-1].(string)
		if name == call {
			arg, ok := args[0].(string)
			return arg, ok
		}
	}
	return "", false
}

// field is what the assertion is about, if it is a field by name.
func (a assertion) field() string {
	name, _ := a.Path[len(a.Path)-1].(string)
	return name
}

func (a assertion) raises() bool {
	want, ok := a.Want.(map[string]any)
	return ok && want["raises"] == true
}

// name says which assertion it is.
func (a assertion) name(parts ...string) string {
	return fmt.Sprintf("%s: %s", a.Test, strings.Join(parts, " | "))
}

// directive is one of Apache's.
var directive = regexp.MustCompile(`%[<>!0-9,]*(?:\{([^}]*)\})?[<>!0-9,]*(\^?[a-zA-Z]+)`)

// completed adds a time and a status to a format and its line where there are none: without a time, and a status or
// a request, a line is no access log to us.
func completed(format, line string) (string, string) {
	var timed, answered bool
	for _, m := range directive.FindAllStringSubmatch(format, -1) {
		timed = timed || m[2][0] == 't'
		answered = answered || m[2][0] == 'r' || m[2][0] == 's'
	}
	if !timed {
		format, line = format+" %t", line+" [01/Jan/2026:00:00:00 +0000]"
	}
	if !answered {
		format, line = format+" %>s", line+" 200"
	}
	return format, line
}
