package throng_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

func TestNoticesNameEveryLinkedModule(t *testing.T) {
	notices, err := os.ReadFile("THIRD_PARTY_NOTICES.md")
	if err != nil {
		t.Fatal(err)
	}
	list := exec.Command("go", "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}} | {{.Version}}{{end}}{{end}}", "./cmd/throng")
	list.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := list.Output()
	if err != nil {
		t.Fatalf("list linked modules: %v", err)
	}
	modules := strings.Fields(strings.ReplaceAll(string(out), " | ", "|"))
	if len(modules) == 0 {
		t.Fatal("no module is linked")
	}
	for _, m := range modules {
		if row := "| " + strings.ReplaceAll(m, "|", " | ") + " |"; !strings.Contains(string(notices), row) {
			t.Errorf("THIRD_PARTY_NOTICES.md has no row %q: run make notices", row)
		}
	}
}
